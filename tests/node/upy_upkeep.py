# heap: 600K
"""Self-test and calibration: what every sensor's commands have in common; env stands for all."""

import json
import os
import sys

from haidang_node import log
from haidang_node.configure import calibrate
from haidang_node.errors import CommandError
from haidang_node.sensors.contact import Contact
from haidang_node.sensors.env import Env
from haidang_node.sensors.flood_float import FloatAlone
from haidang_node.upkeep import selftest

log.start(log.ERROR + 1, lambda: 0)


class _Driver:
    pause_ms = 10000
    still = 360
    temp_cc = 3000
    rh_permille = 700

    def __init__(self, word):
        self._word = word

    def start(self):
        pass

    def read(self):
        return self._word


class _Node:
    def __init__(self, sensor):
        self.sensors = [sensor]
        self.restarts = []
        self.folder = "/tmp/haidang-upkeep-%d" % int.from_bytes(os.urandom(4), "big")
        document = {
            "v": 1,
            "wifi": [{"ssid": "demo", "key": "secret"}],
            "broker": {"host": "192.168.1.10"},
            "sensors": {"env": {"driver": "dht22", "pin": 5}},
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


def _node(word="ok"):
    sensor = Env({"temp_offset_cc": 0, "rh_offset_permille": 0}, _Driver(word), ())
    for second in range(0, 20, 2):
        sensor.sample(1000 * second)
    return _Node(sensor)


def _error(function, **args):
    try:
        function(**args)
    except CommandError as error:
        return str(error) if error.hint else "no hint"
    return ""


def test_a_calibration_changes_its_fields_alone_tells_the_old_ones_and_restarts() -> None:
    node = _node()
    out, after = node.calibrate(sensor="env", temp_c=29.25)
    assert out["temp_offset_cc"] == -75
    assert out["before"] == {"temp_offset_cc": 0}
    assert len(out["cfg"]) == 8
    assert node.written() == {"env": {"driver": "dht22", "pin": 5, "temp_offset_cc": -75}}
    assert node.restarts == []
    after()
    assert node.restarts == ["calibrated env"]


def test_a_sick_sensor_or_a_wrong_value_changes_nothing() -> None:
    node = _node()
    assert "at most 500" in _error(node.calibrate, sensor="env", temp_c=99)
    assert "name a sensor" in _error(node.calibrate)
    assert "not fitted" in _error(node.calibrate, sensor="smoke")
    assert "health is silent" in _error(_node("silent").calibrate, sensor="env", temp_c=29)
    stuck = _node()
    stuck.sensors[0].health = "stuck"
    assert "health is stuck" in _error(stuck.calibrate, sensor="env", temp_c=29, mount_mm=3000)
    assert node.written() == {"env": {"driver": "dht22", "pin": 5}}


def test_a_contact_on_the_wake_input_has_nothing_to_calibrate() -> None:
    for meaning, kind in (("float", "flood"), ("contact", "smoke")):
        contact = Contact(meaning, lambda: 1, 0, True)
        contact.health = "ok"
        told = _error(_Node(contact).calibrate, sensor=kind, level_mm=0)
        assert told.startswith(kind + ": "), told
        assert "nothing to calibrate" in told, told


def test_a_node_in_safe_mode_calibrates_nothing_and_says_why() -> None:
    chip, node = "haidang_node.hal.esp32", _node()
    node.sensors = ()
    before = sys.modules.get(chip)
    sys.modules[chip] = node
    try:
        assert "safe mode" in _error(node.calibrate, sensor="env", temp_c=29)
    finally:
        del sys.modules[chip]
        if before is not None:
            sys.modules[chip] = before


def test_an_argument_of_any_form_is_refused_in_words() -> None:
    for kind in (["env"], {"env": 1}, 7, True, "", "%s"):
        assert "not fitted" in _error(_node().calibrate, sensor=kind, temp_c=29)
        assert "not fitted" in _error(_node().selftest, sensor=kind)


def test_a_self_test_tells_checks_and_what_each_sensor_sees_now() -> None:
    out, after = _node().selftest()
    assert after is None
    told = out["sensors"]["env"]
    assert (told["ok"], told["health"], told["now"]["env/temp"]) == (True, "ok", "30.00")
    assert ["rh", True, 700, ">= 5"] in told["checks"]
    assert len(json.dumps(out)) < 400
    out, _ = _node("silent").selftest(sensor="env")
    assert (out["sensors"]["env"]["ok"], out["sensors"]["env"]["health"]) == (False, "silent")
    assert "not fitted" in _error(_node().selftest, sensor="flood")


def _on_battery(meters, floats):
    meter = FloatAlone({"float_mm": 500, "warning_mm": 500, "danger_mm": 800}, lambda: 1)
    wake = Contact("float", lambda: 1, 0, False)
    meter.health, wake.health = meters, floats
    node = _node()
    node.sensors = [meter, wake]
    path = node.folder + "/node.json"
    with open(path) as file:
        document = json.load(file)
    document["sensors"] = {"flood": {"driver": "float", "float_pin": 4}}
    with open(path, "w") as file:
        json.dump(document, file)
    return node.selftest()[0]["sensors"]


def test_a_wake_input_and_a_meter_of_one_kind_do_not_hide_each_others_fault() -> None:
    for meters, floats in (("ok", "ok"), ("silent", "ok"), ("ok", "warming")):
        out = _on_battery(meters, floats)
        assert [out[name]["health"] for name in ("flood", "flood 2")] == [meters, floats]
        assert [out[name]["ok"] for name in ("flood", "flood 2")] == [
            meters == "ok",
            floats == "ok",
        ]
