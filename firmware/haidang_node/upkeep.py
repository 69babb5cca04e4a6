"""Self-test of the sensors; loaded for the command, then forgotten.

What each kind of sensor checks and sets is in `haidang_node.sensors.<kind>_service`:

    selftest(sensor, settings) -> [[code, ok, value, limit text], ...], the last two may be left
    out; each code has its sentences in the gateway's haidang_gateway.sheet
    calibrate(sensor, args, settings) -> the changes of the sensor's table in node.json

`settings` is the sensor's table of node.json.
"""

from haidang_node import loading
from haidang_node.errors import CommandError
from haidang_node.status import FIRMWARE
from haidang_wire.senml_text import decimal_text

_TABLE = "haidang_node.config_one"


def perform(node, do: str, args: dict, order_id: str) -> tuple:
    """The command selftest: (out, after), as haidang_node.actions gives them."""
    if not node.sensors:
        # Safe mode: refused in its words.
        loading.call("haidang_node.actions", "perform", node, do, args, order_id)
    return selftest(node, args)


def selftest(node, args: dict, folder: str = "") -> tuple:
    """Checks, health, state and present records of all sensors, or of args["sensor"]."""
    out = {}
    for sensor in _chosen(node, args):
        settings = loading.call(_TABLE, "load", folder + "/node.json", sensor.kind)
        checks = _service(sensor, "selftest", sensor, settings)
        # Not records(): reading a footfall window takes it away.
        records = {r.name: r.value for r in sensor.state_records()}
        values = {name: _plain(value) for name, value in records.items()}
        ok = sensor.health == "ok" and all([check[1] for check in checks])
        told = {"ok": ok, "health": sensor.health, "checks": checks, "now": values}
        # A battery node's wake input beside a sensor of its kind must not take its place.
        out[sensor.kind + " 2" if sensor.kind in out else sensor.kind] = told
    return {"fw": FIRMWARE, "sensors": out}, None


def _chosen(node, args: dict) -> list:
    kind = args.get("sensor")
    chosen = [sensor for sensor in node.sensors if kind in (None, sensor.kind)]
    if not chosen:
        raise CommandError("%s is not fitted" % kind, "look at sensors in the node's status")
    return chosen


def _service(sensor, function: str, *args):
    return loading.call("haidang_node.sensors.%s_service" % sensor.kind, function, *args)


def _plain(value):
    # The rest are decimal fractions, which JSON would make binary ones of.
    return value if isinstance(value, (bool, int, str)) else decimal_text(*value)
