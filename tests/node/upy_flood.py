"""The flood sensor: frames, filters, states; silence is a fault and never a level."""

import micropython
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.ultrasonic import Ultrasonic

_SETTINGS = {
    "mount_mm": 3000,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
}


def _frame(distance_mm):
    head = bytes([0xFF, distance_mm >> 8, distance_mm & 0xFF])
    return head + bytes([sum(head) & 0xFF])


class _Line:
    """The UART: what was put on the line comes out once."""

    def __init__(self):
        self.data = b""

    def readinto(self, buffer):
        count = min(len(buffer), len(self.data))
        if not count:
            return None
        buffer[:count] = self.data[:count]
        self.data = self.data[count:]
        return count


class _Bench:
    def __init__(self):
        self.line = _Line()
        self.flood = Flood(_SETTINGS, self.line.readinto)
        self.now_ms = 0

    def run(self, seconds, level_mm=None, noise=(0,)):
        for step in range(seconds * 4):
            self.now_ms += 250
            if level_mm is not None:
                self.line.data += _frame(3000 - level_mm + noise[step % len(noise)])
            self.flood.sample(self.now_ms)

    def values(self):
        return {record.name: record.value for record in self.flood.records()}


def _distances(data):
    meter = Ultrasonic()
    return [mm for mm in [meter.take(byte) for byte in data] if mm], meter


def test_after_deep_sleep_only_a_change_is_news() -> None:
    bench = _Bench()
    bench.flood.resume("watch", "ok", 0)
    bench.run(4, level_mm=350)
    assert (bench.flood.state, bench.flood.health) == ("watch", "ok")
    assert not bench.flood.changed()
    bench.run(20, level_mm=600)
    assert bench.flood.state == "warning"
    assert bench.flood.changed()


def test_frames_are_found_behind_rubbish_and_broken_frames() -> None:
    good = _frame(1234)
    assert _distances(b"\x00\x11" + good)[0] == [1234]
    # Cut short: the next header lies where the sum is expected.
    assert _distances(good[:3] + good + good)[0] == [1234, 1234]
    assert _distances(good[:2] + good + good)[0] == [1234, 1234]
    broken = bytearray(good)
    broken[1] ^= 4
    found, meter = _distances(bytes(broken) + good)
    assert found == [1234]
    assert meter.bad == 1


def test_every_distance_with_high_bytes_survives() -> None:
    for distance_mm in (255, 256, 0x0FFF, 0x10FF, 7500):
        assert _distances(_frame(distance_mm) * 3)[0] == [distance_mm] * 3


def test_the_blind_zone_and_beyond_range_give_no_reading() -> None:
    for distance_mm in (0, 30, 7501, 0xFFFD):
        assert _distances(_frame(distance_mm))[0] == []


def test_a_dry_street_is_normal() -> None:
    bench = _Bench()
    bench.run(5, 0, noise=(-2, 2, 0, 1))
    values = bench.values()
    assert values["flood/health"] == "ok"
    assert values["flood/state"] == "normal"
    assert abs(values["flood/level"]) <= 2
    assert bench.flood.normal


def test_rising_water_passes_the_levels_and_falling_water_leaves_them_with_hysteresis() -> None:
    bench = _Bench()
    bench.run(5, 0)
    states = []
    for level_mm in (350, 550, 850):
        bench.run(10, level_mm)
        states.append(bench.flood.state)
    assert states == ["watch", "warning", "danger"]
    bench.run(30, 785)
    assert bench.flood.state == "danger"
    bench.run(30, 200)
    assert bench.flood.state == "normal"


def test_a_car_under_the_sensor_is_no_flood() -> None:
    bench = _Bench()
    bench.run(20, 0)
    bench.run(2, 1400)
    bench.run(20, 0)
    assert bench.flood.state == "normal"
    assert bench.values()["flood/level"] == 0


def test_single_wild_readings_are_filtered() -> None:
    bench = _Bench()
    bench.run(20, 100, noise=(0, 0, 0, -900))
    assert abs(bench.values()["flood/level"] - 100) <= 2


def test_silence_is_a_fault_without_level_or_state() -> None:
    bench = _Bench()
    bench.run(5, 100)
    bench.flood.changed()
    bench.run(4)
    assert bench.flood.changed()
    assert bench.values() == {"flood/health": "silent"}
    bench.run(5, 100)
    assert bench.values()["flood/health"] == "ok"


def test_a_meter_that_never_spoke_is_silent() -> None:
    bench = _Bench()
    bench.run(1)
    assert bench.values() == {"flood/health": "warming"}
    bench.run(4)
    assert bench.values() == {"flood/health": "silent"}


def test_rate_and_time_to_the_next_level() -> None:
    bench = _Bench()
    for level_mm in range(90):
        bench.run(1, level_mm)
    values = bench.values()
    assert 3300 <= values["flood/rate"] <= 3900, "1 mm/s is 3600 mm/h"
    assert 180 <= values["flood/to_next"] <= 240, "210 mm are missing"
    steady = _Bench()
    steady.run(90, 100)
    assert steady.values()["flood/rate"] == 0
    assert "flood/to_next" not in steady.values()


def test_a_disturbed_line_is_noisy() -> None:
    bench = _Bench()
    for _ in range(80):
        bench.line.data = b"\xff\x01\x02\x03" * 6
        bench.run(1, 100)
        if bench.flood.health == "noisy":
            break
    assert bench.values() == {"flood/health": "noisy"}


class _Repeated:
    """A line that gives the same bytes for ever without allocating."""

    def __init__(self, data):
        self._data = data

    def readinto(self, buffer):
        for i in range(len(self._data)):
            buffer[i] = self._data[i]
        return len(self._data)


def test_sampling_allocates_nothing() -> None:
    sensor = Flood(_SETTINGS, _Repeated(_frame(2600)).readinto)
    micropython.heap_lock()
    try:
        for step in range(200):
            sensor.sample(step * 250)
    finally:
        micropython.heap_unlock()
    assert sensor.state == "watch"
