# heap: 400K
"""The watchdog's supervisor and the lanes of what is reported."""

from haidang_node import log, supervisor
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

    def unix_ms(self, up_ms):
        return self.unix


class _Task:
    ended = False

    def done(self):
        return self.ended


class _Turns:
    """In place of asyncio: each sleep is a turn of the given story."""

    def __init__(self, clock, story):
        self._clock = clock
        self._story = story

    async def sleep_ms(self, wait_ms):
        self._clock.now_ms += wait_ms
        self._story()


def _feeds(loops_turn_until_ms, ended_at_ms):
    clock = _Clock()
    watch = Supervisor(clock)
    watch.expect("smoke", 6000)
    watch.expect("uplink", 60000)
    tasks = [_Task(), _Task()]
    fed = []

    def story():
        if clock.now_ms <= loops_turn_until_ms:
            watch.turned("smoke")
        watch.turned("uplink")
        tasks[1].ended = clock.now_ms >= ended_at_ms

    real = supervisor.asyncio
    supervisor.asyncio = _Turns(clock, story)
    try:
        watching = watch.run(tasks, lambda: fed.append(clock.now_ms))
        while True:
            watching.send(None)
    except StopIteration:
        return fed, watch.hanging()
    finally:
        supervisor.asyncio = real


def test_the_watchdog_is_fed_while_all_loops_turn() -> None:
    fed, hanging = _feeds(loops_turn_until_ms=30000, ended_at_ms=30000)
    assert fed == list(range(0, 30000, 1500))
    assert hanging is None


def test_one_hanging_loop_starves_the_watchdog() -> None:
    fed, hanging = _feeds(loops_turn_until_ms=9000, ended_at_ms=60000)
    assert fed[-1] == 15000
    assert hanging == "smoke"


class _Identity:
    epoch = "9f3c01aa"
    boot = 3
    following = 0

    def take(self):
        self.following += 1
        return self.following - 1

    def save(self, lowest_loose):
        pass


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
    reporter = Reporter("n-240ac4000001", clock, _Identity(), outbox, None, [sensor], wake, encode_pack)
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


def test_what_is_not_normal_is_repeated_once_a_minute() -> None:
    clock, outbox, sensor = _Clock(), _Outbox(), _Sensor()
    reporter = Reporter("n-240ac4000001", clock, _Identity(), outbox, None, [sensor], _Wake(), encode_pack)
    reporter.snapshot()
    clock.now_ms = 60000
    reporter.repeat()
    assert len(outbox.kept) == 1
    sensor.normal = False
    for clock.now_ms in range(59000, 121000, 1000):
        reporter.repeat()
    assert len(outbox.kept) == 3
