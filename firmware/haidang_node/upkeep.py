"""Self-test and calibration of the sensors; loaded for these commands, then forgotten."""

from micropython import const

from haidang_node import loading
from haidang_node.errors import CommandError

# MQ-2 data sheet: 3 to 30 kOhm in 1000 ppm of hydrogen, clean air about ten times that.
_CLEAN_LEAST_OHM = const(3000)
_CLEAN_MOST_OHM = const(300000)
_MOUNT_LEAST_MM = const(300)
_MOUNT_MOST_MM = const(7500)


def selftest(node, args: dict) -> tuple:
    """Health, state and present records of all sensors, or of args["sensor"]."""
    out = {}
    for sensor in _chosen(node, args):
        # Not records(): reading a footfall window takes it away.
        records = {r.name: r.value for r in sensor.state_records()}
        values = {name: _plain(value) for name, value in records.items()}
        out[sensor.kind] = {"ok": sensor.health == "ok", "health": sensor.health, "now": values}
    return {"sensors": out}, None


def calibrate(node, args: dict, folder: str = "") -> tuple:
    """Makes what a sensor sees now its zero; node.json is changed, the node restarts.

    smoke: present mean resistance, in clean air, becomes r0_ohm. flood: args["level_mm"] is the
    true level now, mount_mm follows.
    """
    if "sensor" not in args:
        raise CommandError("args must name a sensor", 'for example {"sensor": "smoke"}')
    (sensor,) = _chosen(node, args)
    if sensor.health != "ok":
        raise CommandError(
            "%s: health is %s" % (sensor.kind, sensor.health), "mend it or wait, then try again"
        )
    if sensor.kind == "smoke":
        patch = {"r0_ohm": _clean_air_ohm(sensor, folder)}
    elif sensor.kind == "flood":
        patch = {"mount_mm": _mount_mm(sensor, args)}
    else:
        raise CommandError("%s has nothing to calibrate" % sensor.kind, "use selftest")
    change = {"sensors": {sensor.kind: patch}}
    patch["cfg"] = loading.call("haidang_node.configure", "amend", folder, change)
    return patch, lambda: node.restart("calibrated " + sensor.kind)


def _chosen(node, args: dict) -> list:
    kind = args.get("sensor")
    chosen = [sensor for sensor in node.sensors if kind in (None, sensor.kind)]
    if not chosen:
        raise CommandError("%s is not fitted" % kind, "look at sensors in the node's status")
    return chosen


def _clean_air_ohm(sensor, folder: str) -> int:
    if sensor.state != "normal":
        raise CommandError("smoke: state is %s" % sensor.state, "calibrate in clean air only")
    settings = loading.call("haidang_node.config", "load", folder + "/node.json")
    ohm = sensor.ratio_permille() * settings["sensors"]["smoke"]["r0_ohm"] // 1000
    if not _CLEAN_LEAST_OHM <= ohm <= _CLEAN_MOST_OHM:
        raise CommandError(
            "smoke: %d ohm is no MQ-2 in clean air (%d to %d)"
            % (ohm, _CLEAN_LEAST_OHM, _CLEAN_MOST_OHM),
            "check heater, supply and load_ohm",
        )
    return ohm


def _mount_mm(sensor, args: dict) -> int:
    level_mm = args.get("level_mm")
    if not isinstance(level_mm, int) or isinstance(level_mm, bool) or level_mm < 0:
        raise CommandError("flood: level_mm is missing", "measure the water above the street, mm")
    mount_mm = sensor.distance_mm() + level_mm
    if not _MOUNT_LEAST_MM <= mount_mm <= _MOUNT_MOST_MM:
        raise CommandError(
            "flood: mount_mm would be %d, must be %d to %d"
            % (mount_mm, _MOUNT_LEAST_MM, _MOUNT_MOST_MM),
            "check level_mm",
        )
    return mount_mm


def _plain(value):
    return value if isinstance(value, (bool, int, str)) else str(value)
