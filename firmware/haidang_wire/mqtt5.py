"""The MQTT 5 codec and session of the contract in one place; no sockets, no clock."""

from haidang_wire.decoder import Decoder
from haidang_wire.errors import (
    MalformedPacket,
    MqttError,
    PacketTooLarge,
    ProtocolError,
    Refused,
    WindowFull,
)
from haidang_wire.packets import Disconnect, Pingreq, Pingresp, Puback, Publish, encode
from haidang_wire.packets_opening import Connack, Connect, Suback, Subscribe
from haidang_wire.session import Session
from haidang_wire.session_events import (
    SESSION,
    Acknowledged,
    Closed,
    Connected,
    Message,
    Pong,
    Subscribed,
    Will,
)

__all__ = (
    "SESSION",
    "Acknowledged",
    "Closed",
    "Connack",
    "Connect",
    "Connected",
    "Decoder",
    "Disconnect",
    "MalformedPacket",
    "Message",
    "MqttError",
    "PacketTooLarge",
    "Pingreq",
    "Pingresp",
    "Pong",
    "ProtocolError",
    "Puback",
    "Publish",
    "Refused",
    "Session",
    "Suback",
    "Subscribe",
    "Subscribed",
    "Will",
    "WindowFull",
    "encode",
)
