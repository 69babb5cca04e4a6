"""The table of node.json that makes a battery node; loaded by haidang_node.config."""

from haidang_node.config_table import table

# Inputs that work in deep sleep (ESP32 data sheet, table of RTC pins).
_RTC_PINS = (-1, 0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)
# A battery node: sleeps between samples, connects seldom.
_POWER = (
    ("sleep_s", int, 60, 10, 86400),
    ("connect_s", int, 900, 30, 86400),
    ("wake_pin", int, -1, -1, 39),
    ("wake_level", int, 0, 0, 1),
    ("wake_as", str, "float", 5, 7),
)


def check(node: dict, problems: list[str]) -> None:
    """Puts checked values in place of the table power; what it asks of the sensors too."""
    node["power"] = table("power", _POWER, node["power"], problems)
    if not problems:
        _check(node["power"], node["sensors"], problems)


def _check(power: dict, sensors: dict, problems: list[str]) -> None:
    if "smoke" in sensors:
        problems.append(
            "power: sensors.smoke cannot run on a battery, its MQ-2 heats with 0.8 W; put a "
            'detector\'s contact on wake_pin with "wake_as": "contact"'
        )
    if "footfall" in sensors:
        problems.append("power: sensors.footfall listens all the time; it needs a supply")
    if power["wake_as"] not in ("float", "contact"):
        problems.append("power: wake_as must be float or contact")
    if power["wake_pin"] not in _RTC_PINS:
        problems.append("power: wake_pin %d cannot wake; take 32 or 33" % power["wake_pin"])
    if not sensors and power["wake_pin"] < 0:
        problems.append("power: neither sensors nor a wake_pin: nothing to measure")
    if power["connect_s"] < power["sleep_s"]:
        problems.append("power: connect_s must not be below sleep_s")
    for kind, sensor in sensors.items():
        pins = [value for name, value in sensor.items() if name.endswith("pin")]
        if power["wake_pin"] >= 0 and power["wake_pin"] in pins:
            problems.append("power: wake_pin is a pin of sensors.%s; take another" % kind)
