"""Official flood levels (báo động I, II, III) as signed data: written, checked, looked up."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from haidang_gateway.errors import LevelsError
from haidang_gateway.site import Edition, Level

VERSION = 1
_MARK = b"ed25519"
# Names and CAP severities of báo động I, II, III (Decision 05/2020/QD-TTg, article 3).
STEPS = (("watch", "Moderate"), ("warning", "Severe"), ("danger", "Extreme"))
_LONGEST_BYTES = 1024 * 1024
_RANGE_MM = (-1_000_000, 10_000_000)
_SIGN = "sign it with `haidang-gateway levels sign`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One gauging station's levels, mm above its datum."""

    id: str
    name: str
    datum: str
    levels_mm: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision's levels for its stations, in force from midnight of `valid_from` on."""

    document: str
    valid_from: date
    stations: tuple[Station, ...]


def signed(text: bytes, key: Ed25519PrivateKey) -> bytes:
    """The file with its signature: the last line covers every byte before it."""
    body = text if text.endswith(b"\n") else text + b"\n"
    decision_of(body)
    public = key.public_key()
    signature = base64.b64encode(key.sign(body))
    return body + b" ".join((_MARK, key_id(public).encode(), signature)) + b"\n"


def verified(data: bytes, keys: Iterable[Ed25519PublicKey]) -> Decision:
    """The decision in a signed file; LevelsError says why it is not to be believed."""
    if len(data) > _LONGEST_BYTES:
        raise LevelsError("the file is larger than 1 MB; it holds no levels")
    body, _, last = data.rstrip(b"\n").rpartition(b"\n")
    parts = last.split(b" ")
    if len(parts) != 3 or parts[0] != _MARK:
        raise LevelsError(f"the file is not signed; {_SIGN}")
    trusted = {key_id(key): key for key in keys}
    name = parts[1].decode("ascii", "replace")
    if name not in trusted:
        known = ", ".join(trusted) or "none"
        raise LevelsError(
            f"the file is signed with key {name}, which is not trusted here (trusted: {known}); "
            "name the office's public key in [levels] keys"
        )
    try:
        trusted[name].verify(base64.b64decode(parts[2], validate=True), body + b"\n")
    except (InvalidSignature, binascii.Error) as error:
        raise LevelsError(
            "the signature is wrong: the file was changed after it was signed; get it anew"
        ) from error
    return decision_of(body)


def key_id(key: Ed25519PublicKey) -> str:
    """How a public key is named: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """LevelsError unless it is an unencrypted Ed25519 key in PEM."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise LevelsError(f"{path} is not a private key in PEM; see `levels keygen`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise LevelsError(f"{path} is not an Ed25519 key; make one with `levels keygen`")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """LevelsError unless it is an Ed25519 public key in PEM."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise LevelsError(f"{path} is not a public key in PEM; copy the office's again") from error
    if not isinstance(key, Ed25519PublicKey):
        raise LevelsError(f"{path} is not an Ed25519 key; ask the office for the right one")
    return key


def decision_of(body: bytes) -> Decision:
    """The checked content; LevelsError names the first field that is wrong."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise LevelsError(f"the levels are not readable JSON: {error}") from error
    if not isinstance(document, dict) or document.get("haidang_levels") != VERSION:
        raise LevelsError(f'"haidang_levels" must be {VERSION}')
    stations = document.get("stations")
    if not isinstance(stations, list) or not stations:
        raise LevelsError('"stations" must be a list of at least one station')
    found = tuple(_station(station, number) for number, station in enumerate(stations, start=1))
    if len({station.id for station in found}) != len(found):
        raise LevelsError("a station is given twice; remove one")
    return Decision(
        document=_text(document, "document", ""),
        valid_from=_date(document),
        stations=found,
    )


def editions(
    decisions: Sequence[Decision], station: str, zero_mm: int, zone: ZoneInfo
) -> tuple[Edition, ...]:
    """The levels of a station over time, mm above the zero of its gauge.

    `zero_mm` is the height of that zero above the station's datum.
    """
    return tuple(
        Edition(
            levels=tuple(
                Level(name=name, mm=mm - zero_mm, severity=severity)
                for (name, severity), mm in zip(STEPS, found.levels_mm, strict=True)
            ),
            from_ms=round(datetime.combine(d.valid_from, time(), zone).timestamp() * 1000),
            document=d.document,
        )
        for d in decisions
        for found in d.stations
        if found.id == station
    )


def _station(station: Any, number: int) -> Station:
    where = f"station {number}: "
    if not isinstance(station, dict):
        raise LevelsError(f"{where}write it as an object with id, name, datum and levels_mm")
    return Station(
        id=_text(station, "id", where),
        name=_text(station, "name", where),
        datum=_text(station, "datum", where),
        levels_mm=_levels(station.get("levels_mm"), where),
    )


def _levels(levels: Any, where: str) -> tuple[int, int, int]:
    low, high = _RANGE_MM
    if (
        isinstance(levels, list)
        and len(levels) == 3
        and all(type(mm) is int and low <= mm <= high for mm in levels)
        and levels[0] < levels[1] < levels[2]
    ):
        return levels[0], levels[1], levels[2]
    raise LevelsError(f'{where}"levels_mm" must be three rising whole numbers')


def _text(fields: dict[str, Any], name: str, where: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 120:
        raise LevelsError(f'{where}"{name}" must be a text of 1 to 120 characters')
    return value


def _date(fields: dict[str, Any]) -> date:
    try:
        return date.fromisoformat(fields.get("valid_from", ""))
    except (ValueError, TypeError) as error:
        raise LevelsError('"valid_from" must be a day such as "2020-03-15"') from error
