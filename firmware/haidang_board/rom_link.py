"""The board's wires to the outside world: one request line out, one answer line back.

Runs in MicroPython. The other end is `rig_chip.py`.
"""

import sys

_control = None
_sequence = 0
_busy = False
_held = []


def attach(control_fd):
    """Open the control channel inherited from the rig."""
    global _control
    _control = open(control_fd, "r+b", 0)


def ask(*words):
    """Send one request and return the rig's answer as text.

    Answers carry the request's number: one left unread by a Ctrl-C is skipped here.
    """
    global _sequence, _busy
    _busy = True
    try:
        _sequence = (_sequence + 1) & 0xFFFF
        number = str(_sequence)
        _control.write(" ".join([number] + [str(word) for word in words]) + "\n")
        return _answer(number)
    finally:
        _busy = False
        if _held:
            _release()


def number(*words):
    """Send one request and return the answer as an integer."""
    return int(ask(*words))


def when_free(run, argument):
    """Call `run(argument)` now, or after the request that an interrupt came into."""
    if _busy:
        _held.append((run, argument))
    else:
        run(argument)


def die(*words):
    """Send the last request of this life; the rig cuts the power within milliseconds."""
    import select

    ask(*words)
    never = select.poll()
    while True:
        never.poll(1000)


def _answer(number):
    while True:
        line = _control.readline().decode()
        if not line:
            sys.exit(1)
        first, _, rest = line[:-1].partition(" ")
        if first == number:
            return rest


def _release():
    while _held:
        run, argument = _held.pop(0)
        run(argument)
