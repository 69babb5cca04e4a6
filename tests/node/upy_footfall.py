# heap: 320K
"""Footfall: the parser, windows that follow the sniffer's key, counting, suppression, health."""

import micropython
from haidang_node.errors import CommandError
from haidang_node.sensors import crowd, footfall_service
from haidang_node.sensors.addresses import Addresses
from haidang_node.sensors.footfall import Footfall
from haidang_node.sensors.sketch import Sketch
from haidang_node.sensors.sniffer import Sniffer

_HIDDEN = 0x01
_HEARTBEAT = 0x80


def _line(address, flags=0, window=0, sequence=0, signature=0):
    record = address.to_bytes(4, "little") + bytes([flags, window])
    record += sequence.to_bytes(2, "little") + signature.to_bytes(4, "little") + b"\xc4\x06"
    return b"\xa5\x5a" + record + bytes([sum(record) & 0xFF])


def _keyed(number):
    # Stands for the sniffer's keyed hash.
    value = number * 2654435761 & 0xFFFFFFFF
    for _ in range(3):
        value ^= value >> 15
        value = value * 2246822519 & 0xFFFFFFFF
        value ^= value >> 13
    return value


class _Line:
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
    def __init__(self, source="sniffer"):
        self.line = _Line()
        self.footfall = Footfall({"source": source}, self.line.readinto)
        self.now_ms = 0
        self.window = 250
        self.total = 0
        self.dropped = 0

    def run(self, seconds, data=b"", heartbeat=True):
        for _ in range(seconds):
            if heartbeat:
                self.line.data += _line(self.total, _HEARTBEAT, self.window, self.dropped)
            self.line.data += data
            self.total += len(data) // 17
            for _ in range(10):
                self.now_ms += 100
                self.footfall.sample(self.now_ms)

    def turn(self):
        """The sniffer draws a new key."""
        self.window = self.window + 1 & 0xFF
        self.run(1)

    def begun(self):
        """A bench at the beginning of its first whole window."""
        self.run(2)
        self.turn()
        self.values()
        return self

    def own(self, numbers):
        return b"".join([_line(_keyed(n), 0, self.window) for n in numbers])

    def values(self):
        return {record.name: record.value for record in self.footfall.records()}


def _counted(data):
    sniffer = Sniffer()
    buffer = bytearray(data)
    at = found = 0
    while at < len(buffer):
        at = sniffer.take(buffer, at, len(buffer))
        found += sniffer.whole
    return found, sniffer.bad


def test_lines_are_found_behind_rubbish_and_broken_ones() -> None:
    good = _line(0x5AA5A55A, 1, 3, 0x5AA, 0xA55AA55A)
    assert _counted(good * 3) == (3, 0)
    assert _counted(b"\xa5\xa5" + good + good)[0] == 2
    broken = bytearray(good)
    broken[7] ^= 1
    found, bad = _counted(bytes(broken) + good)
    assert found == 1
    assert bad
    for cut in range(1, 17):
        assert _counted(good[:cut] + good + good)[0] == 2, cut


def test_phones_that_show_their_address_are_counted_once_per_window() -> None:
    bench = _Bench().begun()
    for _ in range(10):
        bench.run(8, bench.own(range(40)))
    bench.turn()
    values = bench.values()
    assert values["footfall/devices"] == 40
    assert values["footfall/low"] <= 40 <= values["footfall/high"]
    assert values["footfall/frames"] == 3200
    assert values["footfall/window"] == 81
    assert values["footfall/source"] == "sniffer"
    assert "footfall/devices" not in bench.values(), "a window is told once"


def test_a_window_that_began_before_the_node_is_not_told() -> None:
    bench = _Bench()
    bench.run(10, bench.own(range(40)))
    bench.turn()
    assert list(bench.values()) == ["footfall/health"]


def test_lines_of_the_key_before_do_not_count() -> None:
    bench = _Bench().begun()
    for _ in range(5):
        bench.run(8, bench.own(range(20)))
    late = bench.own(range(100, 200))
    bench.turn()
    bench.values()
    for _ in range(5):
        bench.run(8, bench.own(range(20)) + late)
    bench.turn()
    assert bench.values()["footfall/devices"] == 20


