"""A pin or a UART that cannot be what node.json names it for; loaded by haidang_node.config."""

# Without a driver and a pull-up (ESP32 data sheet): these fields may name them, no others.
_READ_ALONE = range(34, 40)
_READING = ("adc_pin", "loop_pin", "rx_pin", "supply_pin")

# Of a meter's or chip's pins these are wired; of all others every one.
_WIRED = {
    "dht22": ("pin",),
    "sht3x": ("sda_pin", "scl_pin"),
    "aht20": ("sda_pin", "scl_pin"),
    "current": ("adc_pin", "float_pin"),
    "voltage": ("adc_pin", "float_pin"),
    "float": ("float_pin",),
    # The meters on a wire, and footfall's companion.
    None: ("rx_pin", "tx_pin", "float_pin"),
}


def check(node: dict, problems: list[str]) -> None:
    """What is wired twice or to a pin that cannot do it; the fields themselves are sound."""
    taken: dict = {}
    for name in ("supply_pin", "led_pin"):
        _take(taken, node.get(name, -1), "%s of node.json" % name, problems)
    # In order, so that the same mistake is told in the same words on every interpreter.
    for kind in sorted(node["sensors"]):
        sensor = node["sensors"][kind]
        if sensor.get("source", "sniffer") != "sniffer":
            continue
        wired = _WIRED.get(sensor.get("driver"), _WIRED[None])
        for name in sorted(sensor):
            value = sensor[name]
            if name == "uart" or (name.endswith("pin") and (kind == "smoke" or name in wired)):
                key = "uart %d" % value if name == "uart" else value
                _take(taken, key, "%s of sensors.%s" % (name, kind), problems)
    for name, value in node.get("serial", {}).items():
        if name == "uart" or name.endswith("pin"):
            key = "uart %d" % value if name == "uart" else value
            _take(taken, key, "%s of serial" % name, problems)


def _take(taken: dict, key, name: str, problems: list[str]) -> None:
    if key == -1:
        return
    if key in taken:
        what = key if isinstance(key, str) else "GPIO %d" % key
        problems.append(
            "%s is %s and %s: each needs its own; -1 for a pin that is not wired"
            % (what, taken[key], name)
        )
    elif key in _READ_ALONE and name.partition(" ")[0] not in _READING:
        problems.append(
            "%s is GPIO %d: 34 to 39 can only be read and have no pull-up; take another"
            % (name, key)
        )
    taken[key] = name
