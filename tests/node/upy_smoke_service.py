# heap: 300K
"""Smoke's self-test and calibration, and what it keeps over restarts."""

import json
import sys

from haidang_node import loading, log
from haidang_node.errors import CommandError
from haidang_node.sensors import smoke_minute, smoke_service
from haidang_node.sensors.contact_loop import ContactLoop
from haidang_node.sensors.smoke import Smoke
from haidang_node.sensors.smoke_service import calibrate, selftest

log.start(log.ERROR + 1, lambda: 0)
_HAL = "haidang_node.hal."
_SETTINGS = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 0,
    "burn_in_h": 0,
    "pre_alarm_permille": 720,
    "alarm_permille": 660,
    "latch_s": 600,
    "siren_steady": False,
    "siren_pin": 25,
}


class _Chip:
    """haidang_node.hal.esp32 and .sleep: NVS, RTC memory, the reason of the reset."""

    def __init__(self):
        self.reason = "power_on"
        self.rtc = b""
        self.nvs = {}
        self.commits = 0
        self.broken = False

    def Storage(self):
        return self

    def reset_reason(self):
        return self.reason

    def kept(self):
        return self.rtc

    def keep(self, data):
        self.rtc = data

    def get(self, key):
        if self.broken:
            raise OSError("worn out")
        return self.nvs.get(key)

    def put(self, key, value):
        assert -(1 << 31) <= value < 1 << 31
        self.nvs[key] = value

    def commit(self):
        self.commits += 1


def _kept(chip):
    # The module with this chip, instead of the one that other tests may have loaded.
    class _Hal:
        esp32 = sleep = chip

    path = "haidang_node.sensors.smoke_kept"
    fakes = {"haidang_node.hal": _Hal, _HAL + "esp32": chip, _HAL + "sleep": chip}
    before = {name: sys.modules.get(name) for name in fakes}
    sys.modules.update(fakes)
    try:
        module = loading.load(path)
    finally:
        loading.forget(path)
        for name, real in before.items():
            if real is None:
                sys.modules.pop(name)
            else:
                sys.modules[name] = real
    return module


def _on_demand(chip):
    # Stands for haidang_node.loading where only smoke_kept is loaded.
    chip.call = lambda path, function, told: getattr(_kept(chip), function)(told)
    return chip


def _smoke(mv, loop=None, seconds=70, **changes):
    settings = dict(_SETTINGS)
    settings.update(changes)
    noise = [0]

    def read_mv():
        noise[0] += 1
        return mv + noise[0] % 3 if mv else 0

    contact = loop.closed if loop else None
    hot = (0, 0, 0 if settings["warmup_s"] else 1)
    sensor = Smoke(settings, read_mv, contact, lambda level: None, None, None, None, loop, *hot)
    smoke_minute.loading = _on_demand(_Chip())
    for second in range(seconds):
        sensor.sample(1000 * second)
        if second == 60:
            smoke_minute.learn(sensor)
    return sensor


def _refusal(function, *args):
    try:
        function(*args)
    except CommandError as error:
        return str(error) if error.hint else "no hint"
    return ""


def _checks(sensor, **changes):
    settings = dict(_SETTINGS)
    settings.update(changes)
    checks = selftest(sensor, settings)
    assert len(json.dumps(checks)) < 500
    return {check[0]: check[1] for check in checks}


def test_a_good_sensor_passes_every_check_and_chirps() -> None:
    sensor = _smoke(1111, ContactLoop(lambda: 1650))
    checks = _checks(sensor)
    assert all(checks.values()), checks
    assert len(checks) == 8
    sounds = []
    sensor._siren = sounds.append
    sensor.sample(70250)
    sensor.sample(70500)
    assert sounds == [1, 0]


def test_each_fault_fails_its_own_check() -> None:
    checks = _checks(_smoke(0))
    assert not checks["adc"]
    assert not checks["noise"]
    assert not _checks(_smoke(1111, ContactLoop(lambda: 3200)))["line"]
    assert not _checks(_smoke(1111, warmup_s=180))["heater"]
    assert not _checks(_smoke(1111, seconds=30))["noise"], "no whole minute yet"
    new = _checks(_smoke(1111, burn_in_h=24), burn_in_h=24)
    assert not new["burn_in"]
    assert new["baseline"]


def test_clean_air_becomes_the_zero() -> None:
    # 1000 mV at the pin are 1500 mV at the sensor: 5000 * 3500 / 1500 ohm.
    patch = calibrate(_smoke(1000), {}, _SETTINGS)
    assert abs(patch["r0_ohm"] - 11666) <= 40


def test_a_sensor_far_from_its_zero_can_be_calibrated_too() -> None:
    # 40 kOhm of clean air against 10 kOhm in node.json.
    sensor = _smoke(370)
    assert sensor.health == "uncalibrated"
    assert abs(calibrate(sensor, {}, _SETTINGS)["r0_ohm"] - 40000) < 1000


def test_smoke_is_no_zero_unless_a_person_vouches_for_the_air() -> None:
    sensor = _smoke(1700)
    assert "state is alarm" in _refusal(calibrate, sensor, {}, _SETTINGS)
    chip = smoke_service.loading = _on_demand(_Chip())
    sensor.marks = 5
    assert 4000 < calibrate(sensor, {"clean": 1}, _SETTINGS)["r0_ohm"] < 5500
    chip.reason = "soft"
    assert _kept(chip).restore(10000)[2] == 0, "the alarm does not sound on behind the restart"
    assert "no MQ-2" in _refusal(calibrate, _smoke(2900), {"clean": 1}, _SETTINGS)


def test_a_load_that_would_make_dense_gas_a_short_circuit_is_refused() -> None:
    # 5 kOhm of clean air over 10 kOhm: 3 % of gas lie above what the pin can read.
    told = _refusal(calibrate, _smoke(2222), {"clean": 1}, dict(_SETTINGS, load_ohm=10000))
    assert "too little for load_ohm" in told


def test_what_was_learnt_comes_back_and_a_warm_heater_is_known_after_a_reset() -> None:
    chip = _Chip()
    kept = _kept(chip)
    assert kept.restore(10000) == (0, 0, 0)
    sensor = _smoke(1000)
    gas = sensor.gas
    sensor.marks = 1
    kept.keep(sensor)
    # Its hours have not changed: NVS is spared.
    assert chip.commits == 0
    gas.hours, gas.baseline = 1000, 2499 * 256
    kept.keep(sensor)
    assert chip.commits == 1
    assert kept.restore(10000) == (2499, 1000, 0), "after a power cut the heater is cold"
    assert kept.restore(10500) == (0, 1000, 0), "calibrated since"
    chip.reason = "watchdog"
    assert kept.restore(10000) == (2499, 1000, 1)
    sensor.marks = 6
    kept.keep(sensor)
    assert kept.restore(10000) == (2499, 1000, 6)
    chip.reason = "power_on"
    assert kept.restore(10000) == (2499, 1000, 0), "RTC memory holds anything then"
    kept.forget()
    assert kept.restore(10000)[:2] == (0, 0)


def test_storage_that_fails_stops_nothing() -> None:
    chip = _Chip()
    kept = _kept(chip)
    chip.broken = True
    assert kept.restore(10000) == (0, 0, 0)
    kept.keep(_smoke(1000))
