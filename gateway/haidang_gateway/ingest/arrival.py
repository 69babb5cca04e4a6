"""One message as it came from the gateway's own broker."""

from dataclasses import dataclass, field

from haidang_gateway.model import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A publish that waits for its PUBACK; `session` names the connection it must go back on.

    `connection` counts that session's connections: a PUBACK never crosses a reconnect.
    """

    topic: str
    payload: bytes = field(repr=False)
    lane: Lane
    retained: bool
    packet_id: int
    received_ms: int
    session: str
    connection: int
