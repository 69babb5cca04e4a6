"""A tiny levelled log: lines go to the console, warnings and errors into a ring besides."""

from haidang_node import loading

DEBUG = 10
INFO = 20
WARNING = 30
ERROR = 40

_LETTERS = {DEBUG: "D", INFO: "I", WARNING: "W", ERROR: "E"}


class _Sink:
    level = INFO
    hal = None


def _no_time() -> int:
    return 0


_now_ms = _no_time


def start(level: int, now_ms, hal=None) -> None:
    """Sets the lowest level shown and the source of the time stamps (uptime, ms).

    hal: whose RTC memory keeps warnings and errors; None where they are not kept.
    """
    global _now_ms  # noqa: PLW0603 - one log for the program
    _Sink.level = level
    _Sink.hal = hal
    _now_ms = now_ms


def ring(function: str, *args) -> None:
    """Calls `note`, `keep` or `save` of the error ring; nothing is kept without memory for it, or
    where flash has lost its module: no loop may end for its words.
    """
    if _Sink.hal is None:
        return
    try:
        loading.call("haidang_node.ring", function, _Sink.hal, *args)
    except (MemoryError, ImportError, OSError, ValueError):
        return


class Log:
    """The log of one part; `area` leads each of its lines."""

    def __init__(self, area: str) -> None:
        self._area = area

    def debug(self, text: str, *args: object) -> None:
        """For developers: repeats of a known failure, single messages."""
        self.write(DEBUG, text, args)

    def info(self, text: str, *args: object) -> None:
        """What happened: starts, connections, recoveries."""
        self.write(INFO, text, args)

    def warning(self, text: str, *args: object) -> None:
        """The first failure of something that will be tried again."""
        self.write(WARNING, text, args)

    def error(self, text: str, *args: object) -> None:
        """Something a technician must look at."""
        self.write(ERROR, text, args)

    def write(self, level: int, text: str, args: tuple) -> None:
        """Formats only when the level is shown."""
        if level < _Sink.level:
            return
        message = text % args if args else text
        line = "%s %s: %s" % (_LETTERS[level], self._area, message)
        now_ms = _now_ms()
        print("%9d %s" % (now_ms, line))  # noqa: T201 - the console is the node's log
        if level >= WARNING:
            ring("keep", now_ms, line, level >= ERROR)


class Trouble:
    """First failure WARNING, repeats DEBUG, recovery INFO with its duration."""

    def __init__(self, log: Log, what: str) -> None:
        self._log = log
        self._what = what
        self._since_ms = -1

    def failed(self, reason: object) -> None:
        """Notes a failure."""
        if self._since_ms < 0:
            self._since_ms = _now_ms()
            self._log.warning("%s failed: %s", self._what, reason)
        else:
            self._log.debug("%s still fails: %s", self._what, reason)

    def over(self) -> None:
        """Notes that it works (again)."""
        if self._since_ms >= 0:
            self._log.info("%s works again after %d ms", self._what, _now_ms() - self._since_ms)
            self._since_ms = -1
