"""node.json itself and its tables that say how the gateway is reached.

Loaded by haidang_node.config.
"""

from haidang_node.config_table import table


def check(document: object, problems: list[str]) -> dict:
    """The checked values, but those of the tables power and sensors."""
    node = _table("node.json", *_fields(document, problems), problems)
    wifi = node.get("wifi")
    if isinstance(wifi, list):
        fields = {
            "ssid": (str, None, 1, 32),
            "key": (str, "", 0, 63),
            "hidden": (bool, False, 0, 1),
        }
        node["wifi"] = [
            _table("wifi[%d]" % n, fields, wifi[n], problems) for n in range(len(wifi))
        ]
    if "broker" in node:
        node["broker"] = _broker(node["broker"], problems)
    if "serial" in node:
        node["serial"] = _serial(node["serial"], problems)
    if "outbox" in node:
        fields = {"bytes": (int, 1048576, 65536, 8388608)}
        node["outbox"] = _table("outbox", fields, node["outbox"], problems)
    return node


def _fields(document: object, problems: list[str]) -> tuple[dict, object]:
    # A node has one link: Wi-Fi and a broker, or a serial one, which is polled and never sleeps.
    # Field: (type, default, least, greatest). A default of None means the field must be given.
    fields = {
        "v": (int, None, 1, 1),
        "wifi": (list, None, 1, 4),
        "broker": (dict, None, 0, 0),
        "sensors": (dict, None, 1, 4),
        "report_s": (int, 10, 1, 3600),
        "heartbeat_s": (int, 30, 5, 3600),
        "supply_pin": (int, 35, -1, 48),
        # 5 V of which a regulator and the MQ-2's heater want at least 4.5; less a cable's loss.
        "supply_low_mv": (int, 4400, 0, 60000),
        "supply_high_mv": (int, 5600, 0, 60000),
        "led_pin": (int, 2, -1, 48),
        "watchdog_ms": (int, 8000, 3000, 60000),
        "outbox": (dict, {}, 0, 1),
    }
    if not isinstance(document, dict):
        return fields, document
    if "serial" not in document:
        if "power" in document:
            fields["power"] = (dict, None, 0, 0)
            # A wake input alone is a sensor too.
            fields["sensors"] = (dict, None, 0, 4)
        return fields, document
    given = dict(document)
    for name in ("wifi", "broker", "power"):
        fields.pop(name, None)
        if given.pop(name, None) is not None:
            problems.append("node.json: serial and %s cannot both be: remove one" % name)
    fields["serial"] = (dict, None, 0, 0)
    return fields, given


def _broker(given: object, problems: list[str]) -> dict:
    fields = {
        "host": (str, None, 1, 253),
        "port": (int, 8883, 1, 65535),
        "server_name": (str, "gateway.local", 1, 253),
    }
    broker = _table("broker", fields, given, problems)
    # Looking a name up blocks every loop of the node, longer than its watchdog waits.
    host = broker.get("host")
    if isinstance(host, str) and not _is_address(host):
        problems.append(
            "broker: host %s must be an address such as 192.168.1.10; the certificate's name "
            "goes into server_name" % host
        )
    return broker


def _is_address(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all([part.isdigit() and int(part) < 256 for part in parts])


def _serial(given: object, problems: list[str]) -> dict:
    # Instead of Wi-Fi and broker; UART 0 is the console.
    fields = {
        "uart": (int, None, 1, 2),
        "rx_pin": (int, None, 0, 48),
        "tx_pin": (int, None, 0, 48),
        "de_pin": (int, -1, -1, 48),
        "baud": (int, 115200, 9600, 921600),
    }
    return _table("serial", fields, given, problems)


def _table(where: str, fields: dict, given: object, problems: list[str]) -> dict:
    rows = ((name, kind, default, lo, hi) for name, (kind, default, lo, hi) in fields.items())
    return table(where, rows, given, problems)
