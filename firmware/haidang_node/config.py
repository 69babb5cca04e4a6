"""node.json to checked values; every mistake is named with its field.

Loaded at a start and for a new configuration. The tables of the link and of each sensor are
loaded one after the other: a node at work has no room for all of them at once.
"""

import binascii
import json

from haidang_node import loading
from haidang_node.errors import ConfigError

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
    node = loading.call("haidang_node.config_link", "check", document, problems)
    if isinstance(node.get("sensors"), dict):
        sensors = loading.call("haidang_node.config_sensors", "check", node["sensors"], problems)
        node["sensors"] = sensors
    if "power" in node:
        loading.call("haidang_node.config_power", "check", node, problems)
    if "serial" in node and not problems:
        _check_uarts(node["serial"]["uart"], node["sensors"], problems)
    if problems:
        raise ConfigError(tuple(problems))
    return node


def table(where: str, fields: dict, given: object, problems: list[str]) -> dict:
    """The values of one table of node.json; mistakes are added to `problems`.

    fields: (type, default, least, greatest) by name; a default of None: it must be given.
    """
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


def _check_uarts(uart: int, sensors: dict, problems: list[str]) -> None:
    for kind, sensor in sensors.items():
        if sensor.get("uart") == uart and sensor.get("source", "sniffer") == "sniffer":
            problems.append(
                "serial: uart %d is the one of sensors.%s; take the other" % (uart, kind)
            )
