# heap: 320K
"""Footfall: the parser, windows that follow the sniffer's key, counting, suppression."""

import micropython
from haidang_node.sensors import crowd
from haidang_node.sensors.addresses import Addresses
from haidang_node.sensors.footfall import Footfall
from haidang_node.sensors.sketch import Sketch
from haidang_node.sensors.sniffer import Sniffer

from board_parts import EndlessUart
from footfall_street import HEARTBEAT, HIDDEN, FootfallStreet, keyed, sniffer_line


def _counted(data):
    sniffer = Sniffer()
    buffer = bytearray(data)
    at = found = 0
    while at < len(buffer):
        at = sniffer.take(buffer, at, len(buffer))
        found += sniffer.whole
    return found, sniffer.bad


def test_lines_are_found_behind_rubbish_and_broken_ones() -> None:
    good = sniffer_line(0x5AA5A55A, 1, 3, 0x5AA, 0xA55AA55A)
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
    bench = FootfallStreet().begun()
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
    bench = FootfallStreet()
    bench.run(10, bench.own(range(40)))
    bench.turn()
    assert list(bench.values()) == ["footfall/health"]


def test_lines_of_the_key_before_do_not_count() -> None:
    bench = FootfallStreet().begun()
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
    bench = FootfallStreet().begun()
    for burst in range(12):
        data = b""
        for phone in range(10):
            address = keyed(1000 * burst + phone)
            number = (300 * phone + 25 * burst) & 0xFFF
            data += sniffer_line(address, HIDDEN, bench.window, number, keyed(phone % 3))
        bench.run(1, data)
        bench.run(7)
    bench.turn()
    assert 9 <= bench.values()["footfall/devices"] <= 11


def test_phones_that_cannot_be_linked_are_told_by_their_rate() -> None:
    bench = FootfallStreet().begun()
    seed = 7
    for burst in range(12):
        data = bench.own(range(30))
        for phone in range(60):
            seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
            address = keyed(100000 + 1000 * burst + phone)
            data += sniffer_line(
                address, HIDDEN, bench.window, seed >> 16 & 0xFFF, keyed(phone % 3)
            )
        bench.run(1, data)
        bench.run(7)
    bench.turn()
    values = bench.values()
    assert 75 <= values["footfall/devices"] <= 105
    assert values["footfall/low"] <= 90 <= values["footfall/high"]


def test_fewer_than_five_devices_are_not_told() -> None:
    for number in range(5):
        bench = FootfallStreet().begun()
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
        sketch.add(keyed(scan), 10 * scan, 77, (scan * 1597) & 0xFFF)
    devices, low, _, _ = crowd.estimate(sketch, ())
    assert low < 5 <= devices
    told, _ = crowd.records(sketch, (), 40, 300, "sniffer", 0)
    names = [record.name for record in told]
    assert "footfall/suppressed" in names
    assert not {"footfall/devices", "footfall/low", "footfall/high", "footfall/frames"} & set(
        names
    )


def test_many_phones_are_estimated_to_a_few_percent() -> None:
    errors = []
    for trial in range(3):
        sketch = Sketch()
        for slot in range(4):
            for number in range(2000):
                sketch.add(keyed(number * 3 + trial * 100000) & 0x3FFFFFFF, slot, 0, -1)
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


def test_sampling_inside_a_window_allocates_nothing() -> None:
    lines = sniffer_line(0xFFFFFFFF) + sniffer_line(0xFFFFFFFF, 1, 0, 4095, 0xFFFFFFFF)
    data = sniffer_line(9, HEARTBEAT) + lines + sniffer_line(11, HEARTBEAT)
    footfall = Footfall({"source": "sniffer"}, EndlessUart(data).readinto)
    footfall.sample(0)
    micropython.heap_lock()
    try:
        for step in range(50):
            footfall.sample(step * 100)
    finally:
        micropython.heap_unlock()
    assert footfall.health == "ok"
