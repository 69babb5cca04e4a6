"""The tables of the sensors in node.json; loaded by haidang_node.config."""

from haidang_node.config import table


def check(sensors: dict, problems: list[str]) -> dict:
    """The checked values of each table of `sensors`."""
    tables = {"env": _env, "flood": _flood, "footfall": _footfall, "smoke": _smoke}
    settings = {}
    for kind, given in sensors.items():
        if kind not in tables:
            known = ", ".join(sorted(tables))
            problems.append("sensors: %s is not a sensor kind; known: %s" % (kind, known))
            continue
        before = len(problems)
        checked = table("sensors." + kind, tables[kind](), given, problems)
        settings[kind] = checked
        if len(problems) == before:
            _check_order(kind, checked, problems)
    return settings


# The fields of a table are made when it is checked, one table at a time: the tables of all kinds
# would take three times the room.


def _smoke() -> dict:
    # MQ-2 on a 5 V supply; clean-air resistance r0 is measured at calibration.
    return {
        "adc_pin": (int, 34, 0, 48),
        "r0_ohm": (int, 10000, 100, 1000000),
        "load_ohm": (int, 5000, 100, 1000000),
        "contact_pin": (int, 27, -1, 48),
        "contact2_pin": (int, -1, -1, 48),
        "loop_pin": (int, -1, -1, 48),
        "siren_pin": (int, 25, -1, 48),
        "siren_steady": (bool, False, 0, 0),
        "silence_pin": (int, -1, -1, 48),
        "warmup_s": (int, 180, 0, 86400),
        "burn_in_h": (int, 24, 0, 72),
        "pre_alarm_permille": (int, 720, 1, 1000),
        "alarm_permille": (int, 660, 1, 1000),
        "latch_s": (int, 600, 0, 86400),
    }


def _flood() -> dict:
    # A meter looking down from mount_mm above the street, or a transducer under its water.
    return {
        "driver": (str, "a02yyuw", 3, 9),
        "uart": (int, 2, 1, 2),
        "rx_pin": (int, 16, 0, 48),
        "tx_pin": (int, 17, -1, 48),
        "mount_mm": (int, 3000, 300, 9900),
        "watch_mm": (int, 300, 1, 7500),
        "warning_mm": (int, 500, 1, 7500),
        "danger_mm": (int, 800, 1, 7500),
        "hysteresis_mm": (int, 30, 0, 1000),
        # For which air temperature the meter's distances are right, 0.01 C; 0: not found out.
        "sound_cc": (int, 0, 0, 6000),
        # A transducer that gives 100 mV/mA over 100 ohm, or 0.5-4.5 V over a divider of 1:2.
        "adc_pin": (int, 32, 0, 48),
        "shunt_ohm": (int, 100, 20, 150),
        "divider_permille": (int, 500, 100, 660),
        "range_mm": (int, 5000, 100, 20000),
        "zero_mm": (int, 0, -1000, 20000),
        "float_pin": (int, -1, -1, 48),
        "float_mm": (int, 500, 1, 7500),
    }


def _env() -> dict:
    # SHT3x and AHT20 on an I2C bus; DHT22 on `pin`. Offsets are set by calibrate.
    return {
        "driver": (str, "sht3x", 5, 5),
        "sda_pin": (int, 21, 0, 33),
        "scl_pin": (int, 22, 0, 33),
        "pin": (int, 4, 0, 33),
        "temp_offset_cc": (int, 0, -500, 500),
        "rh_offset_permille": (int, 0, -150, 150),
    }


def _footfall() -> dict:
    return {
        "uart": (int, 1, 1, 2),
        "rx_pin": (int, 26, 0, 48),
        "source": (str, "sniffer", 3, 8),
        "window_s": (int, 300, 5, 3600),
        "ssid": (str, "", 0, 32),
        "key": (str, "", 0, 63),
    }


def _check_order(kind: str, sensor: dict, problems: list[str]) -> None:
    if kind == "smoke" and sensor["alarm_permille"] >= sensor["pre_alarm_permille"]:
        problems.append("sensors.smoke: alarm_permille must be below pre_alarm_permille")
    if kind == "footfall":
        _check_source(sensor, problems)
    if kind == "env":
        _check_driver(sensor, problems)
    if kind != "flood":
        return
    _check_flood(sensor, problems)


def _check_flood(sensor: dict, problems: list[str]) -> None:
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


def _check_source(sensor: dict, problems: list[str]) -> None:
    sources = ("sniffer", "module", "stations", "ble")
    if sensor["source"] not in sources:
        problems.append("sensors.footfall: source must be one of %s" % ", ".join(sources))
    if sensor["source"] == "stations" and (not sensor["ssid"] or len(sensor["key"]) < 8):
        problems.append("sensors.footfall: stations need ssid and a key of 8 characters")


def _check_driver(sensor: dict, problems: list[str]) -> None:
    drivers = ("aht20", "dht22", "sht3x")
    if sensor["driver"] not in drivers:
        problems.append("sensors.env: driver must be one of %s" % ", ".join(drivers))
    if sensor["sda_pin"] == sensor["scl_pin"]:
        problems.append("sensors.env: sda_pin and scl_pin must differ")