def test_hidden_phones_whose_numbers_go_on_are_counted_by_their_chains() -> None:
    bench = _Bench().begun()
    for burst in range(12):
        data = b""
        for phone in range(10):
            address = _keyed(1000 * burst + phone)
            number = (300 * phone + 25 * burst) & 0xFFF
            data += _line(address, _HIDDEN, bench.window, number, _keyed(phone % 3))
        bench.run(1, data)
        bench.run(7)
    bench.turn()
    assert 9 <= bench.values()["footfall/devices"] <= 11


def test_phones_that_cannot_be_linked_are_told_by_their_rate() -> None:
    bench = _Bench().begun()
    seed = 7
    for burst in range(12):
        data = bench.own(range(30))
        for phone in range(60):
            seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
            address = _keyed(100000 + 1000 * burst + phone)
            data += _line(address, _HIDDEN, bench.window, seed >> 16 & 0xFFF, _keyed(phone % 3))
        bench.run(1, data)
        bench.run(7)
    bench.turn()
    values = bench.values()
    assert 75 <= values["footfall/devices"] <= 105
    assert values["footfall/low"] <= 90 <= values["footfall/high"]


def test_fewer_than_five_devices_are_not_told() -> None:
    for number in range(5):
        bench = _Bench().begun()
        for _ in range(4):
            bench.run(8, bench.own(range(number)))
        bench.turn()
        values = bench.values()
        assert values["footfall/suppressed"] is True
        assert "footfall/devices" not in values
        assert "footfall/frames" not in values, "frames would tell it nearly as well"


def test_a_count_that_may_stand_for_fewer_than_five_is_not_told() -> None:
    # Scans under new addresses of one make, which may be of two phones or of a dozen.
    sketch = Sketch()
    for scan in range(18):
        sketch.add(_keyed(scan), 10 * scan, 77, (scan * 1597) & 0xFFF)
    devices, low, _, _ = crowd.estimate(sketch, ())
    assert low < 5 <= devices
    told, _ = crowd.records(sketch, (), 40, 300, "sniffer", 0)
    names = [record.name for record in told]
    assert "footfall/suppressed" in names
    assert not {"footfall/devices", "footfall/low", "footfall/high", "footfall/frames"} & set(
        names
    )


def test_a_silent_sniffer_is_a_fault_and_no_empty_street() -> None:
    bench = _Bench().begun()
    assert bench.values()["footfall/health"] == "ok"
    bench.run(6, heartbeat=False)
    assert bench.values() == {"footfall/health": "silent"}
    bench.turn()
    assert "footfall/window" not in bench.values(), "no count of a window with a silence in it"
    bench.run(5)
    bench.turn()
    assert bench.values()["footfall/suppressed"] is True


def test_a_sniffer_that_started_again_has_another_key() -> None:
    bench = _Bench().begun()
    bench.run(8, bench.own(range(20)))
    bench.total = 0
    bench.run(8, bench.own(range(50, 70)))
    bench.turn()
    assert "footfall/window" not in bench.values()


def test_bytes_that_are_no_lines_are_noise_not_silence() -> None:
    bench = _Bench().begun()
    bench.run(6, b"\x00\xff\xa5" * 20, heartbeat=False)
    assert bench.values()["footfall/health"] == "noisy"
    bench.run(2)
    assert bench.values()["footfall/health"] == "ok"


def test_a_sniffer_that_drops_much_is_noisy() -> None:
    bench = _Bench().begun()
    bench.run(2, bench.own(range(20)))
    assert bench.footfall.health == "ok"
    bench.dropped = 30
    bench.run(2, bench.own(range(20)))
    assert bench.footfall.health == "noisy"


def test_a_key_that_does_not_turn_is_told_and_not_counted() -> None:
    bench = _Bench().begun()
    bench.run(3000)
    assert bench.footfall.health == "ok"
    bench.run(1000)
    assert bench.footfall.health == "stuck"
    bench.turn()
    assert "footfall/window" not in bench.values()
    assert bench.footfall.health == "ok"


def test_a_counter_that_stands_still_beside_its_lines_is_a_fault() -> None:
    bench = _Bench().begun()
    for _ in range(8):
        bench.run(1, bench.own(range(20)))
        bench.total = 0
    assert bench.footfall.health == "ok"
    for _ in range(8):
        bench.run(1, bench.own(range(20)))
        bench.total = 0
    assert bench.footfall.health == "stuck"
    bench.turn()
    assert "footfall/window" not in bench.values()
    bench.total = 10
    bench.run(2)
    assert bench.footfall.health == "ok"


