# heap: 400K
"""The environment sensor: its chips' bytes, its health, what it tells and gives to the others."""

import micropython
from haidang_node import log
from haidang_node.errors import CommandError
from haidang_node.sensors import env_service
from haidang_node.sensors.drivers.aht20 import Driver as Aht20
from haidang_node.sensors.drivers.dht22 import Driver as Dht22
from haidang_node.sensors.drivers.sht3x import Driver as Sht3x
from haidang_node.sensors.env import Env, crc8

log.start(log.ERROR + 1, lambda: 0)
_SETTINGS = {"temp_offset_cc": 0, "rh_offset_permille": 0}
_SMALL = 1 << 30


class _Chip:
    """Answers a bus with its bytes; None is no acknowledge. `low`: a line is held."""

    def __init__(self, data=None):
        self.data = data
        self.low = False
        self.asked = []

    def writeto(self, addr, buf):
        if self.data is None:
            raise OSError(19)
        self.asked.append(bytes(buf))

    def readfrom_into(self, addr, buf):
        if self.data is None:
            raise OSError(19)
        for i in range(len(buf)):
            buf[i] = self.data[i]

    def readinto(self, buf):
        self.readfrom_into(0, buf)

    def value(self):
        return 0 if self.low else 1


def _sht(temp_c, rh_pct):
    temp = int((temp_c + 45) / 175 * 65535).to_bytes(2, "big")
    rh = int(rh_pct / 100 * 65535).to_bytes(2, "big")
    return temp + bytes((crc8(temp, 0, 2),)) + rh + bytes((crc8(rh, 0, 2),))


def _aht(temp_c, rh_pct, status=0x18):
    raw = int(rh_pct / 100 * (1 << 20)) << 20 | int((temp_c + 50) / 200 * (1 << 20))
    data = bytes((status,)) + raw.to_bytes(5, "big")
    return data + bytes((crc8(data, 0, 6),))


def _dht(temp_c, rh_pct):
    tenths = int(abs(temp_c) * 10) | (0x8000 if temp_c < 0 else 0)
    body = int(rh_pct * 10).to_bytes(2, "big") + tenths.to_bytes(2, "big")
    return body + bytes((sum(body) & 0xFF,))


def _env(chip, driver=Sht3x, **settings):
    values = dict(_SETTINGS)
    values.update(settings)
    return Env(values, driver(chip.readinto if driver is Dht22 else chip), (chip, chip))


def _live(env, from_s, to_s):
    for second in range(from_s, to_s, 2):
        env.sample(second * 1000 & (_SMALL - 1))
    return to_s


def test_each_chip_gives_its_values() -> None:
    for driver, frame in ((Sht3x, _sht), (Aht20, _aht), (Dht22, _dht)):
        for temp_c, rh_pct in ((29.5, 71), (-12.3, 20), (44.9, 100)):
            env = _env(_Chip(frame(temp_c, min(rh_pct, 99.9))), driver)
            env.sample(0)
            assert (env.health, env.known, env.records()[0].value) == ("warming", False, "warming")
            env.sample(2000)
            assert (env.health, env.known) == ("ok", True)
            assert abs(env.temp_cc - temp_c * 100) <= 2
            assert abs(env.rh_permille - rh_pct * 10) <= 2
            assert [r.name for r in env.records()] == ["env/health", "env/temp", "env/rh"]


def test_starting_and_reading_are_two_steps_and_the_rest_is_rest() -> None:
    chip = _Chip(_sht(30, 70))
    _live(_env(chip), 0, 100)
    assert chip.asked == [b"\x24\x00"] * 10
    wire = _Chip(_dht(30, 70))
    env = _env(wire, Dht22)
    reads = [0]
    inner = env._driver.read

    def counting():
        reads[0] += 1
        return inner()

    env._driver.read = counting
    _live(env, 0, 120)
    assert reads[0] == 4, "a DHT22's reading stops the node: half a minute apart"


def test_an_unplugged_chip_is_silent_after_three_tries_and_well_after_two() -> None:
    chip = _Chip(_sht(30, 70))
    env = _env(chip)
    at_s = _live(env, 0, 20)
    env.changed()
    chip.data = None
    at_s = _live(env, at_s, at_s + 4)
    assert env.health == "ok", "two missing answers are no fault"
    at_s = _live(env, at_s, at_s + 10)
    assert (env.health, env.changed(), env.changed()) == ("silent", True, False)
    assert [r.name for r in env.state_records()] == ["env/health"]
    assert env.known, "the air has not changed in 20 s"
    at_s = _live(env, at_s, at_s + 50)
    assert not env.known
    chip.data = _sht(31, 70)
    _live(env, at_s, at_s + 10)
    assert (env.health, env.known, env.normal) == ("ok", True, True)
    never = _env(_Chip(None))
    _live(never, 0, 10)
    assert never.health == "silent"


def test_wrong_checksums_are_noise_and_quiet_must_last() -> None:
    for driver, frame, size in ((Sht3x, _sht, 6), (Aht20, _aht, 7), (Dht22, _dht, 5)):
        good = frame(30, 70)
        for place in range(size):
            bad = bytearray(good)
            bad[place] ^= 0x21
            chip = _Chip(bytes(bad))
            env = _env(chip, driver)
            at_s = _live(env, 0, 20)
            # The AHT20's status byte is under its CRC too.
            assert (env.health, env.known) == ("noisy", False), (driver, place)
        chip.data = good
        at_s = _live(env, at_s, at_s + 12)
        assert env.health == "noisy"
        _live(env, at_s, at_s + 20)
        assert env.health == "ok"


