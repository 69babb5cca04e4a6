"""Pin interrupts and timers of the virtual board; runs in MicroPython, loaded when first used."""

import _thread
import time

import micropython
import rom_link

_EDGE = 0
_TIMER = 1
_handlers = {}


class Timer:
    """A hardware timer; the rig keeps the time and reports each period."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **settings):
        self._id = id
        if settings:
            self.init(**settings)

    def init(self, *, mode=1, period=-1, freq=0, callback=None):
        period_ms = period if period > 0 else max(1, 1000 // freq)
        _listen(_TIMER, self._id, (callback, 3, self) if callback else None)
        rom_link.ask("timer", self._id, period_ms, mode)

    def deinit(self):
        rom_link.ask("timer", self._id, 0, 0)
        _listen(_TIMER, self._id, None)


def listen_edge(pin, number, handler, trigger):
    """Call `handler(pin)` by the scheduler at each edge of the kind `trigger` names."""
    _listen(_EDGE, number, (handler, trigger, pin) if handler else None)
    rom_link.ask("irq", number, trigger if handler else 0)


def _listen(kind, number, handler):
    if not _handlers:
        events = open(int(rom_link.ask("events")), "rb", 0)
        _thread.start_new_thread(_watch, (events,))
    _handlers[kind << 8 | number] = handler


def _watch(events):
    # No allocation here: this thread runs beside the interpreter's own.
    event = bytearray(3)
    while events.readinto(event) == 3:
        code = event[0] << 9 | event[1] << 1 | event[2]
        while not _scheduled(code):
            time.sleep_ms(1)


def _scheduled(code):
    try:
        micropython.schedule(_deliver, code)
        return True
    except RuntimeError:  # the scheduler's queue is short
        return False


def _deliver(code):
    handler = _handlers.get(code >> 1)
    if not handler or not handler[1] & (1 if code & 1 else 2):
        return
    if rom_link.busy:  # an interrupt in the middle of a request waits for its end
        rom_link.held.append((handler[0], handler[2]))
    else:
        handler[0](handler[2])
