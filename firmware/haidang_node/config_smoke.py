"""The table of sensors.smoke in node.json; loaded by haidang_node.config_sensors."""

from haidang_node.config_table import table


def check(given: object, problems: list[str]) -> dict:
    """The checked values."""
    return table("sensors.smoke", _fields(), given, problems, _further)


def _fields():
    # MQ-2 on a 5 V supply; clean-air resistance r0 is measured at calibration.
    yield "adc_pin", int, 34, 0, 48
    yield "r0_ohm", int, 10000, 100, 1000000
    yield "load_ohm", int, 5000, 100, 1000000
    yield "contact_pin", int, 27, -1, 48
    yield "contact2_pin", int, -1, -1, 48
    yield "loop_pin", int, -1, -1, 48
    yield "siren_pin", int, 25, -1, 48
    yield "siren_steady", bool, False, 0, 0
    yield "silence_pin", int, -1, -1, 48
    yield "warmup_s", int, 180, 0, 86400
    yield "burn_in_h", int, 24, 0, 72
    # Above 800 the air counts as clean: a pre-alarm there would come and go each second.
    yield "pre_alarm_permille", int, 720, 1, 800
    yield "alarm_permille", int, 660, 1, 1000
    yield "latch_s", int, 600, 0, 86400


def _further(sensor: dict, problems: list[str]) -> None:
    # What one field says of another.
    if sensor["alarm_permille"] >= sensor["pre_alarm_permille"]:
        problems.append("sensors.smoke: alarm_permille must be below pre_alarm_permille")
