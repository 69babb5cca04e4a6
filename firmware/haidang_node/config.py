"""node.json to checked values; every mistake is named with its field."""

import json

from haidang_node.errors import ConfigError

# Field: (type, default, least, greatest). A default of None means the field must be given.
_NODE = {
    "v": (int, None, 1, 1),
    "wifi": (list, None, 1, 4),
    "broker": (dict, None, 0, 0),
    "sensors": (dict, None, 1, 3),
    "report_s": (int, 10, 1, 3600),
    "heartbeat_s": (int, 30, 5, 3600),
    "supply_pin": (int, 35, -1, 48),
    "led_pin": (int, 2, -1, 48),
    "watchdog_ms": (int, 8000, 3000, 60000),
    "outbox": (dict, {}, 0, 1),
}
_WIFI = {"ssid": (str, None, 1, 32), "key": (str, "", 0, 63)}
_BROKER = {
    "host": (str, None, 1, 253),
    "port": (int, 8883, 1, 65535),
    "server_name": (str, "gateway.local", 1, 253),
}
# Instead of Wi-Fi and broker; UART 0 is the console.
_SERIAL = {
    "uart": (int, None, 1, 2),
    "rx_pin": (int, None, 0, 48),
    "tx_pin": (int, None, 0, 48),
    "de_pin": (int, -1, -1, 48),
    "baud": (int, 115200, 9600, 921600),
}
_OUTBOX = {"bytes": (int, 1048576, 65536, 8388608)}
_SENSORS = {
    # MQ-2 on a 5 V supply; clean-air resistance r0 is measured at calibration.
    "smoke": {
        "adc_pin": (int, 34, 0, 48),
        "r0_ohm": (int, 10000, 100, 1000000),
        "load_ohm": (int, 5000, 100, 1000000),
        "contact_pin": (int, 27, -1, 48),
        "siren_pin": (int, 25, -1, 48),
        "warmup_s": (int, 180, 0, 86400),
        "pre_alarm_permille": (int, 700, 1, 1000),
        "alarm_permille": (int, 500, 1, 1000),
    },
    # Ultrasonic A02YYUW looking down from mount_mm above the street.
    "flood": {
        "uart": (int, 2, 1, 2),
        "rx_pin": (int, 16, 0, 48),
        "tx_pin": (int, 17, -1, 48),
        "mount_mm": (int, 3000, 300, 7500),
        "watch_mm": (int, 300, 1, 7500),
        "warning_mm": (int, 500, 1, 7500),
        "danger_mm": (int, 800, 1, 7500),
        "hysteresis_mm": (int, 30, 0, 1000),
    },
    "footfall": {
        "uart": (int, 1, 1, 2),
        "rx_pin": (int, 26, 0, 48),
        "window_s": (int, 60, 5, 3600),
    },
}
_WORDS = {int: "a whole number", str: "a text", list: "a list", dict: "an object in { }"}


def load(path: str) -> dict:
    """The checked configuration, defaults filled in; ConfigError names all mistakes."""
    try:
        with open(path) as file:
            document = json.load(file)
    except OSError:
        raise ConfigError(("%s is missing: run `haidang provision`" % path,))
    except ValueError:
        raise ConfigError(("%s is not JSON: run `haidang provision` again" % path,))
    return check(document)


def check(document: object) -> dict:
    """The same for a document that was read already."""
    problems: list[str] = []
    document, fields = _one_link(document, problems)
    node = _table("node.json", fields, document, problems)
    wifi = node.get("wifi")
    if isinstance(wifi, list):
        node["wifi"] = [_table("wifi[%d]" % n, _WIFI, wifi[n], problems) for n in range(len(wifi))]
    if "broker" in node:
        node["broker"] = _table("broker", _BROKER, node["broker"], problems)
        _check_address(node["broker"], problems)
    if "serial" in node:
        node["serial"] = _table("serial", _SERIAL, node["serial"], problems)
    if "outbox" in node:
        node["outbox"] = _table("outbox", _OUTBOX, node["outbox"], problems)
    if isinstance(node.get("sensors"), dict):
        node["sensors"] = _sensors(node["sensors"], problems)
    if not problems and "serial" in node:
        _check_uarts(node, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return node


def _one_link(document: object, problems: list[str]) -> tuple[object, dict]:
    # A node has one link: Wi-Fi and a broker, or a serial one, which is polled and never sleeps.
    if not isinstance(document, dict) or "serial" not in document:
        return document, _NODE
    given = dict(document)
    fields = dict(_NODE)
    for name in ("wifi", "broker", "power"):
        fields.pop(name, None)
        if given.pop(name, None) is not None:
            problems.append("node.json: serial and %s cannot both be: remove one" % name)
    fields["serial"] = (dict, None, 0, 0)
    return given, fields


def _check_uarts(node: dict, problems: list[str]) -> None:
    for kind, sensor in node["sensors"].items():
        if sensor.get("uart") == node["serial"]["uart"]:
            problems.append(
                "serial: uart %d is the one of sensors.%s; take the other" % (sensor["uart"], kind)
            )


def _sensors(given: dict, problems: list[str]) -> dict:
    checked = {}
    for kind, fields in given.items():
        if kind not in _SENSORS:
            known = ", ".join(sorted(_SENSORS))
            problems.append("sensors: %s is not a sensor kind; known: %s" % (kind, known))
            continue
        checked[kind] = _table("sensors." + kind, _SENSORS[kind], fields, problems)
    if not problems:
        _check_orders(checked, problems)
    return checked


def _check_orders(sensors: dict, problems: list[str]) -> None:
    smoke = sensors.get("smoke")
    if smoke and smoke["alarm_permille"] >= smoke["pre_alarm_permille"]:
        problems.append("sensors.smoke: alarm_permille must be below pre_alarm_permille")
    flood = sensors.get("flood")
    if flood and not flood["watch_mm"] < flood["warning_mm"] < flood["danger_mm"]:
        problems.append("sensors.flood: watch_mm < warning_mm < danger_mm must hold")
    if flood and flood["danger_mm"] >= flood["mount_mm"]:
        problems.append("sensors.flood: danger_mm must be below mount_mm")


def _check_address(broker: dict, problems: list[str]) -> None:
    # Looking a name up blocks every loop of the node, longer than its watchdog waits.
    host = broker.get("host")
    if not isinstance(host, str):
        return
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        problems.append(
            "broker: host %s must be an address such as 192.168.1.10; the certificate's name "
            "goes into server_name" % host
        )


def _table(where: str, fields: dict, given: object, problems: list[str]) -> dict:
    if not isinstance(given, dict):
        problems.append("%s must be an object in { }" % where)
        return {}
    for name in given:
        if name not in fields:
            problems.append("%s: %s is not a field; check the spelling" % (where, name))
    checked = {}
    for name, (kind, default, least, greatest) in fields.items():
        value = given.get(name, default)
        if value is None:
            problems.append("%s: %s is missing" % (where, name))
            continue
        wrong = _mistake(kind, value, least, greatest)
        if wrong:
            problems.append("%s: %s %s" % (where, name, wrong))
        checked[name] = value
    return checked


def _mistake(kind: type, value, least: int, greatest: int) -> str:
    if not isinstance(value, kind) or isinstance(value, bool):
        return "must be %s" % _WORDS[kind]
    size = value if kind is int else len(value)
    if kind is dict and greatest == 0:
        return ""
    if least <= size <= greatest:
        return ""
    if kind is int:
        return "is %d, must be %d to %d" % (size, least, greatest)
    return "has %d entries or characters, must have %d to %d" % (size, least, greatest)
