"""Running a program on the virtual board so that Ctrl-C and a soft reset work; in MicroPython."""

import sys

import rom_link

_globals = {"__name__": "__main__"}


class SoftReset(Exception):
    """A soft reset was asked for; the argument is the REPL to come back in."""


def interruptible(on):
    """Let Ctrl-C raise KeyboardInterrupt (or not): the rig sets the terminal."""
    rom_link.ask("keys", int(on))


def file(name):
    """Run a file as boot.py and main.py are run; False when it ended with an exception."""
    try:
        with open(name) as stream:
            sources = [stream.read()]
    except OSError:
        return True
    stream = None
    return execute(sources, name, "friendly", b"")


def program(source, mode, mark, kind):
    """Run what was typed, interruptible; True when it ended well."""
    try:
        interruptible(True)
        return execute([source], "<stdin>", mode, mark, kind)
    finally:
        interruptible(False)


def execute(sources, name, mode, mark, kind="exec"):
    """Compile and run; True when it ended well. `mark` goes before a traceback.

    sources: a list with the text, which is taken out: a chip does not hold it while it runs.
    """
    try:
        code = compile(sources.pop(), name, kind)
        exec(code, _globals)
        return True
    except SystemExit:
        sys.stdout.buffer.write(mark)
        raise SoftReset(mode)
    except BaseException as error:
        sys.stdout.buffer.write(mark)
        sys.print_exception(error, sys.stdout)
        return False
