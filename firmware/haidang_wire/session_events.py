"""Session rules of the contract and what a session reports; a node forgets it once connected."""

from collections import namedtuple

from haidang_wire.session import Acknowledged, Message, Pong

__all__ = (
    "SESSION",
    "Acknowledged",
    "Closed",
    "Connected",
    "Message",
    "Pong",
    "Subscribed",
    "Will",
)

SESSION = {
    "keepalive_s": 30,
    "session_expiry_s": 3600,
    "receive_maximum": 16,
    "maximum_packet_bytes": 2048,
    "will_delay_s": 10,
    "window": 32,
    "alarm_places": 8,
    "resend_ms": 2000,
    "resend_cap_ms": 60000,
}

Connected = namedtuple(
    "Connected",
    (
        "session_present",
        "receive_maximum",
        "keepalive_s",
        "maximum_qos",
        "retain_available",
        "maximum_packet_bytes",
        "client_id",
    ),
)
Subscribed = namedtuple("Subscribed", ("packet_id", "reasons"))
Closed = namedtuple("Closed", ("reason",))
Will = namedtuple("Will", ("topic", "payload", "qos", "retain", "delay_s"))
