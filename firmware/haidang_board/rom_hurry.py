"""Fast time: an asyncio whose waits the rig may skip; runs in MicroPython, only where asked for.

The compiled task queue knows the host's clock alone, so a plain one takes its place.
"""

from asyncio import core

import rom_link
import rom_time


class Tasks:
    """The queue of tasks, the soonest first."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        task.data = None
        task.ph_key = rom_time.ticks_ms() if key is None else key
        at = len(self._tasks)
        while at and rom_time.ticks_diff(self._tasks[at - 1].ph_key, task.ph_key) > 0:
            at -= 1
        self._tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """A coroutine that runs: `state` True while nobody waits for it, else who does."""

    def __init__(self, coro, names=None):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = Tasks()
        elif not isinstance(self.state, Tasks):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        self.state.push(core.cur_task)
        core.cur_task.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is core.cur_task:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        if hasattr(task.data, "remove"):  # a queue of tasks, or asyncio's queue of files
            task.data.remove(task)
            core._task_queue.push(task)
        elif rom_time.ticks_diff(task.ph_key, rom_time.ticks_ms()) > 0:
            core._task_queue.remove(task)
            core._task_queue.push(task)
        task.data = core.CancelledError
        return True


# Milliseconds that may be skipped without asking, and those that were since the last question.
_allowance = [0, 0]
_wait = core.IOQueue.wait_io_event


def _wait_or_skip(io_queue, wait_ms):
    """Serve what is there; then skip what the rig allows, or wait as long as it says."""
    if not wait_ms:
        return _wait(io_queue, 0)
    _wait(io_queue, 0)
    task = core._task_queue.peek()
    if task and rom_time.ticks_diff(task.ph_key, rom_time.ticks_ms()) <= 0:
        return None
    if not _allowance[0]:
        allowed_ms, real_ms = rom_link.ask("idle", _allowance[1], wait_ms).split()
        _allowance[0], _allowance[1] = int(allowed_ms), 0
        if not _allowance[0]:
            return _wait(io_queue, int(real_ms))
    skip_ms = _allowance[0] if wait_ms < 0 else min(wait_ms, _allowance[0])
    _allowance[0] -= skip_ms
    _allowance[1] += skip_ms
    rom_time._skip(skip_ms)


def install():
    """Take asyncio over, before the application makes a loop."""
    core.ticks, core.ticks_add = rom_time.ticks_ms, rom_time.ticks_add
    core.ticks_diff = rom_time.ticks_diff
    core.Task, core.TaskQueue, core._task_queue = Task, Tasks, Tasks()
    core.IOQueue.wait_io_event = _wait_or_skip
