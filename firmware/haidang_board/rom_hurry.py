"""Fast time: an asyncio whose waits the rig may skip; runs in MicroPython, only where asked for.

The compiled queue of tasks stays, which costs the application no heap: what it makes ready itself
bears the host's time, which is never ahead of the board's, so it is due at once.
"""

from asyncio import core

import rom_link
import rom_time
from micropython import const

# A look at a TLS stream costs a millisecond on the Unix port: no more often than this. What the
# rig knows to be on its way is looked for at once.
_LOOK_MS = const(5)
# The host's time of the last look; milliseconds by which the board's time is ahead, that may be
# skipped without asking, and that were since the last question.
_state = [0, 0, 0, 0]
_look = core.IOQueue.wait_io_event
_native_ms = rom_time._native.ticks_ms


def _now_ms():
    return _native_ms() + _state[1]


def _wait_or_skip(io_queue, wait_ms):
    """Serve what is there; then skip what the rig allows, or wait as long as it says."""
    if _native_ms() - _state[0] >= _LOOK_MS or _writes(io_queue):
        _wait(io_queue, 0)
        task = core._task_queue.peek()
        if task and task.ph_key <= _now_ms():
            return
    if not wait_ms:
        return
    if not _state[2]:
        allowed_ms, real_ms = rom_link.ask("idle", _state[3], wait_ms).split()
        _state[2], _state[3] = int(allowed_ms), 0
        if not _state[2]:
            _wait(io_queue, int(real_ms))
            return
    skip_ms = _state[2] if wait_ms < 0 else min(wait_ms, _state[2])
    _state[1] += skip_ms
    _state[2] -= skip_ms
    _state[3] += skip_ms
    rom_time._skip(skip_ms)


def _wait(io_queue, ms):
    _look(io_queue, ms)
    _state[0] = _native_ms()


def _writes(io_queue):
    # Whether a task waits for room to write: the rig does not know.
    for entry in io_queue.map.values():  # noqa: SIM110 - a generator is an object per look
        if entry[1]:
            return True
    return False


def install():
    """Take asyncio over, before the application makes a loop."""
    core.ticks = _now_ms
    core.IOQueue.wait_io_event = _wait_or_skip
