"""The table of sensors.footfall in node.json; loaded by haidang_node.config_sensors."""

from haidang_node.config_table import table


def check(given: object, problems: list[str]) -> dict:
    """The checked values."""
    return table("sensors.footfall", _fields(), given, problems, _further)


def _fields():
    yield "uart", int, 1, 1, 2
    yield "rx_pin", int, 26, 0, 48
    yield "source", str, "sniffer", 3, 8
    yield "window_s", int, 300, 5, 3600
    yield "ssid", str, "", 0, 32
    yield "key", str, "", 0, 63


def _further(sensor: dict, problems: list[str]) -> None:
    # What one field says of another.
    sources = ("sniffer", "module", "stations", "ble")
    if sensor["source"] not in sources:
        problems.append("sensors.footfall: source must be one of %s" % ", ".join(sources))
    if sensor["source"] == "stations" and (not sensor["ssid"] or len(sensor["key"]) < 8):
        problems.append("sensors.footfall: stations need ssid and a key of 8 characters")
