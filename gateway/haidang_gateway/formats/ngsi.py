"""Smart Data Models (FIWARE) as NGSI-LD: FloodMonitoring, CrowdFlowObserved, Alert."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Document = Mapping[str, Any]
Entity = dict[str, Any]

CONTEXTS = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Alert/master/context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Environment/master/"
    "context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Transportation/master/"
    "context.jsonld",
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
)
_SEVERITIES = {
    "Unknown": "informational",
    "Minor": "low",
    "Moderate": "medium",
    "Severe": "high",
    "Extreme": "critical",
}
# The data model has no word for a fault of a device; such alarms have no entity.
_CATEGORIES = {
    "fire": ("security", {"suspected": "fireRisk"}, "buildingFire"),
    "flood": ("naturalDisaster", {"suspected": "floodRisk"}, "flood"),
    "crowd": ("security", {}, "crowdRisk"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where a node stands, and its gauge's levels in mm (None where it has none)."""

    node: str
    name: str
    lat: float
    lon: float
    watch_mm: int | None = None
    danger_mm: int | None = None


def entities_of_alarm(document: Document) -> list[Entity]:
    """The Alert of one revision, and for a crowd what was counted; none for a device's fault."""
    if document["hazard"] not in _CATEGORIES:
        return []
    category, by_state, otherwise = _CATEGORIES[document["hazard"]]
    alert: Entity = {
        "id": f"urn:ngsi-ld:Alert:{document['id']}",
        "type": "Alert",
        "name": document["headline"]["en"],
        "alternateName": document["headline"]["vi"],
        "description": f"{document['status']}: {document['state']}, {document['certainty']}",
        "alertSource": f"urn:ngsi-ld:Device:{_gateway(document)}",
        "category": category,
        "subCategory": by_state.get(document["state"], otherwise),
        "severity": _SEVERITIES[document["severity"]],
        "dateIssued": _utc(document["updated"]),
        "validFrom": _utc(document["onset"]),
        "location": _point(document["place"]["lat"], document["place"]["lon"]),
        "data": {
            name: document[name]
            for name in ("rev", "status", "state", "urgency", "certainty", "ack", "evidence")
        },
    }
    if document["cleared"]:
        alert["validTo"] = _utc(document["cleared"])
    return [alert, *_crowd(document)]


def entities_of_pack(pack: Sequence[Document], station: Station) -> list[Entity]:
    """What a resolved SenML pack of a node says about water and about devices that passed."""
    values = {record["n"]: _value(record) for record in pack if "n" in record}
    unix_s = next((record["bt"] for record in reversed(pack) if "bt" in record), None)
    if unix_s is None:
        return []
    at = _iso(datetime.fromtimestamp(float(unix_s), UTC))
    found = [_flood(values, station, at), _footfall(values, station, at)]
    return [entity for entity in found if entity is not None]


def notification(message_id: str, entities: Iterable[Entity], at: str) -> bytes:
    """An NGSI-LD notification (ETSI GS CIM 009, 5.3.1) with the message id in its own id."""
    return json.dumps(
        {
            "id": f"urn:ngsi-ld:Notification:{message_id}",
            "type": "Notification",
            "subscriptionId": f"urn:ngsi-ld:Subscription:{message_id.partition('/')[0]}",
            "notifiedAt": at,
            "data": [{"@context": list(CONTEXTS), **entity} for entity in entities],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def message_id_of(document: Document) -> str:
    """The message id in a notification of ours."""
    return str(document.get("id", "")).removeprefix("urn:ngsi-ld:Notification:")


def _flood(values: Mapping[str, Any], station: Station, at: str) -> Entity | None:
    if "flood/level" not in values and "flood/state" not in values:
        return None
    entity: Entity = {
        **_head("FloodMonitoring", station),
        "stationID": station.node,
        "observationDateTime": at,
    }
    # Millimetres become metres, as gauges of rivers are read.
    for name, value_mm in (
        ("currentLevel", values.get("flood/level")),
        ("alertLevel", station.watch_mm),
        ("dangerLevel", station.danger_mm),
    ):
        if value_mm is not None:
            entity[name] = value_mm / 1000
    if "flood/state" in values:
        entity["floodLevelStatus"] = values["flood/state"]
    return entity


def _footfall(values: Mapping[str, Any], station: Station, at: str) -> Entity | None:
    if "footfall/devices" not in values:
        return None
    # Radios are no people: their number has a name of its own, peopleCount stays absent.
    return {
        **_head("CrowdFlowObserved", station),
        "description": "devices heard by radio, not people",
        "dateObserved": at,
        "deviceCount": values["footfall/devices"],
        **{
            name: values[key]
            for name, key in (
                ("deviceCountLow", "footfall/low"),
                ("deviceCountHigh", "footfall/high"),
            )
            if key in values
        },
    }


def _crowd(document: Document) -> list[Entity]:
    counts = [one for one in document["evidence"] if one.get("name") == "crowd/count"]
    if document["hazard"] != "crowd" or not counts:
        return []
    place, newest = document["place"], max(counts, key=lambda one: str(one["time"]))
    return [
        {
            "id": f"urn:ngsi-ld:CrowdFlowObserved:{place['id']}",
            "type": "CrowdFlowObserved",
            "name": place["name"],
            "location": _point(place["lat"], place["lon"]),
            "dateObserved": _utc(newest["time"]),
            "peopleCount": max(0, round(newest["value"])),
            "congested": document["state"] in ("suspected", "confirmed"),
        }
    ]


def _head(kind: str, station: Station) -> Entity:
    return {
        "id": f"urn:ngsi-ld:{kind}:{station.node}",
        "type": kind,
        "name": station.name,
        "location": _point(station.lat, station.lon),
    }


def _point(lat: float, lon: float) -> Entity:
    return {"type": "Point", "coordinates": [lon, lat]}


def _value(record: Document) -> Any:
    return next((record[key] for key in ("v", "vs", "vb") if key in record), None)


def _gateway(document: Document) -> str:
    """gw-01 of gw-01-5f3a9c1e-0007."""
    return str(document["id"]).rsplit("-", 2)[0]


def _utc(moment: str) -> str:
    return _iso(datetime.fromisoformat(moment).astimezone(UTC))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
