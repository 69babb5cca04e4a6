"""Alarm revisions as Common Alerting Protocol 1.2 (OASIS, 2010): one XML message each."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin
from typing import Any, Literal

from haidang_gateway.formats.cap_text import EVENTS, INSTRUCTIONS, STATES, described

Document = Mapping[str, Any]
Scope = Literal["Public", "Restricted", "Private"]
Area = Literal["circle", "polygon"]

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
# The parameter that holds the message id, which the destination acknowledges.
MESSAGE = "haidang:message"
SCOPES: tuple[Scope, ...] = ("Public", "Restricted", "Private")
AREAS: tuple[Area, ...] = ("circle", "polygon")
_CATEGORIES = {"fire": "Fire", "flood": "Met", "crowd": "Safety", "device": "Infra"}
# Event codes of SAME (47 CFR 11.31), which warning systems of other makers know.
_SAME = {"fire": "FRW", "flood": "FLW", "crowd": "CEM"}
_RESPONSES = {"fire": "Evacuate", "flood": "Avoid", "crowd": "Avoid", "device": "Assess"}
_ENDED = ("cleared", "dismissed")
_LANGUAGES = {"vi": "vi-VN", "en": "en-US"}
_CORNERS = 16
# WGS 84, mean of the two axes' degrees; good to 0.6 % at the size of a place.
_DEGREE_M = 111_320.0
# XML 1.0 cannot say these, escaped or not.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# CAP 1.2, section 3.2.1: identifier and sender hold none of these.
_NO_NAME = re.compile(r"[\s,<&]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapSettings:
    """How this gateway speaks CAP: `sender` identifies it world-wide, `name` is for readers.

    A scope of "Restricted" names in `restriction` who may see it, "Private" in `addresses`.
    """

    sender: str
    name: str = "Haidang"
    scope: Scope = "Restricted"
    restriction: str = "Operations centres and emergency services"
    addresses: str = ""
    area: Area = "circle"


def message_of(
    document: Document, earlier: Sequence[Document], settings: CapSettings, message_id: str
) -> bytes:
    """One revision as XML; `earlier` are the revisions that this destination had before it.

    The first is an Alert, later ones are Updates, the end is a Cancel; both refer to all that
    came before. Times have no fractions of seconds, as the standard wants.
    """
    alert = ET.Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", identifier(document))
    _add(alert, "sender", _name(settings.sender))
    _add(alert, "sent", _second(document["updated"]))
    _add(alert, "status", document["status"])
    _add(alert, "msgType", _kind(document, earlier))
    _add(alert, "source", _plain(settings.name))
    _add(alert, "scope", settings.scope)
    if settings.scope == "Restricted":
        _add(alert, "restriction", settings.restriction)
    if settings.scope == "Private":
        _add(alert, "addresses", settings.addresses)
    _add(alert, "code", "haidang:1")
    if note := _note(document):
        _add(alert, "note", note)
    if earlier:
        _add(alert, "references", " ".join(_reference(one, settings) for one in earlier))
    _add(alert, "incidents", _name(document["id"]))
    for key in _LANGUAGES:
        _info(alert, document, settings, key, message_id)
    return bytes(ET.tostring(alert, encoding="utf-8", xml_declaration=True))


def identifier(document: Document) -> str:
    """CAP's identifier of a revision: alarm id and revision number."""
    return f"{_name(document['id'])}.{document['rev']}"


def renamed(payload: bytes, epoch: str, seq: int) -> bytes:
    """The same message under another id of its gateway, as after a restored database."""
    pattern = rb"(<valueName>%s</valueName><value>[^/<]*)/[^<]*" % MESSAGE.encode()
    return re.sub(pattern, rb"\g<1>/%s/%d" % (epoch.encode(), seq), payload)


def message_id_of(payload: bytes) -> str:
    """The message id in a CAP message of ours, empty where there is none."""
    pattern = rb"<valueName>%s</valueName><value>([^<]*)</value>" % MESSAGE.encode()
    found = re.search(pattern, payload)
    return found.group(1).decode() if found else ""


