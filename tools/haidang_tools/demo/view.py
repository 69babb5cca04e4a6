"""What the demo's screen shows, gathered from the messages that reached the centre; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from haidang_wire import topics

_SHOWN = ("smoke/ratio", "smoke/mv", "flood/level", "flood/rate", "footfall/devices")


@dataclass(slots=True)
class NodeRow:
    """One node as the centre knows it: last values by SenML name, and the epochs it has lived."""

    node: str
    values: dict[str, str] = field(default_factory=dict)
    epochs: set[str] = field(default_factory=set)
    packs: int = 0
    heard_ms: int = 0


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm revision as it arrived; `delay_ms` counts from the node's or camera's decision."""

    alarm_id: str
    rev: int
    hazard: str
    state: str
    severity: str
    certainty: str
    headline_vi: str
    headline_en: str
    decided_ms: int
    received_ms: int

    @property
    def delay_ms(self) -> int:
        """Milliseconds from the decision to the arrival at the centre."""
        return self.received_ms - self.decided_ms


@dataclass(slots=True)
class CityView:
    """Everything on the screen; `message` folds one arrival into it."""

    nodes: dict[str, NodeRow] = field(default_factory=dict)
    alarms: list[AlarmRow] = field(default_factory=list)
    gateway: dict[str, Any] = field(default_factory=dict)
    packs: int = 0

    def message(self, kind: str, document: Mapping[str, Any], received_ms: int) -> None:
        """Takes one message of a gateway, of `kind` alarm, data or status."""
        if kind == "alarm":
            self.alarms.append(_alarm_row(document["alarm"], received_ms))
        elif kind == "data":
            for pack in document["packs"]:
                self._pack(pack, received_ms)
        elif kind == "status":
            self.gateway = dict(document)

    def _pack(self, records: list[dict[str, Any]], received_ms: int) -> None:
        node = topics.node_of_base_name(records[0]["bn"])
        row = self.nodes.setdefault(node, NodeRow(node))
        row.epochs.add(records[0]["he"])
        row.packs += 1
        row.heard_ms = received_ms
        self.packs += 1
        for record in records:
            name = record.get("n", "")
            if name in _SHOWN:
                row.values[name] = _with_unit(record)
            elif name.endswith(("/state", "/health")):
                row.values[name] = str(record.get("vs", ""))


def unix_ms(iso: str) -> int:
    """Unix milliseconds of an ISO 8601 time with offset."""
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def _alarm_row(alarm: Mapping[str, Any], received_ms: int) -> AlarmRow:
    return AlarmRow(
        alarm_id=alarm["id"],
        rev=alarm["rev"],
        hazard=alarm["hazard"],
        state=alarm["state"],
        severity=alarm["severity"],
        certainty=alarm["certainty"],
        headline_vi=alarm["headline"]["vi"],
        headline_en=alarm["headline"]["en"],
        decided_ms=unix_ms(alarm["updated"]),
        received_ms=received_ms,
    )


def _with_unit(record: Mapping[str, Any]) -> str:
    unit = record.get("u", "")
    return f"{record.get('v', '')} {unit}".rstrip(" /")
