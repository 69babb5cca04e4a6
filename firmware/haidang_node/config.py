"""node.json to checked values; every mistake is named with its field.

Loaded at a start and for a new configuration. The tables of the link and of each sensor are
loaded one after the other: a node at work has no room for all of them at once.
"""

import binascii
import json

from haidang_node import loading
from haidang_node.errors import ConfigError

# What all tables load.
_TABLE = "haidang_node.config_table"


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
    try:
        node = _tables(document, problems, keep)
    finally:
        loading.forget(_TABLE)
    if not problems:
        loading.call("haidang_node.config_pins", "check", node, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return node


def _tables(document: object, problems: list[str], keep: bool) -> dict:
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
    return node
