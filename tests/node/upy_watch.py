# heap: 400K
"""The watchdog's supervisor: it feeds while all loops turn, and says which one did not."""

from haidang_node import log, ring, supervisor
from haidang_node.errors import LinkError
from haidang_node.supervisor import Supervisor

from board_parts import RingMemory, UptimeClock

log.start(log.ERROR + 1, lambda: 0)


class _Task:
    """A loop's task; it ends with `error` once that is set."""

    cancelled = False

    def __init__(self, coroutine):
        self._coroutine = coroutine
        self.error = None

    def done(self):
        return self.error is not None

    def cancel(self):
        self.cancelled = True

    def __await__(self):
        raise self.error
        yield

    __iter__ = __await__


class _Turns:
    """In place of asyncio: each sleep is a turn of the given story."""

    def __init__(self, clock, story):
        self._clock = clock
        self._story = story
        self.tasks = []

    def create_task(self, name):
        task = _Task(name)
        self.tasks.append((name, task))
        return task

    async def sleep_ms(self, wait_ms):
        self._clock.now_ms += wait_ms
        self._story()

    async def gather(self, *tasks, return_exceptions):
        assert all([task.cancelled for task in tasks])


class _Watched:
    """A supervisor of two loops and what it did until it ended."""

    def __init__(self, turns_until_ms=None, crashes=(), ends_at_ms=60000):
        self.clock = UptimeClock()
        self.watch = Supervisor(self.clock)
        self.watch.expect("smoke", 6000, lambda: "smoke")
        self.watch.expect("uplink", 60000, lambda: "uplink")
        self.fed = []
        self.crashes = list(crashes)
        self._until_ms = turns_until_ms
        self._ends_at_ms = ends_at_ms
        self.asyncio = _Turns(self.clock, self._story)

    def _story(self):
        if self._until_ms is None or self.clock.now_ms <= self._until_ms:
            self.watch.turned("smoke")
        self.watch.turned("uplink")
        if self.crashes and self.clock.now_ms >= self.crashes[0][0]:
            _, name, error = self.crashes.pop(0)
            [task for of, task in self.asyncio.tasks if of == name][-1].error = error

    def _step(self):
        return "it is time" if self.clock.now_ms >= self._ends_at_ms else None

    def run(self):
        """Why it ended."""
        real = supervisor.asyncio
        supervisor.asyncio = self.asyncio
        running = self.watch.run(lambda: self.fed.append(self.clock.now_ms), self._step)
        try:
            while True:
                running.send(None)
        except StopIteration as end:
            return end.value
        finally:
            supervisor.asyncio = real


def test_the_watchdog_is_fed_while_all_loops_turn() -> None:
    watched = _Watched(ends_at_ms=30000)
    assert watched.run() == "it is time"
    assert watched.fed == list(range(0, 30000, 1500))
    assert watched.watch.hanging() is None
    assert all([task.cancelled for _, task in watched.asyncio.tasks])


def test_one_hanging_loop_starves_the_watchdog_and_is_named_for_the_next_start() -> None:
    memory = RingMemory()
    ring.start(memory, 7, "/tmp/haidang-no-ring")
    watched = _Watched(turns_until_ms=9000)
    log.start(log.ERROR + 1, lambda: 0, memory)
    watched.run()
    log.start(log.ERROR + 1, lambda: 0)
    assert watched.fed[-1] == 15000
    assert watched.watch.hanging() == "smoke"
    assert watched.watch.calm_since_ms > 50000
    assert ring.start(memory, 8, "/tmp/haidang-no-ring") == "loop smoke hung"
    assert ring.start(memory, 9, "/tmp/haidang-no-ring") == ""


def test_a_crashed_loop_is_started_again_and_the_others_go_on() -> None:
    watched = _Watched(crashes=[(9000, "smoke", ValueError("x")), (20000, "uplink", OSError(5))])
    assert watched.run() == "it is time"
    assert [name for name, _ in watched.asyncio.tasks] == ["smoke", "uplink", "smoke", "uplink"]
    assert watched.fed == list(range(0, 60000, 1500))
    assert watched.watch.calm_since_ms == 21000


def test_the_third_crash_within_an_hour_restarts_the_node() -> None:
    crashes = [(at_ms, "smoke", ValueError("x")) for at_ms in (9000, 20000, 30000)]
    assert _Watched(crashes=crashes).run() == "loop smoke crashed"
    rare = [(at_ms, "smoke", ValueError("x")) for at_ms in (9000, 3000000, 4000000)]
    assert _Watched(crashes=rare, ends_at_ms=4100000).run() == "it is time"


def test_a_loop_that_asks_for_a_restart_gets_it_at_once() -> None:
    crashes = [(9000, "uplink", LinkError("the radio hangs"))]
    assert _Watched(crashes=crashes).run() == "uplink: the radio hangs"
