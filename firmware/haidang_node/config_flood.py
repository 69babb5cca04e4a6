"""The table of sensors.flood in node.json; loaded by haidang_node.config_sensors."""


def fields():
    """One after the other, as haidang_node.config.table() takes them."""
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


def check(sensor: dict, problems: list[str]) -> None:
    """What one field says of another; the fields themselves are sound."""
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
        if sensor["danger_mm"] >= sensor["mount_mm"]:
            problems.append("sensors.flood: danger_mm must be below mount_mm")
    elif driver != "float" and sensor["danger_mm"] > sensor["range_mm"] - sensor["zero_mm"]:
        problems.append("sensors.flood: danger_mm must be at most range_mm - zero_mm")
    if driver in ("jsn_sr04t", "aj_sr04m", "jsn_pulse") and sensor["tx_pin"] < 0:
        problems.append("sensors.flood: %s is asked over tx_pin, which is missing" % driver)
    if driver == "float" and sensor["float_pin"] < 0:
        problems.append("sensors.flood: driver float needs float_pin")