def test_a_radio_that_hears_nobody_for_six_hours_is_deaf() -> None:
    bench = _Bench().begun()
    bench.run(1, bench.own(range(20)))
    bench.run(1)
    for hour in range(7):
        assert bench.footfall.health == ("ok" if hour < 6 else "silent")
        bench.now_ms += 3600000
        bench.footfall._heard_ms = bench.footfall._began_ms = bench.now_ms
        bench.run(1)
    bench.run(1, bench.own(range(20)))
    bench.run(1)
    assert bench.footfall.health == "ok"


def _checks(bench):
    checks = footfall_service.selftest(bench.footfall, {"window_s": 300})
    return {check[0]: check[1] for check in checks}


def test_the_self_test_tells_a_good_sniffer_from_a_silent_and_a_garbled_one() -> None:
    bench = _Bench()
    assert _checks(bench)["answers"] is False
    bench.begun().run(3, bench.own(range(5)))
    assert list(_checks(bench).values()) == [True] * 5
    bench.run(6, b"\x00\xff\xa5" * 20, heartbeat=False)
    assert _checks(bench)["frames"] is False
    bench.run(700)
    assert _checks(bench)["key"] is False, "its key ought to have turned"
    bench.footfall.sample(bench.now_ms + 5000)
    assert _checks(bench)["answers"] is False


def test_the_self_test_does_not_tell_how_much_was_heard_of_the_few_who_are_there() -> None:
    told = []
    for frames in (1, 4):
        bench = _Bench().begun()
        for _ in range(frames):
            bench.run(1, bench.own([7]))
        bench.run(4 - frames)
        told.append(footfall_service.selftest(bench.footfall, {"window_s": 300}))
    assert told[0] == told[1]


def test_calibration_is_the_gateways() -> None:
    with_error = None
    try:
        footfall_service.calibrate(_Bench().footfall, {"people": 10}, {})
    except CommandError as error:
        with_error = error
    assert with_error


def test_many_phones_are_estimated_to_a_few_percent() -> None:
    errors = []
    for trial in range(3):
        sketch = Sketch()
        for slot in range(4):
            for number in range(2000):
                sketch.add(_keyed(number * 3 + trial * 100000) & 0x3FFFFFFF, slot, 0, -1)
        devices, low, high, _ = crowd.estimate(sketch, ())
        assert low <= 2000 <= high
        errors.append(abs(devices - 2000))
    # Theory: 3.25 % = 65 for one.
    assert sorted(errors)[1] < 180, errors


def test_an_empty_sketch_is_nobody() -> None:
    assert crowd.estimate(Sketch(), ())[:3] == (0, 0, 0)


def test_chip_addresses_become_lines_under_a_key_of_the_window() -> None:
    now = [0]
    keys = []

    def random(count):
        keys.append(bytes([len(keys)]) * count)
        return keys[-1]

    seen = [bytes([0x12, 0x34, 0x56, 0x78, 0x9A, n]) for n in range(8)]

    def listen(note):
        for address in seen:
            note(address)

    addresses = Addresses(60, lambda: now[0], random, listen)
    footfall = Footfall({"source": "stations"}, addresses.readinto)
    for _ in range(1230):
        now[0] += 100
        footfall.sample(now[0])
        for address in seen:
            assert address[2:] not in footfall._buffer
    assert len(keys) == 3
    values = {record.name: record.value for record in footfall.records()}
    assert values["footfall/devices"] == 8
    assert values["footfall/source"] == "stations"


class _Repeated:
    def __init__(self, data):
        self._data = data

    def readinto(self, buffer):
        for i in range(len(self._data)):
            buffer[i] = self._data[i]
        return len(self._data)


def test_sampling_inside_a_window_allocates_nothing() -> None:
    lines = _line(0xFFFFFFFF) + _line(0xFFFFFFFF, 1, 0, 4095, 0xFFFFFFFF)
    data = _line(9, _HEARTBEAT) + lines + _line(11, _HEARTBEAT)
    footfall = Footfall({"source": "sniffer"}, _Repeated(data).readinto)
    footfall.sample(0)
    micropython.heap_lock()
    try:
        for step in range(50):
            footfall.sample(step * 100)
    finally:
        micropython.heap_unlock()
    assert footfall.health == "ok"
