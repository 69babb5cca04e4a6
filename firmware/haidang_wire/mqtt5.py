"""Sans-IO MQTT 5 client session: bytes and times in, bytes and events out."""

from collections import namedtuple

from haidang_wire.errors import (  # noqa: F401 (offered here)
    MalformedPacket,
    PacketTooLarge,
    ProtocolError,
    Refused,
    WindowFull,
)
from haidang_wire.packets import (  # noqa: F401 (offered here)
    Connack,
    Connect,
    Disconnect,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Will,
)

SESSION = {
    "keepalive_s": 30,
    "session_expiry_s": 3600,
    "receive_maximum": 16,
    "maximum_packet_bytes": 8192,
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
Message = namedtuple("Message", ("topic", "payload", "qos", "retain", "packet_id"))
Acknowledged = namedtuple("Acknowledged", ("packet_id", "reason"))
Subscribed = namedtuple("Subscribed", ("packet_id", "reasons"))
Pong = namedtuple("Pong", ())
Closed = namedtuple("Closed", ("reason",))


class Decoder:
    """Bytes in any pieces to packets."""

    def __init__(self, maximum_packet_bytes: int) -> None:
        self._maximum_packet_bytes = maximum_packet_bytes

    def feed(self, data: bytes) -> None:
        """Take received bytes."""
        raise NotImplementedError

    def next(self) -> "object | None":
        """The next whole packet, or None."""
        raise NotImplementedError


def encode(packet: object) -> bytes:
    """The bytes of any packet of this module."""
    raise NotImplementedError


class Session:
    """One connection's MQTT state; a reconnect makes a new one."""

    def __init__(
        self,
        client_id: str,
        keepalive_s: int = 30,
        clean_start: bool = False,
        session_expiry_s: int = 3600,
        receive_maximum: int = 16,
        maximum_packet_bytes: int = 8192,
        will: "Will | None" = None,
        username: "str | None" = None,
    ) -> None:
        pass

    @property
    def can_publish(self) -> bool:
        """Whether the server takes another QoS 1 publish now."""
        raise NotImplementedError

    def connect(self) -> bytes:
        """CONNECT."""
        raise NotImplementedError

    def receive(self, data: bytes) -> list:
        """Events in received bytes; MqttError ends the connection."""
        raise NotImplementedError

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int = 1,
        retain: bool = False,
        expiry_s: "int | None" = None,
    ) -> tuple[int, bytes]:
        """Packet id (0 for QoS 0) and bytes; WindowFull, PacketTooLarge."""
        raise NotImplementedError

    def acknowledge(self, packet_id: int, reason: int = 0) -> bytes:
        """PUBACK for an incoming QoS 1 message, after its commit."""
        raise NotImplementedError

    def subscribe(
        self, filters: "list[str]", qos: int = 1, no_local: bool = False, retain_handling: int = 0
    ) -> tuple[int, bytes]:
        """Packet id and SUBSCRIBE."""
        raise NotImplementedError

    def ping(self, now_ms: int) -> "bytes | None":
        """PINGREQ when due; ProtocolError when the answer is overdue."""
        raise NotImplementedError

    def sent(self, now_ms: int) -> None:
        """Note that bytes were sent."""
        raise NotImplementedError

    def disconnect(self, reason: int = 0) -> bytes:
        """DISCONNECT."""
        raise NotImplementedError