def _info(
    alert: ET.Element, document: Document, settings: CapSettings, key: str, message_id: str
) -> None:
    hazard, ended = document["hazard"], document["state"] in _ENDED
    info = ET.SubElement(alert, "info")
    _add(info, "language", _LANGUAGES[key])
    _add(info, "category", _CATEGORIES[hazard])
    _add(info, "event", EVENTS[hazard][key])
    _add(info, "responseType", _response(document))
    _add(info, "urgency", "Past" if ended else document["urgency"])
    _add(info, "severity", document["severity"])
    _add(info, "certainty", document["certainty"])
    for name, value in (("haidang:hazard", hazard), ("SAME", _SAME.get(hazard))):
        if value is not None:
            _pair(info, "eventCode", name, value)
    _add(info, "effective", _second(document["updated"]))
    _add(info, "onset", _second(document["onset"]))
    _add(info, "senderName", settings.name)
    _add(info, "headline", document["headline"][key])
    _add(info, "description", described(document, key))
    _add(info, "instruction", INSTRUCTIONS["ended" if ended else hazard][key])
    for name, value in (
        (MESSAGE, message_id),
        ("haidang:alarm", document["id"]),
        ("haidang:revision", str(document["rev"])),
        ("haidang:state", document["state"]),
    ):
        _pair(info, "parameter", name, value)
    _area(info, document["place"], settings.area, key)


def _area(info: ET.Element, place: Mapping[str, Any], kind: Area, key: str) -> None:
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", place["name"] if key == "vi" else place.get("name_en", place["name"]))
    if kind == "circle":
        kilometres = f"{place['radius_m'] / 1000:.3f}"
        _add(area, "circle", f"{place['lat']:.6f},{place['lon']:.6f} {kilometres}")
    else:
        _add(area, "polygon", " ".join(_ring(place)))


def _ring(place: Mapping[str, Any]) -> list[str]:
    """A closed ring of corners around the place, "lat,lon" each."""
    radius_m = max(1.0, place["radius_m"])
    north = radius_m / _DEGREE_M
    # At a pole every longitude is near.
    east = min(180.0, north / max(cos(radians(place["lat"])), 1e-6))
    corners = []
    for corner in range(_CORNERS + 1):
        angle = 2 * pi * (corner % _CORNERS) / _CORNERS
        lat = min(90.0, max(-90.0, place["lat"] + north * cos(angle)))
        lon = (place["lon"] + east * sin(angle) + 180) % 360 - 180
        corners.append(f"{lat:.6f},{lon:.6f}")
    return corners


def _kind(document: Document, earlier: Sequence[Document]) -> str:
    if not earlier:
        return "Alert"
    return "Cancel" if document["state"] in _ENDED else "Update"


def _response(document: Document) -> str:
    if document["state"] in _ENDED:
        return "AllClear"
    return _RESPONSES[document["hazard"]] if document["state"] == "confirmed" else "Monitor"


def _note(document: Document) -> str:
    """CAP wants a note where a message is an exercise or takes another one back."""
    if document["status"] == "Exercise":
        return "DIỄN TẬP / EXERCISE"
    if document["state"] in _ENDED:
        return " / ".join(STATES[document["state"]][key] for key in _LANGUAGES)
    return ""


def _reference(document: Document, settings: CapSettings) -> str:
    return f"{_name(settings.sender)},{identifier(document)},{_second(document['updated'])}"


def _second(moment: str) -> str:
    """An ISO 8601 time of the contract without its fraction, "Z" as an offset."""
    head, offset = moment[:19], moment[19:].lstrip(".0123456789")
    return head + ("+00:00" if offset in ("Z", "z", "") else offset)


def _pair(parent: ET.Element, tag: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, tag)
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = _plain(text)


def _plain(text: str) -> str:
    return _NO_XML.sub("?", text)


def _name(text: str) -> str:
    return _NO_NAME.sub("_", _plain(text))
