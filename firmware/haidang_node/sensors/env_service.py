"""The probe's self-test and calibration; loaded for these commands, then forgotten."""

from micropython import const

from haidang_node.errors import CommandError

# Beyond that the chip is broken or warmed by its neighbours, not out of trim (SHT3x and AHT20:
# 0.3 C and 2 %, DHT22: 0.5 C and 5 %, plus years of drift).
_TRIM_CC = const(500)
_TRIM_PERMILLE = const(150)
_COLD_CC = const(-1000)
_HOT_CC = const(6000)
_DRY_PERMILLE = const(50)


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them."""
    health = sensor.health
    checks = [
        ["answers", health not in ("silent", "short", "warming"), health],
        ["checksum", health != "noisy", health],
        ["moves", health != "stuck", health],
        ["trim", abs(settings["temp_offset_cc"]) <= _TRIM_CC, settings["temp_offset_cc"], "-5..5"],
    ]
    if sensor.known:
        temp_cc, rh_permille = sensor.temp_cc, sensor.rh_permille
        checks.append(["temp", _COLD_CC <= temp_cc <= _HOT_CC, temp_cc, "-10..60"])
        checks.append(["rh", rh_permille >= _DRY_PERMILLE, rh_permille, ">= 5"])
    else:
        checks.append(["reading", False, health])
    return checks


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """args["temp_c"] and, or args["rh_pct"] of a good instrument beside it, now. CommandError."""
    if not sensor.known:
        raise CommandError("env: no reading", "wait ten seconds, then try again")
    patch = {}
    if "temp_c" in args:
        wrong_cc = _hundredths(args["temp_c"], 100) - sensor.temp_cc
        patch["temp_offset_cc"] = _trim("temp_c", settings["temp_offset_cc"] + wrong_cc, _TRIM_CC)
    if "rh_pct" in args:
        wrong = _hundredths(args["rh_pct"], 10) - sensor.rh_permille
        trim = settings["rh_offset_permille"] + wrong
        patch["rh_offset_permille"] = _trim("rh_pct", trim, _TRIM_PERMILLE)
    if not patch:
        raise CommandError("env: temp_c or rh_pct is missing", "measure beside it, then send both")
    return patch


def _hundredths(value, factor: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CommandError("env: %r is not a number" % (value,), "write it as temp_c=29.5")
    return round(value * factor)


def _trim(name: str, trim: int, most: int) -> int:
    if not -most <= trim <= most:
        raise CommandError(
            "env: %s is %d away from what the chip tells, at most %d" % (name, abs(trim), most),
            "check the instrument and the place of the chip, or replace it",
        )
    return trim
