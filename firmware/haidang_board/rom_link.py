"""The board's wires to the outside world: one request line out, one answer line back.

Runs in MicroPython. The other end is `rig_chip.py`. ROM files are kept lean: whatever they use
comes out of the application's heap, unlike on a chip. So they name constants with `const`, and
what few applications need is loaded by `part` when it is first asked for.
"""

import sys

import vfs

_control = None
_rom = None
_sequence = 0
busy = False
held = []


def attach(control_fd, rom_folder):
    """Open the control channel inherited from the rig; keep the way to the ROM's folder."""
    global _control, _rom
    _control = open(control_fd, "r+b", 0)
    _rom = vfs.VfsPosix(rom_folder)


def ask(*words):
    """Send one request and return the rig's answer as text.

    Answers carry the request's number: one left unread by a Ctrl-C is skipped here.
    """
    global _sequence, busy
    busy = True
    try:
        _sequence = (_sequence + 1) & 0xFFFF
        number = str(_sequence)
        _control.write(" ".join([number] + [str(word) for word in words]) + "\n")
        while True:
            line = _control.readline().decode()
            if not line:
                sys.exit(1)
            first, _, rest = line[:-1].partition(" ")
            if first == number:
                return rest
    finally:
        busy = False
        while held:
            run, argument = held.pop(0)
            run(argument)


def die(*words):
    """Send the last request of this life; the rig cuts the power within milliseconds."""
    import time

    ask(*words)
    while True:
        time.sleep(1)


def part(name):
    """Load a part of the ROM that most applications never use."""
    vfs.mount(_rom, "/rom")
    sys.path.insert(0, "/rom")
    try:
        return __import__(name)
    finally:
        sys.path.pop(0)
        vfs.umount("/rom")
