"""The table of sensors.env in node.json; loaded by haidang_node.config_sensors."""

from haidang_node.config_table import table


def check(given: object, problems: list[str]) -> dict:
    """The checked values."""
    return table("sensors.env", _fields(), given, problems, _further)


def _fields():
    # SHT3x and AHT20 on an I2C bus; DHT22 on `pin`. Offsets are set by calibrate.
    yield "driver", str, "sht3x", 5, 5
    yield "sda_pin", int, 21, 0, 33
    yield "scl_pin", int, 22, 0, 33
    yield "pin", int, 4, 0, 33
    yield "temp_offset_cc", int, 0, -500, 500
    yield "rh_offset_permille", int, 0, -150, 150


def _further(sensor: dict, problems: list[str]) -> None:
    # What one field says of another.
    drivers = ("aht20", "dht22", "sht3x")
    if sensor["driver"] not in drivers:
        problems.append("sensors.env: driver must be one of %s" % ", ".join(drivers))
    if sensor["sda_pin"] == sensor["scl_pin"]:
        problems.append("sensors.env: sda_pin and scl_pin must differ")
