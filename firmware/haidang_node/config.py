"""node.json to checked values; every mistake is named with its field.

Loaded at a start and for a new configuration. The tables of the link and of each sensor are
loaded one after the other: a node at work has no room for all of them at once.
"""

import binascii
import json

from haidang_node import loading
from haidang_node.errors import ConfigError

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list",
    dict: "an object in { }",
}


def load(path: str) -> dict:
    """The checked configuration, defaults filled in; ConfigError names all mistakes."""
    document, cfg = read(path)
    settings = check(document)
    settings["cfg"] = cfg
    return settings


def proved(path: str) -> str:
    """The CRC-32 of a configuration that load() would take; ConfigError names all mistakes."""
    document, cfg = read(path)
    check(document, False)
    return cfg


def read(path: str) -> tuple[object, str]:
    """What a file says, unchecked, and the CRC-32 by which the status names it; ConfigError."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        return json.loads(data), "%08x" % binascii.crc32(data)
    except OSError:
        raise ConfigError(("%s is missing: run `haidang provision`" % path,))
    except ValueError:
        raise ConfigError(("%s is not JSON: run `haidang provision` again" % path,))


def check(document: object, keep: bool = True) -> dict:
    """The same for a document that was read already; keep=False: what was checked is dropped at
    once, from the document too, for a node at work.
    """
    problems: list[str] = []
    node = loading.call("haidang_node.config_link", "check", document, problems)
    if not keep:
        names = ("sensors", "serial", "power", "supply_pin", "led_pin")
        node = {name: node[name] for name in names if name in node}
        if isinstance(document, dict):
            document.clear()
    if isinstance(node.get("sensors"), dict):
        node["sensors"] = loading.call(
            "haidang_node.config_sensors", "check", node["sensors"], problems, keep
        )
    if "power" in node:
        loading.call("haidang_node.config_power", "check", node, problems)
    if not problems:
        loading.call("haidang_node.config_pins", "check", node, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return node


def table(where: str, fields, given: object, problems: list[str], further=None) -> dict:
    """The values of one table of node.json; mistakes are added to `problems`.

    fields: gives (name, type, default, least, greatest) each; a default of None: it must be given.
    further(values, problems) is called where each value for itself is sound.
    """
    if not isinstance(given, dict):
        problems.append("%s must be an object in { }" % where)
        return {}
    checked = {}
    first = len(problems)
    unknown = list(given)
    for name, kind, default, least, greatest in fields:
        value = given.get(name, default)
        if name in unknown:
            unknown.remove(name)
        if value is None:
            problems.append("%s: %s is missing" % (where, name))
            continue
        wrong = _mistake(kind, value, least, greatest)
        if wrong:
            problems.append("%s: %s %s" % (where, name, wrong))
        checked[name] = value
    for name in reversed(unknown):
        problems.insert(first, "%s: %s is not a field; check the spelling" % (where, name))
    if further and len(problems) == first:
        further(checked, problems)
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
