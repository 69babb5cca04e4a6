"""What the small commands do; loaded for each of them, then forgotten."""

from haidang_node import loading
from haidang_node.errors import CommandError
from haidang_node.hal import esp32

# All that a node in safe mode can do.
_SAFE = ("config", "identify", "log", "reboot")


def perform(node, do: str, args: dict, order_id: str) -> tuple:
    """(out, after) of a command; CommandError where it cannot be done.

    `node` has name, lamp, sensors (none in safe mode) and restart(why).
    """
    if do == "identify":
        node.lamp.identify()
        return {}, None
    if do == "reboot":
        return {}, lambda: node.restart("command " + order_id)
    if do == "silence":
        return _silence(node.sensors), None
    if do == "log":
        return loading.call("haidang_node.ring", "told", esp32), None
    raise _refused(do, bool(node.sensors))


def _silence(sensors: list) -> dict:
    sirens = [sensor for sensor in sensors if hasattr(sensor, "silence")]
    if not sirens:
        raise CommandError("silence: no smoke sensor is fitted", "look at sensors in the status")
    if not any([sensor.state == "alarm" for sensor in sirens]):
        raise CommandError("silence: nothing sounds", "look at the node's state first")
    return {"silenced": any([sensor.silence() for sensor in sirens])}


def _refused(do: str, watching: bool) -> CommandError:
    if not watching and do not in _SAFE:
        return CommandError(
            "%s: the node is in safe mode" % do, "send log, mend it, then send reboot"
        )
    return CommandError(
        "%s is not supported by this firmware yet" % do, "update the firmware or do it by USB"
    )
