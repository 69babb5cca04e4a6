"""Smoke's self-test and calibration; loaded for these commands, then forgotten."""

from micropython import const

from haidang_node import loading
from haidang_node.errors import CommandError

# MQ-2 data sheet: 3 to 30 kOhm in 1000 ppm of hydrogen, clean air about ten times that.
_CLEAN_LEAST_OHM = const(3000)
_CLEAN_MOST_OHM = const(300000)
# Within a minute; quiet air and the sensor's noise make 10 to 20.
_QUIET_PERMILLE = const(100)


def selftest(sensor, settings: dict) -> list:
    """Checks as haidang_node.upkeep describes them; the siren chirps."""
    if not hasattr(sensor, "gas"):
        # A contact on the wake input of a battery node.
        return [["health", sensor.health == "ok", sensor.health]]
    gas = sensor.gas
    supply_mv, spread, hours = gas.supply >> 2, gas.spread, gas.hours
    baseline = gas.baseline >> 8
    checks = [
        ["adc", 200 < gas.mv < 3050, gas.mv, "200..3050"],
        ["supply", 4500 <= supply_mv <= 5500, supply_mv, "4500..5500"],
        ["heater", not gas.cold_s, hours],
        ["burn_in", hours >= settings["burn_in_h"], hours, ">= %d" % settings["burn_in_h"]],
        ["noise", spread > 0 and gas.health not in ("stuck", "noisy"), spread, "> 0"],
        ["baseline", 500 < baseline < 2500, baseline, "500..2500"],
    ]
    loop = sensor.loop
    if loop is not None:
        checks.append(["line", not loop.fault, loop.mv, "220..2400"])
    if settings["siren_pin"] >= 0:
        # Whoever stands there hears whether it passed; an alarm is not interrupted.
        checks.append(["siren", sensor.state == "alarm" or not sensor.silence()])
    return checks


def calibrate(sensor, args: dict, settings: dict) -> dict:
    """Present resistance, in clean air, becomes r0_ohm, and what was learnt is forgotten.

    args["clean"]: a person vouches for the air where the sensor takes it for smoke. args["new"]:
    another MQ-2 was fitted, its burn-in begins. CommandError.
    """
    if not hasattr(sensor, "gas"):
        raise CommandError("smoke: a contact has nothing to calibrate", "test the detector itself")
    gas = sensor.gas
    supply_mv, spread = gas.supply >> 2, gas.spread
    if sensor.state in ("pre_alarm", "alarm") and not args.get("clean"):
        raise CommandError(
            "smoke: state is %s" % sensor.state,
            "calibrate in clean air only; where you are sure that it is clean, send clean=1",
        )
    if spread > _QUIET_PERMILLE:
        raise CommandError(
            "smoke: the readings of the last minute differ by %d permille" % spread,
            "wait for quiet air, or look for a loose wire",
        )
    output_mv = min(gas.mv * 3 // 2, supply_mv - 1)
    of_load = (supply_mv - output_mv) * 1000 // max(output_mv, 1)
    ohm = of_load * settings["load_ohm"] // gas.weather
    if not _CLEAN_LEAST_OHM <= ohm <= _CLEAN_MOST_OHM:
        raise CommandError(
            "smoke: %d ohm is no MQ-2 in clean air (%d to %d)"
            % (ohm, _CLEAN_LEAST_OHM, _CLEAN_MOST_OHM),
            "check heater, supply and load_ohm",
        )
    if ohm * 10 < settings["load_ohm"] * 7:
        # Dense gas would take the pin beyond what it can read, and look like a short circuit.
        raise CommandError(
            "smoke: %d ohm in clean air is too little for load_ohm" % ohm,
            "check load_ohm; solder in a load resistor of at most %d ohm" % ohm,
        )
    if sensor.sources:
        # It would sound on behind the restart.
        sensor.sources = sensor.marks = 0
        loading.call("haidang_node.sensors.smoke_kept", "keep", sensor)
    if args.get("new"):
        loading.call("haidang_node.sensors.smoke_kept", "forget")
    return {"r0_ohm": ohm}
