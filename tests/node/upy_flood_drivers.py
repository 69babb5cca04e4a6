"""The level meters' drivers: any bytes, cut anywhere, on CPython and on MicroPython."""

import random

import micropython
from haidang_node.sensors.drivers import a02yyuw, jsn_pulse, jsn_sr04t, mb73xx, transducer

from board_parts import EndlessUart, Uart


def _frame(distance_mm, first=0):
    head = bytes([0xFF, distance_mm >> 8, distance_mm & 0xFF])
    return head + bytes([sum(head[first:]) & 0xFF])


def _a02(line):
    return a02yyuw.make({}, line.readinto, line.write)


def _jsn(line):
    return jsn_sr04t.make({"driver": "jsn_sr04t"}, line.readinto, line.write)


def _aj(line):
    return jsn_sr04t.make({"driver": "aj_sr04m"}, line.readinto, line.write)


def _mb(line):
    return mb73xx.make({}, line.readinto, line.write)


def _told(make, data, most=1):
    # Each reading of a byte at a time, or of pieces.
    line = Uart(data, most)
    meter = make(line)
    found = []
    while line.data:
        told_mm = meter.read()
        if told_mm is not None:
            found.append(told_mm)
    return found, meter


_MAKES = (
    (_a02, _frame, 31, 7500),
    (_jsn, _frame, 251, 6000),
    (_aj, lambda mm: _frame(mm, 1), 251, 6000),
    (_mb, lambda mm: b"R%04d\r" % mm, 301, 4999),
)


def test_frames_are_found_behind_rubbish_and_broken_frames() -> None:
    good = _frame(1234)
    assert _told(_a02, b"\x00\x11" + good)[0] == [1234]
    # Cut short: the next header lies where the sum is expected.
    assert _told(_a02, good[:3] + good + good)[0] == [1234, 1234]
    assert _told(_a02, good[:2] + good + good)[0] == [1234, 1234]
    broken = bytearray(good)
    broken[1] ^= 4
    found, meter = _told(_a02, bytes(broken) + good)
    assert found == [1234]
    assert meter.bad == 1


def test_every_distance_in_range_is_told_whole_and_in_any_pieces() -> None:
    for make, framed, nearest, farthest in _MAKES:
        for mm in (nearest, nearest + 5, 1023, 1024, 2560, 2815, 3840, 4095, 4352, farthest):
            data = framed(mm) * 3
            for most in (1, 2, 3, 5, 64):
                found, meter = _told(make, data, most)
                assert found, (mm, most)
                assert all([told == mm for told in found]), (mm, most, found)
                assert meter.bad == 0


def test_beyond_its_range_a_meter_hears_no_echo_and_is_not_broken() -> None:
    for make, framed, nearest, _ in _MAKES:
        for mm in (0, nearest - 1, 9999):
            found, meter = _told(make, framed(2000) + framed(mm))
            assert found[-1] == 0, mm
            assert meter.bad == 0
    assert _told(_a02, _frame(0xFFFD))[0] == [0]
    assert _told(_mb, b"R1000\rR5000\r")[0] == [0], "no target, as a 5 m model says it"


def test_the_two_sums_are_not_mistaken_for_each_other() -> None:
    assert _told(_aj, _frame(1234))[0] == []
    assert _told(_jsn, _frame(1234, 1))[0] == []


def test_only_meters_that_want_it_are_asked() -> None:
    for make, asked in ((_a02, 0), (_jsn, 5), (_aj, 5), (_mb, 0)):
        line = Uart()
        meter = make(line)
        for _ in range(5):
            assert meter.read() is None
        assert line.said.count(b"\x55") == asked


def test_the_first_line_of_a_maxbotix_and_its_greeting_are_left_out() -> None:
    greeting = b"HRXL-MaxSonar-WR\rPN:MB7389\r"
    found, _ = _told(_mb, greeting + b"R0321\rR2000\rR2001\r")
    assert found == [2000, 2001]
    assert _told(_mb, b"R2000\rR20a0\rR200\rR20000\rR2002\r")[0] == [2002]


