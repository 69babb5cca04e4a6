"""Footfall's self-test; loaded for this command, then forgotten."""

from haidang_node.errors import CommandError


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them."""
    del settings
    return [["health", sensor.health == "ok", sensor.health]]


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """CommandError: a camera at the same place calibrates it, not the node."""
    del sensor, args, settings
    raise CommandError("footfall has nothing to calibrate", "use selftest")
