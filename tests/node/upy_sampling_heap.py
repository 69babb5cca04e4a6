# heap: 400K
"""The sampling step allocates nothing: thousands of samples of a scenario under heap_lock()."""

import micropython
from haidang_node.clock import Clock
from haidang_node.sensors.drivers import a02yyuw
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.footfall import Footfall
from haidang_node.sensors.smoke import Smoke

_SMOKE = {
    "load_ohm": 5000,
    "r0_ohm": 9830,
    "warmup_s": 30,
    "pre_alarm_permille": 600,
    "alarm_permille": 300,
    "burn_in_h": 0,
    "latch_s": 600,
    "siren_steady": False,
}
_FLOOD = {
    "mount_mm": 3000,
    "watch_mm": 150,
    "warning_mm": 300,
    "danger_mm": 600,
    "hysteresis_mm": 50,
    "sound_cc": 0,
}
# Small integers of the ESP32 end here: a time beyond would be an object on its heap.
_SMALL = 1 << 30


class _Wire:
    """What a UART gives: the same bytes again and again, or nothing."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def readinto(self, buffer):
        count = len(self.data)
        for i in range(count):
            buffer[i] = self.data[i]
        return count if count else None


def _locked(sensor, from_ms, count, tell):
    # Also changed() and whatever the scenario turns are part of the step.
    sample, changed, period_ms = sensor.sample, sensor.changed, sensor.period_ms
    steps = range(count)
    micropython.heap_lock()
    try:
        for i in steps:
            tell(i)
            sample(from_ms + i * period_ms)
            changed()
    finally:
        micropython.heap_unlock()


def _nothing(i):
    pass


def test_smoke_samples_and_changes_states_without_allocating() -> None:
    seen = [1100, 0]
    smoke = Smoke(_SMOKE, lambda: seen[0], lambda: seen[1], lambda level: None)

    def story(i):
        # Clean air, smoke, a short, an open wire, the relay; a spike in between.
        phase = i // 200 % 6
        if phase == 1:
            seen[0] = 2800
        elif phase == 2:
            seen[0] = 3200
        elif phase == 3:
            seen[0] = 0
        else:
            seen[0] = 3000 if i % 97 == 0 else 1100
        seen[1] = 1 if phase == 5 else 0

    told = set()
    for part in range(60):
        _locked(smoke, part * 100000, 100, story)
        told.add((smoke.state, smoke.health))
        _locked(smoke, part * 100000 + 50000, 50, _nothing)

    _locked(smoke, 6000000, 3000, story)
    assert smoke.state in ("normal", "alarm", "pre_alarm")
    assert told


def _frame(mm):
    high, low = mm >> 8, mm & 0xFF
    return bytes((0xFF, high, low, (0xFF + high + low) & 0xFF))


def test_flood_samples_and_changes_states_without_allocating() -> None:
    wire = _Wire(_frame(2990))
    flood = Flood(_FLOOD, a02yyuw.make(_FLOOD, wire.readinto, None))
    frames = [_frame(3000 - level) for level in (10, 160, 320, 700, 10)]
    frames.append(b"")
    frames.append(b"\xff\x00\x00\x01\xff\xff")

    def story(i):
        wire.data = frames[i // 700 % 7]

    _locked(flood, 0, 10000, story)
    _locked(flood, 10000 * 250, 3000, _nothing)
    assert flood.health in ("ok", "silent", "noisy", "warming", "stuck")


def _sniffed(address, flags=0, sequence=0, signature=0):
    record = bytearray(17)
    record[0], record[1] = 0xA5, 0x5A
    record[2:6] = address.to_bytes(4, "little")
    record[6] = flags
    record[8:10] = sequence.to_bytes(2, "little")
    record[10:14] = signature.to_bytes(4, "little")
    record[16] = sum(record[2:16]) & 0xFF
    return bytes(record)


def test_footfall_counts_without_allocating_until_a_window_ends() -> None:
    wire = _Wire(b"")
    footfall = Footfall({"source": "sniffer"}, wire.readinto)
    # More own and hidden phones than are kept, some of the hidden ones going on.
    lines = []
    for n in range(300):
        mixed = n * 0x9E3779B1 & 0xFFFFFFFF
        lines.append(_sniffed(mixed, n % 3 // 2, n * 20 & 0xFFF, 0xFFFFFF00 + n % 17))
        if n % 3:
            # One address for each scan.
            lines[-1] = _sniffed(mixed, 1, n * 997 & 0xFFF, n * 0x1003B & 0xFFFFFFFF)
        if n % 20 == 0:
            lines.append(_sniffed(n, 0x80))
    lines.append(b"\xa5\x5a\x00")
    lines.append(b"")

    def story(i):
        wire.data = lines[i % 317]

    _locked(footfall, 0, 5000, story)
    assert footfall.health == "ok"
    assert footfall._sketch.own.mask
    assert 255 in list(footfall._sketch.chains.buckets)


def test_the_step_with_its_clock_allocates_nothing_also_when_the_time_wraps() -> None:
    ticks = [_SMALL - 20000]
    clock = Clock(lambda: ticks[0] & (_SMALL - 1))
    clock.go_on(_SMALL - 30000)
    smoke = Smoke(_SMOKE, lambda: 1100)
    turns = range(60)
    micropython.heap_lock()
    try:
        for _ in turns:
            smoke.sample(clock.ticks_ms())
            smoke.changed()
            ticks[0] = (ticks[0] + 1000) & (_SMALL - 1)
    finally:
        micropython.heap_unlock()
    assert smoke.health == "ok"
    assert clock.ticks_ms() == 30000
    assert clock.uptime_ms() == _SMALL + 30000
    assert clock.uptime_of(smoke.records()[0].up_ms) == _SMALL + 29000


def test_silent_meters_stay_silent_and_warm_sensors_warm_when_the_time_wraps() -> None:
    flood = Flood(_FLOOD, a02yyuw.make(_FLOOD, lambda buffer: None, None))
    footfall = Footfall({"source": "sniffer"}, lambda buffer: None)
    smoke = Smoke(_SMOKE, lambda: 1100)
    for now_ms in range(_SMALL - 100000, _SMALL + 100000, 250):
        for sensor in (flood, footfall, smoke):
            sensor.sample(now_ms & (_SMALL - 1))
        if now_ms > _SMALL - 60000:
            assert (flood.health, footfall.health, smoke.health) == ("silent", "silent", "ok")
