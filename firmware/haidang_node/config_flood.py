"""The table of sensors.flood in node.json; loaded by haidang_node.config_sensors.

What its fields say of each other is in config_flood_rules, loaded behind it.
"""

from haidang_node.config_table import table


def check(given: object, problems: list[str]) -> dict:
    """The checked values."""
    return table("sensors.flood", _fields(), given, problems)


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