def test_zeros_of_a_torn_wire_and_impossible_air_are_no_readings() -> None:
    for driver, data in (
        (Dht22, bytes(5)),
        (Dht22, _dht(95, 50)),
        (Dht22, bytes((0x7F, 0, 1, 0, 0x80))),
        (Sht3x, _sht(120, 50)),
        (Aht20, _aht(140, 50)),
    ):
        env = _env(_Chip(data), driver)
        _live(env, 0, 20)
        assert (env.health, env.known) == ("noisy", False), data


def test_the_ends_of_the_scale_are_a_torn_or_shorted_element() -> None:
    ends = {Sht3x: (_sht(-45, 50), _sht(130, 50)), Aht20: (_aht(-50, 50), _aht(149.9999, 50))}
    for driver, (lowest, highest) in ends.items():
        env = _env(_Chip(lowest), driver)
        _live(env, 0, 20)
        assert env.health == "open"
        env = _env(_Chip(highest), driver)
        _live(env, 0, 20)
        assert env.health == "short"


def test_a_line_held_low_is_a_short_whatever_the_chip_seems_to_say() -> None:
    for driver in (Sht3x, Aht20, Dht22):
        for data in (None, bytes(7)):
            chip = _Chip(data)
            chip.low = True
            env = _env(chip, driver)
            _live(env, 0, 20)
            assert env.health == "short"


def test_a_reading_that_never_moves_is_stuck_and_not_believed() -> None:
    chip = _Chip(_sht(30, 70))
    env = _env(chip)
    at_s = _live(env, 0, 590)
    assert env.health == "ok"
    at_s = _live(env, at_s, 680)
    assert (env.health, env.known) == ("stuck", False)
    chip.data = _sht(30.1, 70)
    _live(env, at_s, at_s + 4)
    chip.data = _sht(30, 70)
    _live(env, at_s + 4, at_s + 10)
    assert env.health == "ok"
    tenths = _env(_Chip(_dht(25, 60)), Dht22)
    _live(tenths, 0, 10000)
    assert tenths.health == "ok", "a DHT22 tells tenths: an hour of the same is a quiet night"
    _live(tenths, 10000, 13000)
    assert tenths.health == "stuck"


def test_a_jump_is_believed_when_it_is_seen_twice() -> None:
    chip = _Chip(_sht(30, 70))
    env = _env(chip)
    at_s = _live(env, 0, 30)
    chip.data = _sht(60, 70)
    at_s = _live(env, at_s, at_s + 4)
    assert (env.temp_cc // 100, env.health) == (29, "ok")
    _live(env, at_s, at_s + 10)
    assert env.temp_cc // 100 in (59, 60)
    assert env.health == "ok"


def test_an_aht20_without_calibration_is_told_to_load_it() -> None:
    chip = _Chip(_aht(30, 70, status=0x10))
    env = _env(chip, Aht20)
    at_s = _live(env, 0, 20)
    assert (env.health, env.known) == ("uncalibrated", False)
    assert chip.asked[:3] == [b"\xac\x33\x00", b"\xbe\x08\x00", b"\xac\x33\x00"]
    chip.data = _aht(30, 70)
    _live(env, at_s, at_s + 20)
    assert env.health == "ok"


def test_a_busy_chip_has_no_news() -> None:
    env = _env(_Chip(_aht(30, 70, status=0x98)), Aht20)
    _live(env, 0, 20)
    assert env.health == "noisy"


def test_sampling_allocates_nothing_and_survives_the_wrap_of_time() -> None:
    for driver, frame in ((Sht3x, _sht), (Aht20, _aht), (Dht22, _dht)):
        chip = _Chip(frame(44.9, 99))
        chip.writeto = lambda addr, buf: None
        env = _env(chip, driver)
        other = frame(-10, 30)
        first = chip.data
        base = _SMALL - 400000
        steps = range(600)
        sample, changed = env.sample, env.changed
        micropython.heap_lock()
        try:
            for i in steps:
                chip.data = first if i // 50 % 2 else other
                sample((base + i * 2000) & 0x3FFFFFFF)
                changed()
        finally:
            micropython.heap_unlock()
        assert env.known
        assert env.health in ("ok", "noisy")


def _refused(sensor, **args):
    try:
        env_service.calibrate(sensor, args, _SETTINGS)
    except CommandError as error:
        return str(error)
    return ""


def test_a_good_instrument_beside_it_trims_the_probe() -> None:
    env = _env(_Chip(_sht(30, 70)))
    assert "no reading" in _refused(env, temp_c=29)
    _live(env, 0, 10)
    patch = env_service.calibrate(env, {"temp_c": 28.5, "rh_pct": 72}, _SETTINGS)
    assert abs(patch["temp_offset_cc"] + 150) <= 2
    assert abs(patch["rh_offset_permille"] - 20) <= 2
    trimmed = _env(_Chip(_sht(30, 70)), **patch)
    _live(trimmed, 0, 10)
    assert abs(trimmed.temp_cc - 2850) <= 2
    again = env_service.calibrate(trimmed, {"temp_c": 28.5}, patch)
    assert abs(again["temp_offset_cc"] - patch["temp_offset_cc"]) <= 1
    assert "at most 500" in _refused(env, temp_c=20)
    assert "missing" in _refused(env)
    assert "not a number" in _refused(env, temp_c="warm")


def test_the_self_test_names_each_check() -> None:
    env = _env(_Chip(_sht(30, 70)))
    _live(env, 0, 10)
    checks = {check[0]: check for check in env_service.selftest(env, _SETTINGS)}
    assert all([check[1] for check in checks.values()])
    assert abs(checks["temp"][2] - 3000) <= 2
    env = _env(_Chip(None))
    _live(env, 0, 10)
    failed = [check[0] for check in env_service.selftest(env, _SETTINGS) if not check[1]]
    assert failed == ["answers", "reading"]
