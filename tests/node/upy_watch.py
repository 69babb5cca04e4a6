# heap: 400K
"""The watchdog's supervisor and the lanes of what is reported."""

from haidang_node import log, ring, supervisor
from haidang_node.errors import LinkError
from haidang_node.outbox import ALARM, DATA
from haidang_node.reporter import Reporter
from haidang_node.supervisor import Supervisor
from haidang_wire.senml import Record, decode_pack, encode_pack

log.start(log.ERROR + 1, lambda: 0)


class _Clock:
    now_ms = 0
    unix = None

    def uptime_ms(self):
        return self.now_ms

    ticks_ms = uptime_ms

    def uptime_of(self, ticks_ms):
        return ticks_ms

    def unix_ms(self, up_ms):
        return self.unix


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
        self.clock = _Clock()
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
    memory = _Memory()
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


class _Memory:
    def __init__(self):
        self.data = b""

    def ring_read(self):
        return self.data

    def ring_write(self, data):
        assert len(data) <= ring.BYTES
        self.data = data


class _Identity:
    epoch = "9f3c01aa"
    boot = 3
    following = 0
    saved = 0

    def take(self):
        self.following += 1
        return self.following - 1

    def save(self, lowest_loose):
        self.saved = self.following


class _Outbox:
    def __init__(self):
        self.kept = []

    def lowest_loose(self):
        return None

    def put(self, lane, epoch, boot, seq, payload, now_ms):
        self.kept.append((lane, decode_pack(payload)))


class _Sensor:
    kind = "smoke"
    state = "normal"
    health = "ok"
    normal = True
    told = "normal"

    def sample(self, now_ms):
        pass

    def changed(self):
        told, self.told = self.told, self.state
        return told != self.state

    def records(self):
        return [Record("smoke/state", self.state, 5)]

    state_records = records


class _Wake:
    woken = 0

    def set(self):
        self.woken += 1


def test_changes_and_snapshots_go_into_the_alarm_lane_and_readings_into_the_other() -> None:
    clock, outbox, sensor, wake = _Clock(), _Outbox(), _Sensor(), _Wake()
    reporter = Reporter(
        "n-240ac4000001", clock, _Identity(), outbox, None, [sensor], wake, encode_pack
    )
    reporter.sample(sensor)
    assert outbox.kept == []
    sensor.state = "alarm"
    reporter.sample(sensor)
    reporter.telemetry()
    reporter.snapshot()
    assert [lane for lane, _ in outbox.kept] == [ALARM, DATA, ALARM]
    assert [pack.seq for _, pack in outbox.kept] == [0, 1, 2]
    assert outbox.kept[0][1].records[0].value == "alarm"
    assert wake.woken == 3


def test_a_number_is_safe_before_its_alarm_is_kept_and_for_telemetry_once_it_waits() -> None:
    outbox, sensor, identity = _Outbox(), _Sensor(), _Identity()
    waited_ms = [0]
    outbox.flush_due = lambda now_ms: waited_ms[0]
    saved = []
    outbox.put = lambda *pack: saved.append(identity.saved)
    reporter = Reporter(
        "n-240ac4000001", _Clock(), identity, outbox, None, [sensor], _Wake(), encode_pack
    )
    sensor.state = "alarm"
    reporter.sample(sensor)
    assert saved == [1], "a name that a power cut gives out twice would hide an alarm"
    reporter.telemetry()
    reporter.turn(1000)
    assert (saved, identity.saved) == ([1, 1], 1), "NVS wears"
    waited_ms[0] = 3000
    reporter.turn(4000)
    assert identity.saved == 2


def test_the_console_tells_a_decision_only_when_its_pack_is_kept() -> None:
    order = []
    outbox, sensor = _Outbox(), _Sensor()
    outbox.put = lambda *pack: order.append("kept")
    reporter = Reporter(
        "n-240ac4000001", _Clock(), _Identity(), outbox, None, [sensor], _Wake(), encode_pack
    )
    log.start(log.INFO, lambda: order.append("told") or 0)
    try:
        sensor.state = "alarm"
        reporter.sample(sensor)
    finally:
        log.start(log.ERROR + 1, lambda: 0)
    assert order == ["kept", "told"]


def test_a_change_that_memory_refused_is_told_as_soon_as_there_is_some() -> None:
    class Ledger:
        lost = None

        def drop(self, *lost):
            self.lost = lost

    full = [True]

    def encode(pack):
        if full[0]:
            raise MemoryError
        return encode_pack(pack)

    clock, outbox, sensor, ledger = _Clock(), _Outbox(), _Sensor(), Ledger()
    outbox.flush_due = lambda now_ms: 0
    identity = _Identity()
    reporter = Reporter(
        "n-240ac4000001", clock, identity, outbox, ledger, [sensor], _Wake(), encode
    )
    sensor.state = "alarm"
    try:
        reporter.sample(sensor)
        raise AssertionError("memory was there")
    except MemoryError:
        assert ledger.lost == (identity.epoch, identity.boot, [(0, 0)], "fault")
    full[0] = False
    reporter.sample(sensor)
    for now_ms in (1000, 2000):
        reporter.turn(now_ms)
    assert [lane for lane, _ in outbox.kept] == [ALARM]
    assert outbox.kept[0][1].records[0].value == "alarm"


def test_what_is_not_normal_is_repeated_once_a_minute() -> None:
    clock, outbox, sensor = _Clock(), _Outbox(), _Sensor()
    reporter = Reporter(
        "n-240ac4000001", clock, _Identity(), outbox, None, [sensor], _Wake(), encode_pack
    )
    reporter.snapshot()
    clock.now_ms = 60000
    reporter.repeat()
    assert len(outbox.kept) == 1
    sensor.normal = False
    for clock.now_ms in range(59000, 121000, 1000):
        reporter.repeat()
    assert len(outbox.kept) == 3
