"""What the stand-in centre reads besides JSON: CAP 1.2, NGSI-LD notifications, zlib."""

import re
import xml.etree.ElementTree as ET
import zlib
from datetime import datetime
from typing import Any

Document = dict[str, Any]

_CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
_MOST_BYTES = 4 * 1024 * 1024
_ZLIB = b"\x78"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_NAME = re.compile(r"[^\s,<&]+")
_KINDS = ("Alert", "Update", "Cancel")
_STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
_HEAD = ("identifier", "sender", "sent", "status", "msgType", "scope")
_INFO = ("language", "category", "event", "urgency", "severity", "certainty", "headline")
_ENTITIES = ("Alert", "FloodMonitoring", "CrowdFlowObserved")
_NOTIFICATION = "urn:ngsi-ld:Notification:"


def inflated(payload: bytes) -> bytes:
    """The payload itself, or what it holds in the zlib format; ValueError beyond 4 MiB."""
    if payload[:1] != _ZLIB:
        return payload
    unpacker = zlib.decompressobj()
    try:
        whole = unpacker.decompress(payload, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"cannot be inflated: {error}") from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("is cut short or larger than 4 MiB when inflated")
    return whole


def cap_of(payload: bytes) -> Document:
    """A CAP alert as a flat document with the message id; ValueError for what is none."""
    # An entity could blow up to any size.
    if b"<!" in payload:
        raise ValueError("cap: a document type or comment is refused")
    try:
        alert = ET.fromstring(payload.decode())  # noqa: S314 (no entity can be declared)
    except ET.ParseError as error:
        raise ValueError(f"cap: is not XML: {error}") from error
    if alert.tag != f"{_CAP}alert":
        raise ValueError(f"cap: the root is {alert.tag}")
    document: Document = {name: _text(alert, name) for name in _HEAD}
    document["references"] = (alert.findtext(f"{_CAP}references") or "").split()
    _check_head(document)
    document["info"] = [_info(info) for info in alert.iterfind(f"{_CAP}info")]
    if not document["info"]:
        raise ValueError("cap: has no info block")
    document["id"] = document["info"][0]["parameters"].get("haidang:message", "")
    return document


def ngsi_of(document: Any) -> Document:
    """A checked NGSI-LD notification with the message id; ValueError for what is none."""
    if not isinstance(document, dict) or document.get("type") != "Notification":
        raise ValueError("ngsi: is not a notification")
    name, data = document.get("id"), document.get("data")
    if not isinstance(name, str) or not name.startswith(_NOTIFICATION):
        raise ValueError("ngsi.id: is not that of a notification")
    if not isinstance(data, list) or not data:
        raise ValueError("ngsi.data: holds no entities")
    for entity in data:
        if not isinstance(entity, dict) or entity.get("type") not in _ENTITIES:
            raise ValueError("ngsi.data: holds an entity of an unknown type")
        if not str(entity.get("id")).startswith(f"urn:ngsi-ld:{entity['type']}:"):
            raise ValueError(f"ngsi.data: {entity.get('id')} is not the id of {entity['type']}")
    return {**document, "id": name.removeprefix(_NOTIFICATION)}


def _check_head(document: Document) -> None:
    for name, known in (("status", _STATUSES), ("msgType", _KINDS)):
        if document[name] not in known:
            raise ValueError(f"cap.{name}: {document[name]!r} is not one of {', '.join(known)}")
    if not _TIME.fullmatch(document["sent"]):
        raise ValueError(f"cap.sent: {document['sent']!r} is not a time with an offset")
    datetime.fromisoformat(document["sent"])
    if not _NAME.fullmatch(document["identifier"]):
        raise ValueError(f"cap.identifier: {document['identifier']!r} is not a name")
    if (document["msgType"] == "Alert") != (not document["references"]):
        raise ValueError("cap.references: an Alert has none, an Update or a Cancel has some")
    for reference in document["references"]:
        sender, _, rest = reference.partition(",")
        name, _, sent = rest.partition(",")
        if not (sender and name and _TIME.fullmatch(sent)):
            raise ValueError(f"cap.references: {reference!r} is not sender,identifier,sent")


def _info(info: ET.Element) -> Document:
    found: Document = {name: _text(info, name) for name in _INFO}
    found["parameters"] = {
        _text(pair, "valueName"): _text(pair, "value")
        for pair in info.iterfind(f"{_CAP}parameter")
    }
    return found


def _text(parent: ET.Element, name: str) -> str:
    text = parent.findtext(f"{_CAP}{name}")
    if text is None:
        raise ValueError(f"cap.{name}: is missing")
    return text
