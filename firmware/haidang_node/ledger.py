"""Which numbers of which boot were dropped and why: told to the gateway in every status."""

from haidang_node import loading


class Ledger:
    """Dropped numbers of the newest boots and of older ones, kept in one small file.

    An entry is [epoch, boot, next, [[lo, hi, cause], ...]]; `next` is 0 while the boot runs.
    A number named as dropped may have been received after all: receipt counts before this ledger.
    Causes: "full" (telemetry, outbox full), "alarm_full" (outbox full of alarms), "power" (in RAM
    at a power cut), "flash" (flash refused it), "corrupt" (flash lost it), "fault" (no pack of the
    contract). What flash lost is named by its neighbours, so with numbers that were received.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # None: they are in the file alone.
        self.entries: list | None = []
        self.dropped = 0

    def open(self) -> None:
        """Looks at the file; an unreadable one starts anew."""
        if _call("read", self.path):
            self.entries = None

    def drop(self, *lost) -> None:
        """Names pairs of numbers as dropped, on flash when this returns, and counts them.

        lost: epoch, boot, [(lo, hi), ...], cause.
        """
        _call("drop", self, *lost)

    def boots(self, *now) -> list:
        """The status field `boots`: numbers of this epoch's boots, oldest first.

        now: epoch, boot, the number that comes next, held ranges by boot. Packs of an older epoch
        are sent too, but a status speaks of one.
        """
        return _call("boots", self, *now)


def _call(function: str, *args):
    return loading.call("haidang_node.accounts", function, *args)