def test_after_any_rubbish_the_second_sound_frame_is_told() -> None:
    random.seed(4)
    for seed in range(300):
        rubbish = bytes([random.getrandbits(8) for _ in range(random.getrandbits(5))])
        for make, framed, _, _ in _MAKES:
            found, _ = _told(make, rubbish + framed(1234) * 3, 1 + seed % 7)
            assert found[-1] == 1234, (seed, rubbish)


def test_a_wrong_baud_rate_is_counted_as_broken_frames() -> None:
    for make, framed, _, _ in _MAKES:
        garbled = bytes([byte ^ 0xA5 for byte in framed(1234) * 30])
        found, meter = _told(make, garbled)
        assert not [mm for mm in found if mm]
        assert meter.bad > 5
        assert meter.bad > meter.good


def test_single_flipped_bits_never_become_a_distance_of_a_summed_frame() -> None:
    for make, framed, _, _ in _MAKES[:3]:
        for bit in range(8, 32):
            data = bytearray(framed(1234))
            data[bit // 8] ^= 1 << bit % 8
            found, _ = _told(make, bytes(data) + framed(1234))
            assert found in ([1234], []), bit


def test_an_echo_pulse_is_a_distance() -> None:
    echo = [0]
    meter = jsn_pulse.make({}, lambda: echo[0])
    for echo_us, mm in ((17319, 3000), (1440, 0), (38000, 0), (-1, 0), (-2, None)):
        echo[0] = echo_us
        told = meter.read()
        assert told == mm or abs(told - mm) <= 2, (echo_us, told)
    assert meter.good == 4


def _loop(driver="current", **settings):
    mv = [0]
    table = {
        "driver": driver,
        "shunt_ohm": 100,
        "divider_permille": 500,
        "range_mm": 5000,
    }
    table.update(settings)
    return transducer.make(table, lambda: mv[0]), mv


def test_a_current_loop_is_a_depth_or_open_or_short() -> None:
    meter, mv = _loop()
    for at_mv, depth_mm in ((400, 0), (1200, 2500), (2000, 5000), (392, -25), (2050, 5156)):
        mv[0] = at_mv
        assert meter.read() == depth_mm
        assert meter.fault == ""
    # NAMUR NE 43: 3.6 mA and 21 mA.
    for at_mv, fault in ((359, "open"), (0, "open"), (2101, "short"), (3300, "short")):
        mv[0] = at_mv
        assert meter.read() is None
        for _ in range(4):
            meter.read()
        assert meter.fault == fault
        mv[0] = 400
        assert meter.read() == 0
        assert meter.fault == ""


def test_one_odd_sample_is_no_broken_wire() -> None:
    meter, mv = _loop()
    for at_mv in (400, 0, 400, 3300, 400):
        mv[0] = at_mv
        meter.read()
        assert meter.fault == ""


def test_a_voltage_over_its_divider_is_a_depth() -> None:
    meter, mv = _loop("voltage", range_mm=2000)
    for at_mv, depth_mm in ((250, 0), (1250, 1000), (2250, 2000)):
        mv[0] = at_mv
        assert meter.read() == depth_mm
    for at_mv, fault in ((120, "open"), (2400, "short")):
        mv[0] = at_mv
        for _ in range(4):
            meter.read()
        assert meter.fault == fault


def test_reading_allocates_nothing() -> None:
    meters = [make(EndlessUart(b"\x07" + framed(1234))) for make, framed, _, _ in _MAKES]
    meters.append(jsn_pulse.make({}, lambda: 12000))
    meters.append(_loop()[0])
    micropython.heap_lock()
    try:
        for _ in range(200):
            for meter in meters:
                meter.read()
    finally:
        micropython.heap_unlock()
    assert [meter.good for meter in meters][:4] == [200, 200, 200, 200]
