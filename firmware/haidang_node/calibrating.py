"""What the command calibrate finds; loaded for it by haidang_node.configure, then forgotten."""

from haidang_node import loading
from haidang_node.errors import CommandError
from haidang_node.status import FIRMWARE


def find(node, args: dict, folder: str) -> tuple:
    """(out, change): what makes of what a sensor sees now its zero, and the patch of node.json.

    `out` has the new values and, in `before`, the old ones. CommandError where the sensor's
    health is not ok or uncalibrated (stuck, where mount_mm is told), or what it sees cannot be
    its zero.
    """
    if not node.sensors:
        # Safe mode: refused in its words.
        loading.call("haidang_node.actions", "perform", node, "calibrate", args, "")
    kind = args.get("sensor")
    if kind is None:
        raise CommandError("args must name a sensor", 'for example {"sensor": "smoke"}')
    chosen = [sensor for sensor in node.sensors if sensor.kind == kind]
    if not chosen:
        raise CommandError("%s is not fitted" % kind, "look at sensors in the node's status")
    out = _found(chosen[0], args, folder)
    return out, {"sensors": {kind: {name: out[name] for name in out["before"]}}}


def _found(sensor, args: dict, folder: str) -> dict:
    # A flood meter far from its mount_mm is stuck until a tape's measure mends it.
    measured = sensor.kind == "flood" and sensor.health == "stuck" and "mount_mm" in args
    if sensor.health not in ("ok", "uncalibrated") and not measured:
        raise CommandError(
            "%s: health is %s" % (sensor.kind, sensor.health), "mend it or wait, then try again"
        )
    path = folder + "/node.json"
    settings = loading.call("haidang_node.config_one", "load", path, sensor.kind)
    service = "haidang_node.sensors.%s_service" % sensor.kind
    out = loading.call(service, "calibrate", sensor, args, settings)
    out["before"] = {name: settings.get(name) for name in out}
    out["fw"] = FIRMWARE
    return out
