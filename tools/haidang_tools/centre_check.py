"""What the stand-in centre makes of one arriving message: a judgement, without network or disk."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from haidang_wire import topics
from haidang_wire.documents import message_id, unwrap_alarm
from haidang_wire.errors import WireError
from jsonschema_rs import Draft202012Validator

from haidang_tools.centre_formats import cap_of, inflated, ngsi_of
from haidang_tools.errors import ToolError

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schema"

Kind = Literal["alarm", "data", "reply", "status", "cap", "ngsi"]

# Kind of topic: (kind of message, its schema's file)
_MESSAGES: dict[str, tuple[Kind, str]] = {
    "alarm": ("alarm", "alarm_message"),
    "data": ("data", "data_message"),
    "reply": ("reply", "centre_reply"),
    "status": ("status", "gateway_status"),
}
# Formats of others have no schema of ours.
_FORMATS: tuple[Kind, ...] = ("cap", "ngsi")
# The centre's own words come back to it when another centre speaks.
_NOT_FOR_US = ("ack", "cmd")
_REASON_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of an alarm; hashes as `sha256:<hex>`, `prev` None for the first."""

    alarm_id: str
    rev: int
    prev: str | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that keeps the contract; a status has no number (`seq` 0) and no ledger entry."""

    kind: Kind
    gateway: str
    epoch: str
    seq: int
    topic: str
    payload: bytes
    received_ms: int
    document: Mapping[str, Any]
    revision: Revision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message that breaks the contract; `number` where its id can still be read."""

    topic: str
    payload: bytes
    received_ms: int
    reason: str
    number: tuple[str, str, int] | None


class Checker:
    """Judges messages by the published JSON Schemas."""

    def __init__(self, folder: Path = SCHEMAS) -> None:
        """Keep the folder; `load` reads it."""
        self._folder = folder
        self._validators: dict[str, Draft202012Validator] = {}

    def load(self) -> None:
        """Read the schemas; ToolError when one is missing or damaged."""
        for _kind, name in _MESSAGES.values():
            path = self._folder / f"{name}.json"
            try:
                schema = json.loads(path.read_bytes())
            except (OSError, ValueError) as error:
                message = f"{path}: {error}; `make schema` writes the schemas anew"
                raise ToolError(message) from error
            self._validators[name] = Draft202012Validator(schema, validate_formats=True)

    def judge(self, topic: str, payload: bytes, received_ms: int) -> Message | Refusal | None:
        """The message, or why it is refused; None for what is not meant for a centre."""
        document: Any = None
        try:
            parsed = topics.parse(topic)
            if parsed.kind in _NOT_FOR_US:
                return None
            # What it holds is what counts: two libraries deflate the same text differently.
            payload = inflated(payload)
            document = _read(parsed.kind, payload)
            if parsed.kind in _FORMATS:
                return _foreign(parsed, topic, payload, received_ms, document)
            return self._message(parsed, topic, payload, received_ms, document)
        except (WireError, ValueError, RecursionError) as error:
            return Refusal(
                topic=topic,
                payload=payload,
                received_ms=received_ms,
                reason=str(error)[:_REASON_LIMIT],
                number=_number_of(document, topic),
            )

    def _message(
        self, parsed: topics.Topic, topic: str, payload: bytes, received_ms: int, document: Any
    ) -> Message:
        kind, schema = _MESSAGES[parsed.kind]
        worst = next(iter(self._validators[schema].iter_errors(document)), None)
        if worst is not None:
            raise ValueError(f"{schema}{_path(worst.instance_path)}: {worst.message}")
        number = ("", "", 0) if kind == "status" else _number_of(document, topic)
        if number is None:
            raise ValueError(f"{schema}.id: {document['id']} is not an id of this topic's gateway")
        return Message(
            kind=kind,
            gateway=parsed.owner,
            epoch=number[1],
            seq=number[2],
            topic=topic,
            payload=payload,
            received_ms=received_ms,
            document=document,
            revision=_revision(parsed, payload, document) if kind == "alarm" else None,
        )


def _read(kind: str, payload: bytes) -> Any:
    if kind == "cap":
        return cap_of(payload)
    document = json.loads(payload.decode(), parse_constant=_refuse_constant)
    return ngsi_of(document) if kind == "ngsi" else document


def _foreign(
    parsed: topics.Topic, topic: str, payload: bytes, received_ms: int, document: Any
) -> Message:
    """A message in a format of others, which its reader has checked."""
    number = _number_of(document, topic)
    if number is None:
        raise ValueError(f"{parsed.kind}: {document['id']!r} is not an id of this topic's gateway")
    return Message(
        kind="cap" if parsed.kind == "cap" else "ngsi",
        gateway=parsed.owner,
        epoch=number[1],
        seq=number[2],
        topic=topic,
        payload=payload,
        received_ms=received_ms,
        document=document,
    )


def _revision(parsed: topics.Topic, payload: bytes, document: Mapping[str, Any]) -> Revision:
    alarm = document["alarm"]
    if alarm["id"] != parsed.item:
        raise ValueError(f"alarm.id: {alarm['id']} came on the topic of {parsed.item}")
    if (alarm["rev"] == 1) != (alarm["prev"] is None):
        raise ValueError("alarm.prev: only the first revision has none")
    _id, exact = unwrap_alarm(payload)
    return Revision(
        alarm_id=alarm["id"],
        rev=alarm["rev"],
        prev=alarm["prev"],
        sha256=f"sha256:{hashlib.sha256(exact).hexdigest()}",
    )


def _number_of(document: Any, topic: str) -> tuple[str, str, int] | None:
    """Gateway, epoch and sequence of a message's id, if it belongs to the topic's gateway."""
    text = document.get("id") if isinstance(document, dict) else None
    if not isinstance(text, str) or not message_id(text):
        return None
    gateway, epoch, seq = text.split("/")
    return (gateway, epoch, int(seq)) if topic.startswith(f"hd/1/g/{gateway}/") else None


def _path(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
