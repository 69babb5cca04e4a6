"""Flood's self-test and calibration; loaded for these commands, then forgotten."""

from micropython import const

from haidang_node.errors import CommandError

_MOUNT_LEAST_MM = const(300)
_MOUNT_MOST_MM = const(7500)


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them."""
    del settings
    return [["health", sensor.health == "ok", sensor.health]]


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """args["level_mm"] is the true level now; mount_mm follows. CommandError."""
    del settings
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
    return {"mount_mm": mount_mm}
