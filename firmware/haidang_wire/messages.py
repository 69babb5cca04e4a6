"""The contract's JSON messages: check, encode, decode."""

from haidang_wire.words import (  # noqa: F401 (the contract's words are offered here)
    ALARM_STATES,
    CENTRE_COMMANDS,
    CERTAINTIES,
    EVIDENCE_KINDS,
    FLOOD_STATES,
    FOOTFALL_SOURCES,
    HAZARDS,
    NODE_COMMANDS,
    SENSOR_HEALTH,
    SENSORS,
    SEVERITIES,
    SMOKE_STATES,
    STATUSES,
    URGENCIES,
)


def check(kind: str, doc: dict) -> None:
    """MessageError naming the first field that breaks the contract."""
    raise NotImplementedError


def encode(kind: str, doc: dict) -> bytes:
    """Checked compact JSON, fields in the table's order."""
    raise NotImplementedError


def decode(kind: str, data: bytes) -> dict:
    """The checked message; unknown fields are kept. MessageError, NewerVersion."""
    raise NotImplementedError


def wrap_alarm(message_id: str, document: bytes) -> bytes:
    """The alarm_message around a stored revision, whose bytes stay as they are."""
    raise NotImplementedError


def unwrap_alarm(data: bytes) -> tuple[str, bytes]:
    """Message id and the exact bytes of the revision (what `prev` is the hash of)."""
    raise NotImplementedError
