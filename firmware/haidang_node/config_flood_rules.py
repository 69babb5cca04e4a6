"""What the fields of sensors.flood say of each other; loaded by haidang_node.config_sensors."""


def check(sensor: dict, problems: list[str]) -> None:
    """Adds what is wrong; the fields themselves are sound."""
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
