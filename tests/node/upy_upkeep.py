# heap: 600K
"""Self-test and calibration: what a sensor sees becomes its zero, within what can be true."""

import json
import os

from haidang_node import log
from haidang_node.errors import CommandError
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.smoke import Smoke
from haidang_node.upkeep import calibrate, selftest

log.start(log.ERROR + 1, lambda: 0)
_SMOKE = {
    "load_ohm": 5000,
    "r0_ohm": 10000,
    "warmup_s": 0,
    "pre_alarm_permille": 700,
    "alarm_permille": 500,
}
_FLOOD = {
    "mount_mm": 3000,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
}


class _Node:
    def __init__(self, sensor, settings):
        self.sensors = [sensor]
        self.restarts = []
        self.folder = "/tmp/haidang-upkeep-%d" % int.from_bytes(os.urandom(4), "big")
        document = {
            "v": 1,
            "wifi": [{"ssid": "demo", "key": "secret"}],
            "broker": {"host": "192.168.1.10"},
            "sensors": {sensor.kind: settings},
        }
        os.mkdir(self.folder)
        with open(self.folder + "/node.json", "w") as file:
            json.dump(document, file)

    def restart(self, why):
        self.restarts.append(why)

    def selftest(self, **args):
        return selftest(self, args, self.folder)

    def calibrate(self, **args):
        return calibrate(self, args, self.folder)

    def written(self):
        with open(self.folder + "/node.json") as file:
            return json.load(file)["sensors"]


def _smoke(mv):
    sensor = Smoke(_SMOKE, lambda: mv)
    for second in range(10):
        sensor.sample(1000 * second)
    return _Node(sensor, _SMOKE)


def _flood(distance_mm):
    body = bytes([0xFF, distance_mm >> 8, distance_mm & 0xFF])
    frame = body + bytes([sum(body) & 0xFF])

    def readinto(buffer):
        buffer[: len(frame)] = frame
        return len(frame)

    sensor = Flood(_FLOOD, readinto)
    for quarter in range(40):
        sensor.sample(250 * quarter)
    return _Node(sensor, _FLOOD)


def _error(function, **args):
    try:
        function(**args)
    except CommandError as error:
        return str(error) if error.hint else "no hint"
    return ""


def test_clean_air_becomes_the_zero_of_smoke() -> None:
    # 1000 mV at the pin are 1500 mV at the sensor: 5000 * 3500 / 1500 ohm.
    node = _smoke(1000)
    out, after = node.calibrate(sensor="smoke")
    assert abs(out["r0_ohm"] - 11666) <= 12
    assert out["before"] == {"r0_ohm": 10000}
    assert node.written()["smoke"]["r0_ohm"] == out["r0_ohm"]
    assert node.written()["smoke"]["load_ohm"] == 5000
    after()
    assert node.restarts == ["calibrated smoke"]


def test_smoke_in_the_air_or_a_broken_sensor_is_no_zero() -> None:
    assert _error(_smoke(2800).calibrate, sensor="smoke") == "smoke: state is alarm"
    assert "health is open" in _error(_smoke(50).calibrate, sensor="smoke")


def test_a_measured_level_gives_the_height_of_the_flood_sensor() -> None:
    node = _flood(2950)
    out, _ = node.calibrate(sensor="flood", level_mm=20)
    assert out["mount_mm"] == 2970
    assert node.written()["flood"]["mount_mm"] == 2970
    assert "level_mm is missing" in _error(node.calibrate, sensor="flood")
    assert "mount_mm would be" in _error(node.calibrate, sensor="flood", level_mm=9000)
    assert "danger_mm must be below" in _error(_flood(700).calibrate, sensor="flood", level_mm=0)


def test_a_self_test_tells_what_each_sensor_sees_now() -> None:
    out, after = _flood(2950).selftest()
    assert after is None
    told = out["sensors"]["flood"]
    assert (told["ok"], told["health"], told["now"]["flood/level"]) == (True, "ok", 50)
    json.dumps(out)
    assert ["health", True, "ok"] in told["checks"]
    out, _ = _smoke(50).selftest(sensor="smoke")
    assert (out["sensors"]["smoke"]["ok"], out["sensors"]["smoke"]["health"]) == (False, "open")
    assert "not fitted" in _error(_smoke(900).selftest, sensor="flood")
    assert "name a sensor" in _error(_smoke(900).calibrate)
