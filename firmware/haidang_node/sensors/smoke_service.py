"""Smoke's self-test and calibration; loaded for these commands, then forgotten."""

from micropython import const

from haidang_node.errors import CommandError

# MQ-2 data sheet: 3 to 30 kOhm in 1000 ppm of hydrogen, clean air about ten times that.
_CLEAN_LEAST_OHM = const(3000)
_CLEAN_MOST_OHM = const(300000)


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them."""
    del settings
    return [["health", sensor.health == "ok", sensor.health]]


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """Present mean resistance, in clean air, becomes r0_ohm. CommandError."""
    del args
    if sensor.state != "normal":
        raise CommandError("smoke: state is %s" % sensor.state, "calibrate in clean air only")
    ohm = sensor.ratio_permille() * settings["r0_ohm"] // 1000
    if not _CLEAN_LEAST_OHM <= ohm <= _CLEAN_MOST_OHM:
        raise CommandError(
            "smoke: %d ohm is no MQ-2 in clean air (%d to %d)"
            % (ohm, _CLEAN_LEAST_OHM, _CLEAN_MOST_OHM),
            "check heater, supply and load_ohm",
        )
    return {"r0_ohm": ohm}
