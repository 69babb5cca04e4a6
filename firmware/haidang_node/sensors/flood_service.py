"""Flood's self-test and calibration; loaded for these commands, then forgotten."""

from micropython import const

from haidang_node.errors import CommandError

_MOUNT_LEAST_MM = const(300)
_MOUNT_MOST_MM = const(9900)
_BLIND_S = const(60)
_TRIM_MM = const(20)
_TRIM_BLIND_MM = const(110)
_ASSUMED_CC = const(2500)
_SOUND_MOST_CC = const(6000)
# What a meter may differ from the tape without a probe: 40 C of air, or a hand at the tape.
_DIFFERS_PERMILLE = const(50)


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them."""
    checks = []
    if hasattr(sensor, "gauge"):
        meter = sensor.meter
        if meter.beam:
            checks.append(["answers", sensor.health not in ("silent", "noisy"), meter.good])
            checks.append(["frames", sensor.health != "noisy", meter.bad])
            checks += _beam(sensor, meter)
        else:
            checks.append(["loop", not meter.fault, meter.fault or "ok"])
            checks.append(["reading", sensor.health == "ok", sensor.gauge.level_mm])
    if hasattr(sensor, "float_up"):
        agrees = not (hasattr(sensor, "contradicts") and sensor.contradicts())
        checks.append(["float", agrees, "up" if sensor.float_up() else "down"])
    del settings
    # A contact on the wake input of a battery node has nothing of all this.
    return checks or [["health", sensor.health == "ok", sensor.health]]


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """level_mm is the true level now, mount_mm the tape's way from the meter to the dry street.

    Without mount_mm it follows from level_mm. With both and a probe the meter's own speed of sound
    is found (sound_cc). A transducer's zero_mm follows from level_mm. CommandError.
    """
    if not hasattr(sensor, "gauge"):
        raise CommandError(
            "flood: a float has nothing to calibrate", "measure float_mm, use config"
        )
    tape_mm = _number(args, "mount_mm", None)
    level_mm = _number(args, "level_mm", None if tape_mm is None else 0)
    if level_mm is None:
        raise CommandError("flood: level_mm is missing", "measure the water above the street, mm")
    gauge = sensor.gauge
    if not sensor.meter.beam:
        zero_mm = settings["zero_mm"] + gauge.level_mm - level_mm
        return _zeroed(sensor, level_mm, {"zero_mm": zero_mm})
    distance_mm = settings["mount_mm"] - gauge.level_mm - gauge.trim_mm
    if sensor.health == "stuck":
        distance_mm = _seen(sensor, tape_mm, settings)
    if tape_mm is None:
        mount_mm = distance_mm + level_mm
        _within(mount_mm)
        return _zeroed(sensor, level_mm, {"mount_mm": mount_mm})
    _within(tape_mm)
    true_mm = tape_mm - level_mm
    if abs(distance_mm - true_mm) * 1000 > true_mm * _DIFFERS_PERMILLE:
        raise CommandError(
            "flood: the meter says %d mm, the tape %d mm" % (distance_mm, true_mm),
            "measure again from the meter's face straight down; look what stands in the beam",
        )
    air = sensor.air
    if air is None or not air.known:
        return _zeroed(sensor, level_mm, {"mount_mm": distance_mm + level_mm})
    reckons = _sound(settings["sound_cc"] or _ASSUMED_CC) * distance_mm // true_mm
    sound_cc = (reckons - _sound(0)) * 100 // 606
    if not 0 < sound_cc <= _SOUND_MOST_CC:
        raise CommandError(
            "flood: the meter would reckon with %d C" % (sound_cc // 100),
            "the probe's temperature or the tape is wrong",
        )
    return _zeroed(sensor, level_mm, {"mount_mm": tape_mm, "sound_cc": sound_cc})


def _beam(sensor, meter) -> list:
    gauge = sensor.gauge
    blind_s = gauge.blind_ms // 1000
    most_mm = _TRIM_MM if sensor.air or meter.corrected else _TRIM_BLIND_MM
    checks = [
        ["beam", gauge.started and blind_s <= _BLIND_S, blind_s, str(_BLIND_S)],
        ["zero", abs(gauge.trim_mm) < most_mm, gauge.trim_mm, str(most_mm)],
    ]
    if sensor.air:
        checks.append(["sound", sensor.health != "uncalibrated", sensor.air.temp_cc])
    return checks


def _seen(sensor, tape_mm, settings: dict) -> int:
    # No level is believed, which a wrong mount_mm does too: the tape vouches for the reading.
    if tape_mm is None:
        raise CommandError(
            "flood: health is stuck and mount_mm is missing",
            "measure from the meter's face to the street, send mount_mm",
        )
    if not sensor.reading_mm:
        raise CommandError("flood: the meter hears no echo", "look at its face and its direction")
    air = sensor.air
    if air is None or not air.known:
        return sensor.reading_mm
    reckons = _sound(settings["sound_cc"] or _ASSUMED_CC)
    return sensor.reading_mm * _sound(air.temp_cc) // reckons


def _zeroed(sensor, level_mm: int, patch: dict) -> dict:
    # The old zero trim belongs to the old zero.
    if sensor.store:
        sensor.store.put("flood_mm", level_mm)
        sensor.store.put("flood_trim", 0)
        sensor.store.commit()
    return patch


def _number(args: dict, name: str, default):
    value = args.get(name, default)
    if value is default:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise CommandError("flood: %s is not a length" % name, "whole millimetres, 0 or more")
    return value


def _within(mount_mm: int) -> None:
    if not _MOUNT_LEAST_MM <= mount_mm <= _MOUNT_MOST_MM:
        raise CommandError(
            "flood: mount_mm would be %d, must be %d to %d"
            % (mount_mm, _MOUNT_LEAST_MM, _MOUNT_MOST_MM),
            "check level_mm",
        )


def _sound(temp_cc: int) -> int:
    return 331300 + 606 * temp_cc // 100
