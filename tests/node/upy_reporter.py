# heap: 400K
"""What is reported, in which lane, and that a number is safe before its pack is kept."""

from haidang_node import log
from haidang_node.outbox import ALARM, DATA
from haidang_node.reporter import Reporter
from haidang_wire.senml import Record, decode_pack, encode_pack

from board_parts import UptimeClock

log.start(log.ERROR + 1, lambda: 0)


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
    clock, outbox, sensor, wake = UptimeClock(), _Outbox(), _Sensor(), _Wake()
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
        "n-240ac4000001", UptimeClock(), identity, outbox, None, [sensor], _Wake(), encode_pack
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
        "n-240ac4000001", UptimeClock(), _Identity(), outbox, None, [sensor], _Wake(), encode_pack
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

    clock, outbox, sensor, ledger = UptimeClock(), _Outbox(), _Sensor(), Ledger()
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
    clock, outbox, sensor = UptimeClock(), _Outbox(), _Sensor()
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
