"""Entities keep the official Smart Data Models schemas."""

import json
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.formats import ngsi
from haidang_wire.document_words import ALARM_STATES, SEVERITIES
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from specimens import alarm_document

_FOLDER = Path(__file__).parents[2] / "golden" / "schemas" / "smart-data-models"
_STATION = ngsi.Station(
    node="n-240ac4000001",
    name="Cầu Hàm Rồng",
    lat=19.84,
    lon=105.79,
    watch_mm=4000,
    danger_mm=6500,
)


@pytest.fixture(scope="module")
def official() -> dict[str, Draft202012Validator]:
    schemas = [json.loads(path.read_bytes()) for path in sorted(_FOLDER.glob("*.json"))]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    return {
        kind: Draft202012Validator(
            json.loads((_FOLDER / f"{kind}.schema.json").read_bytes()),
            registry=registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for kind in ("Alert", "FloodMonitoring", "CrowdFlowObserved")
    }


def _check(official: dict[str, Draft202012Validator], entities: list[ngsi.Entity]) -> list[str]:
    for entity in entities:
        official[entity["type"]].validate(entity)
    return [entity["type"] for entity in entities]


def _alarm(**fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(alarm_document(**fields))
    return document


@pytest.mark.parametrize("state", ALARM_STATES)
@pytest.mark.parametrize("hazard", ["fire", "flood", "crowd"])
def test_every_alarm_of_a_hazard_is_an_alert(
    official: dict[str, Draft202012Validator], hazard: str, state: str
) -> None:
    ended = "2026-11-22T21:00:00.000+07:00" if state in ("cleared", "dismissed") else None
    entities = ngsi.entities_of_alarm(_alarm(hazard=hazard, state=state, cleared=ended))
    assert _check(official, entities) == ["Alert"]
    (alert,) = entities
    assert alert["dateIssued"] == "2026-11-22T13:15:21.250Z"
    assert alert.get("validTo") == ("2026-11-22T14:00:00.000Z" if ended else None)
    assert alert["location"]["coordinates"] == [105.902, 19.742]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_severity_has_a_word(
    official: dict[str, Draft202012Validator], severity: str
) -> None:
    assert _check(official, ngsi.entities_of_alarm(_alarm(severity=severity))) == ["Alert"]


def test_the_schema_refuses_what_it_should(official: dict[str, Draft202012Validator]) -> None:
    (alert,) = ngsi.entities_of_alarm(_alarm())
    assert not official["Alert"].is_valid(alert | {"severity": "Severe"})
    assert not official["Alert"].is_valid(alert | {"location": {"type": "Point"}})


def test_a_fault_of_a_device_has_no_entity() -> None:
    assert ngsi.entities_of_alarm(_alarm(hazard="device")) == []


def test_a_counted_crowd_is_told_as_a_number_of_people(
    official: dict[str, Draft202012Validator],
) -> None:
    evidence = {
        "source": "camera:east",
        "kind": "crowd",
        "name": "crowd/count",
        "value": 412.4,
        "unit": "count",
        "time": "2026-11-22T20:15:21.250+07:00",
    }
    entities = ngsi.entities_of_alarm(_alarm(hazard="crowd", evidence=[evidence]))
    assert _check(official, entities) == ["Alert", "CrowdFlowObserved"]
    assert (entities[1]["peopleCount"], entities[1]["congested"]) == (412, True)


def test_a_gauge_is_told_in_metres_with_its_levels(
    official: dict[str, Draft202012Validator],
) -> None:
    pack = [
        {"bn": "urn:dev:mac:240ac4fffe000001:", "bt": 1764000000.25, "n": "flood/level", "v": 412},
        {"n": "flood/state", "vs": "watch"},
    ]
    entities = ngsi.entities_of_pack(pack, _STATION)
    assert _check(official, entities) == ["FloodMonitoring"]
    (flood,) = entities
    assert (flood["currentLevel"], flood["alertLevel"], flood["dangerLevel"]) == (0.412, 4.0, 6.5)
    assert flood["floodLevelStatus"] == "watch"
    assert flood["observationDateTime"] == "2025-11-24T16:00:00.250Z"


def test_devices_are_never_called_people(official: dict[str, Draft202012Validator]) -> None:
    pack = [
        {"bt": 1764000000, "n": "footfall/devices", "v": 37},
        {"n": "footfall/low", "v": 30},
        {"n": "footfall/high", "v": 44},
    ]
    (crowd,) = ngsi.entities_of_pack(pack, _STATION)
    assert _check(official, [crowd]) == ["CrowdFlowObserved"]
    assert "peopleCount" not in crowd
    assert (crowd["deviceCount"], crowd["deviceCountLow"]) == (37, 30)


def test_readings_without_a_data_model_or_a_time_give_no_entity() -> None:
    assert ngsi.entities_of_pack([{"bt": 1764000000, "n": "smoke/mv", "v": 3}], _STATION) == []
    assert ngsi.entities_of_pack([{"n": "flood/level", "v": 3}], _STATION) == []


def test_a_notification_carries_the_message_id() -> None:
    entities = ngsi.entities_of_alarm(_alarm())
    message = ngsi.notification("gw-01/5f3a9c1e/7", entities, "2026-11-22T13:15:21.250Z")
    document = json.loads(message)
    assert document["type"] == "Notification"
    assert ngsi.message_id_of(document) == "gw-01/5f3a9c1e/7"
    assert document["data"][0]["@context"][-1].startswith("https://uri.etsi.org/ngsi-ld/")
