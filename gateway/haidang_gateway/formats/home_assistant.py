"""Alarms for Home Assistant: MQTT discovery and one state for each place, hazard and source.

Keys and classes are those of its documentation (integrations "mqtt" and "binary_sensor.mqtt").
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from haidang_wire.topics import gateway_topic

from haidang_gateway.formats.cap_text import EVENTS

PREFIX = "homeassistant"
_CLASSES = {"fire": "smoke", "flood": "moisture", "crowd": "occupancy", "device": "problem"}
# Letters of a topic and of a unique id there.
_NO_WORD = re.compile(r"[^A-Za-z0-9_-]+")
_OPEN = ("suspected", "confirmed")
_REPORTS = "report"
_REPORTS_VI = "tin báo"


def of_alarm(gateway: str, document: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """(topic, payload) of the discovery and the state, both to be retained.

    An exercise raises nothing in anybody's house: it gives no message at all.
    """
    if document["status"] != "Actual":
        return []
    place, hazard = document["place"], document["hazard"]
    source = _source(document)
    shown = _REPORTS_VI if source == _REPORTS else source
    name = "-".join(filter(None, (gateway, place["id"], hazard, _NO_WORD.sub("-", source))))
    topic = f"{PREFIX}/binary_sensor/{name}/state"
    discovery = {
        "name": f"{place['name']}: {EVENTS[hazard]['vi']}" + (f" ({shown})" if source else ""),
        "unique_id": name,
        "device_class": _CLASSES[hazard],
        "state_topic": topic,
        "value_template": "{{ value_json.state }}",
        "json_attributes_topic": topic,
        # The gateway's retained status, whose last will says offline: what nobody watches any
        # more is unavailable, never "clear".
        "availability_topic": gateway_topic(gateway, "status"),
        "availability_template": "{{ value_json.state }}",
        "qos": 1,
        "device": {
            "identifiers": [gateway],
            "name": f"Haidang {gateway}",
            "manufacturer": "Haidang",
        },
        "origin": {"name": "Haidang"},
    }
    if hazard == "device":
        discovery["entity_category"] = "diagnostic"
    state = {
        "state": "ON" if document["state"] in _OPEN else "OFF",
        "alarm": document["id"],
        "rev": document["rev"],
        "severity": document["severity"],
        "certainty": document["certainty"],
        "headline": document["headline"]["vi"],
        "headline_en": document["headline"]["en"],
        "updated": document["updated"],
    }
    config = f"{PREFIX}/binary_sensor/{name}/config"
    return [(config, _written(discovery)), (topic, _written(state))]


def is_retained(topic: str) -> bool:
    """Whether Home Assistant must find a topic's message when it starts later."""
    return topic.startswith(f"{PREFIX}/")


def _source(document: Mapping[str, Any]) -> str:
    """What tells two alarms of one kind at one place apart; there is one fire at a place.

    The first item of evidence stays the same through all revisions. A device may be silent and
    have a fault of each sensor, which are alarms of their own; what people report is one alarm,
    whoever they are, and every ticket's number would be an entity for ever.
    """
    if document["hazard"] == "fire" or not document["evidence"]:
        return ""
    first = document["evidence"][0]
    if first["kind"] == _REPORTS:
        return _REPORTS
    fault = f" {first['name']}" if document["hazard"] == "device" and "name" in first else ""
    return f"{first['source']}{fault}"


def _written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
