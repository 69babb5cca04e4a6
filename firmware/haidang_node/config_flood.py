"""The table of sensors.flood in node.json; loaded by haidang_node.config_sensors."""

from haidang_node.config import table


def check(given: object, problems: list[str]) -> dict:
    """The checked values."""
    return table("sensors.flood", _fields(), given, problems, _further)


def _fields():
    # A meter looking down from mount_mm above the street, or a transducer under its water.
    yield "driver", str, "a02yyuw", 3, 9
    yield "uart", int, 2, 1, 2
    yield "rx_pin", int, 16, 0, 48
    yield "tx_pin", int, 17, -1, 48
    yield "mount_mm", int, 3000, 300, 9900
    yield "watch_mm", int, 300, 1, 7500
    yield "warning_mm", int, 500, 1, 7500
    yield "danger_mm", int, 800, 1, 7500
    yield "hysteresis_mm", int, 30, 0, 1000
    # For which air temperature the meter's distances are right, 0.01 C; 0: not found out.
    yield "sound_cc", int, 0, 0, 6000
    # A transducer that gives 100 mV/mA over 100 ohm, or 0.5-4.5 V over a divider of 1:2.
    yield "adc_pin", int, 32, 0, 48
    yield "shunt_ohm", int, 100, 20, 150
    yield "divider_permille", int, 500, 100, 660
    yield "range_mm", int, 5000, 100, 20000
    yield "zero_mm", int, 0, -1000, 20000
    yield "float_pin", int, -1, -1, 48
    yield "float_mm", int, 500, 1, 7500


def _further(sensor: dict, problems: list[str]) -> None:
    # What one field says of another.
    if not sensor["watch_mm"] < sensor["warning_mm"] < sensor["danger_mm"]:
        problems.append("sensors.flood: watch_mm < warning_mm < danger_mm must hold")
    serial = ("a02yyuw", "jsn_sr04t", "aj_sr04m", "mb73xx")
    drivers = serial + ("jsn_pulse", "current", "voltage", "float")  # noqa: RUF005 - MicroPython
    driver = sensor["driver"]
    if driver not in drivers:
        problems.append("sensors.flood: driver must be one of %s" % ", ".join(drivers))
    if driver not in serial:
        # Free for others.
        del sensor["uart"]
    if driver in serial or driver == "jsn_pulse":
        _check_beam(driver, sensor["mount_mm"], sensor["danger_mm"], problems)
    elif driver != "float" and sensor["danger_mm"] > sensor["range_mm"] - sensor["zero_mm"]:
        problems.append("sensors.flood: danger_mm must be at most range_mm - zero_mm")
    if driver in ("jsn_sr04t", "aj_sr04m", "jsn_pulse") and sensor["tx_pin"] < 0:
        problems.append("sensors.flood: %s is asked over tx_pin, which is missing" % driver)
    if driver == "float" and sensor["float_pin"] < 0:
        problems.append("sensors.flood: driver float needs float_pin")


def _check_beam(driver: str, mount_mm: int, danger_mm: int, problems: list[str]) -> None:
    # Blind below, deaf beyond; data sheets, as in the drivers.
    nearest_mm, farthest_mm = (300, 9900) if driver == "mb73xx" else (250, 6000)
    if driver == "a02yyuw":
        nearest_mm, farthest_mm = 30, 7500
    if danger_mm > mount_mm - nearest_mm:
        problems.append(
            "sensors.flood: danger_mm must be %d mm below mount_mm, nearer %s is blind"
            % (nearest_mm, driver)
        )
    if mount_mm > farthest_mm:
        problems.append(
            "sensors.flood: mount_mm is beyond the %d mm of %s" % (farthest_mm, driver)
        )
