"""Alarms for Home Assistant: MQTT discovery and one state for each place, hazard and source."""

import json
import re
from collections.abc import Mapping
from typing import Any

PREFIX = "homeassistant"
_CLASSES = {"fire": "smoke", "flood": "moisture", "crowd": "occupancy", "device": "problem"}
# Letters of a topic and of a unique id there.
_NO_WORD = re.compile(r"[^A-Za-z0-9_-]+")
_OPEN = ("suspected", "confirmed")


def of_alarm(gateway: str, document: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """(topic, payload) of the discovery and the state, both to be retained.

    An exercise raises nothing in anybody's house: it gives no message at all.
    """
    if document["status"] != "Actual":
        return []
    place, hazard = document["place"], document["hazard"]
    name = f"{gateway}-{place['id']}-{hazard}{_source(document)}"
    topic = f"{PREFIX}/binary_sensor/{name}/state"
    discovery = {
        "name": f"{place['name']}: {hazard}",
        "unique_id": name,
        "device_class": _CLASSES[hazard],
        "state_topic": topic,
        "value_template": "{{ value_json.state }}",
        "json_attributes_topic": topic,
        "device": {"identifiers": [gateway], "name": f"Haidang {gateway}"},
    }
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
    """What tells two alarms of one kind at one place apart; there is one fire at a place."""
    if document["hazard"] == "fire" or not document["evidence"]:
        return ""
    return "-" + _NO_WORD.sub("-", document["evidence"][0]["source"])


def _written(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
