"""rig.toml to checked values; every mistake is named with its line, field and remedy."""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.errors import RigFileWrong

# Field: (type, default, least, greatest) of a number, or of a text's or list's length. A default
# of None means that the field must be given, OPTIONAL that it may be left out.
OPTIONAL = object()
_PORT = (str, None, 1, 200)
_PIN = (int, OPTIONAL, 0, 48)
_TABLES: dict[str, dict[str, tuple[type, Any, float, float]]] = {
    "board": {"port": _PORT, "name": (str, "rig", 1, 80)},
    "network": {
        "broker_host": (str, None, 7, 15),
        "broker_port": (int, 8883, 0, 65535),
        "ssid": (str, None, 1, 32),
        "key_file": (str, OPTIONAL, 1, 200),
    },
    "stimulus": {
        "port": _PORT,
        "smoke_dac_pin": (int, OPTIONAL, 25, 26),
        "contact_pin": _PIN,
        "contact_by": (str, "wire", 1, 10),
        "level_tx_pin": _PIN,
    },
}
_SWITCHES: dict[str, dict[str, tuple[type, Any, float, float]]] = {
    "usb-hub": {
        "location": (str, None, 1, 40),
        "port": (int, None, 1, 32),
        "program": (str, "uhubctl", 1, 200),
    },
    "usb-relay": {
        "port": _PORT,
        "channel": (int, 1, 1, 8),
        "inverted": (bool, False, 0, 1),
    },
    "tasmota": {
        "url": (str, None, 8, 200),
        "socket": (int, 1, 1, 32),
        "user": (str, "admin", 1, 40),
        "password_file": (str, OPTIONAL, 1, 200),
    },
    "person": {"timeout_s": (int, 120, 5, 3600)},
    "command": {"on": (list, None, 1, 20), "off": (list, None, 1, 20)},
}
_SWITCHED = ("power", "wifi")
_CONTACTS = ("wire", "relay")
_WORDS = {int: "a whole number", str: "a text", list: "a list of words", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class RigFile:
    """Checked tables; absent ones are None. `ports` of different devices differ."""

    board: Mapping[str, Any]
    network: Mapping[str, Any]
    power: Mapping[str, Any] | None
    wifi: Mapping[str, Any] | None
    stimulus: Mapping[str, Any] | None


def load(path: Path) -> RigFile:
    """The checked file, defaults filled in, secrets read; RigFileWrong names all mistakes."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise RigFileWrong((f"{path}: {error.strerror}; copy rig.example.toml",)) from error
    except ValueError as error:
        raise RigFileWrong((f"{path}: no TOML: {error}",)) from error
    return _Check(path, text).file(document)


class _Check:
    """One file's check; `problems` grows."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._problems: list[str] = []

    def file(self, document: dict[str, Any]) -> RigFile:
        known = (*_TABLES, *_SWITCHED)
        for name in document:
            if name not in known:
                self._wrong(name, "", f"is not a table; known are {', '.join(known)}")
        found = {name: self._table(name, document.get(name)) for name in known}
        self._check_network(found["network"])
        self._check_stimulus(found["stimulus"])
        self._check_ports(found)
        if self._problems:
            raise RigFileWrong(tuple(self._problems))
        assert found["board"] is not None
        assert found["network"] is not None
        return RigFile(**found)  # type: ignore[arg-type]  # the two above are there

    def _table(self, name: str, given: Any) -> dict[str, Any] | None:
        if given is None:
            if name in ("board", "network"):
                self._wrong(name, "", "is missing; copy this table from rig.example.toml")
            return None
        if not isinstance(given, dict):
            self._wrong(name, "", f"must be a table: write [{name}] above its fields")
            return None
        if name not in _SWITCHED:
            return self._fields(name, _TABLES[name], given)
        kind = given.get("kind")
        if kind not in _SWITCHES:
            told = "is missing" if kind is None else f"{kind!r} is unknown"
            self._wrong(name, "kind", f"{told}; known are {', '.join(_SWITCHES)}")
            return None
        fields = {"kind": (str, None, 1, 20), "off_s": (float, 2.0, 0, 60), **_SWITCHES[kind]}
        return self._fields(name, fields, given)

    def _fields(
        self, table: str, fields: Mapping[str, tuple[type, Any, float, float]], given: Any
    ) -> dict[str, Any]:
        for name in given:
            if name not in fields:
                self._wrong(table, name, f"is not a field; known are {', '.join(fields)}")
        checked = {}
        for name, (kind, default, least, greatest) in fields.items():
            value = given.get(name, default)
            if value is OPTIONAL:
                continue
            if value is None:
                self._wrong(table, name, "is missing")
                continue
            self._check(table, name, value, (kind, least, greatest))
            checked[name] = value
        return self._with_secrets(table, checked)

    def _check(self, table: str, name: str, value: Any, rule: tuple[type, float, float]) -> None:
        kind, least, greatest = rule
        number = kind in (int, float)
        fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            self._wrong(table, name, f"must be {_WORDS.get(kind, 'a number')}")
        elif kind is bool:
            return
        elif not least <= (value if number else len(value)) <= greatest:
            unit = "" if number else " characters or words long"
            self._wrong(table, name, f"must be {least:g} to {greatest:g}{unit}")
        elif kind is list and not all(isinstance(word, str) and word for word in value):
            self._wrong(table, name, 'must be words in quotes, such as ["nmcli", "radio"]')

    def _with_secrets(self, table: str, checked: dict[str, Any]) -> dict[str, Any]:
        for name in ("key_file", "password_file"):
            given = checked.pop(name, None)
            if isinstance(given, str):
                path = self._path.parent / given
                try:
                    checked[name.removesuffix("_file")] = path.read_text("utf-8").strip()
                except OSError as error:
                    told = f"{path}: {error.strerror}; put the secret alone into that file"
                    self._wrong(table, name, told)
        return checked

    def _check_network(self, network: dict[str, Any] | None) -> None:
        host = network.get("broker_host") if network else None
        if not isinstance(host, str):
            return
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            self._wrong("network", "broker_host", "must be an IPv4 address; see `ip addr`")
            return
        if address.is_loopback or address.is_unspecified:
            told = "is not reachable from a board; give this computer's address from `ip addr`"
            self._wrong("network", "broker_host", told)

    def _check_stimulus(self, stimulus: dict[str, Any] | None) -> None:
        if stimulus is None:
            return
        pins = {name: pin for name, pin in stimulus.items() if name.endswith("_pin")}
        if not pins:
            self._wrong("stimulus", "", f"drives nothing: give {', '.join(_pin_fields())}")
        for name, pin in pins.items():
            if list(pins.values()).count(pin) > 1:
                self._wrong("stimulus", name, f"pin {pin} is given twice")
        if stimulus.get("contact_by") not in _CONTACTS:
            self._wrong("stimulus", "contact_by", f"must be one of {', '.join(_CONTACTS)}")

    def _check_ports(self, found: Mapping[str, dict[str, Any] | None]) -> None:
        users: dict[str, str] = {}
        for table, values in found.items():
            port = values.get("port") if values else None
            if not isinstance(port, str):
                continue
            two_relays = {table, users.get(port, "")} == set(_SWITCHED)
            if port in users and not two_relays:
                self._wrong(table, "port", f"{port} is already that of [{users[port]}]")
            users.setdefault(port, table)

    def _wrong(self, table: str, field: str, told: str) -> None:
        line = self._line(table, field)
        where = f"{table}.{field}" if field else f"[{table}]"
        self._problems.append(f"{self._path}:{line}: {where} {told}")

    def _line(self, table: str, field: str) -> int:
        """The field's line, its table's where the field is not written, else the last one."""
        inside, header = False, 0
        for number, text in enumerate(self._lines, 1):
            if match := re.match(r"\s*\[+\s*([\w-]+)", text):
                inside = match[1] == table
                header = number if inside and not header else header
            elif re.match(rf"\s*{re.escape(table)}\s*=", text) and not header:
                header = number
            if inside and field and re.match(rf"\s*{re.escape(field)}\s*=", text):
                return number
        return header or max(1, len(self._lines))


def _pin_fields() -> list[str]:
    return [name for name in _TABLES["stimulus"] if name.endswith("_pin")]
