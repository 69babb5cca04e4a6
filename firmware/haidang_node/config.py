"""node.json to checked values; every mistake is named with its field."""

import binascii
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
_WIFI = {
    "ssid": (str, None, 1, 32),
    "key": (str, "", 0, 63),
    "hidden": (bool, False, 0, 1),
}
# A battery node: sleeps between samples, connects seldom.
_POWER = {
    "sleep_s": (int, 60, 10, 86400),
    "connect_s": (int, 900, 30, 86400),
    "wake_pin": (int, -1, -1, 39),
    "wake_level": (int, 0, 0, 1),
    "wake_as": (str, "float", 5, 7),
}
# Inputs that work in deep sleep (ESP32 data sheet, table of RTC pins).
_RTC_PINS = (-1, 0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)
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
_LINK = ("v", "wifi", "broker", "serial", "heartbeat_s", "led_pin", "outbox")
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list",
    dict: "an object in { }",
}


def load(path: str) -> dict:
    """The checked configuration, defaults filled in; ConfigError names all mistakes."""
    document, cfg = _read(path)
    settings = check(document)
    settings["cfg"] = cfg
    return settings


def load_link(path: str) -> dict:
    """The same of a file whose other fields may be wrong: link, lamp and heartbeat alone."""
    document, cfg = _read(path)
    if isinstance(document, dict):
        document = {name: document[name] for name in _LINK if name in document}
        # A field that safe mode does not need and check() does.
        document["sensors"] = {"footfall": {"uart": 3 - _uart(document)}}
    settings = check(document)
    settings["cfg"] = cfg
    return settings


def _uart(document: dict) -> int:
    serial = document.get("serial")
    return 2 if isinstance(serial, dict) and serial.get("uart") == 2 else 1


def _read(path: str) -> tuple[object, str]:
    # With the CRC-32 by which the status names it.
    try:
        with open(path, "rb") as file:
            data = file.read()
        return json.loads(data), "%08x" % binascii.crc32(data)
    except OSError:
        raise ConfigError(("%s is missing: run `haidang provision`" % path,))
    except ValueError:
        raise ConfigError(("%s is not JSON: run `haidang provision` again" % path,))


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
    _check_together(node, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return node


def _one_link(document: object, problems: list[str]) -> tuple[object, dict]:
    # A node has one link: Wi-Fi and a broker, or a serial one, which is polled and never sleeps.
    if not isinstance(document, dict):
        return document, _NODE
    given = dict(document)
    fields = dict(_NODE)
    if "serial" not in document:
        if "power" in document:
            fields["power"] = (dict, None, 0, 0)
            # A wake input alone is a sensor too.
            fields["sensors"] = (dict, None, 0, 3)
        return given, fields
    for name in ("wifi", "broker", "power"):
        fields.pop(name, None)
        if given.pop(name, None) is not None:
            problems.append("node.json: serial and %s cannot both be: remove one" % name)
    fields["serial"] = (dict, None, 0, 0)
    return given, fields


def _check_together(node: dict, problems: list[str]) -> None:
    if "power" in node:
        node["power"] = _table("power", _POWER, node["power"], problems)
    if problems:
        return
    if "power" in node:
        _check_power(node, problems)
    if "serial" in node:
        _check_uarts(node, problems)


def _check_power(node: dict, problems: list[str]) -> None:
    power, sensors = node["power"], node["sensors"]
    if "smoke" in sensors:
        problems.append(
            "power: sensors.smoke cannot run on a battery, its MQ-2 heats with 0.8 W; put a "
            'detector\'s contact on wake_pin with "wake_as": "contact"'
        )
    if "footfall" in sensors:
        problems.append("power: sensors.footfall listens all the time; it needs a supply")
    if power["wake_as"] not in ("float", "contact"):
        problems.append("power: wake_as must be float or contact")
    if power["wake_pin"] not in _RTC_PINS:
        problems.append("power: wake_pin %d cannot wake; take 32 or 33" % power["wake_pin"])
    if not sensors and power["wake_pin"] < 0:
        problems.append("power: neither sensors nor a wake_pin: nothing to measure")
    if power["connect_s"] < power["sleep_s"]:
        problems.append("power: connect_s must not be below sleep_s")
    for kind, sensor in sensors.items():
        if power["wake_pin"] >= 0 and power["wake_pin"] in (sensor["rx_pin"], sensor["tx_pin"]):
            problems.append("power: wake_pin is a pin of sensors.%s; take another" % kind)


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
    if kind is bool and isinstance(value, bool):
        return ""
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
