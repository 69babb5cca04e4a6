"""The contract's MQTT 5 session, for whoever gets thousands of publishes a second."""

import struct
from collections.abc import Iterable
from typing import Any

from haidang_wire.mqtt5 import Message, Session

# First bytes of a PUBLISH with QoS 1; and PUBACK's, with its length and without a reason.
_PUBLISHES = b"\x32\x33\x3a\x3b"
_PUBACK = 0x4002
_puback = struct.Struct(">HH").pack
PUBACK_BYTES = 4
# The length of a packet's rest: seven bits a byte, the eighth says that one more follows.
_MORE = 0x80
_LEAST_PUBLISH = 5
# Every node has a handful of topics; on one more a publish is read with more care.
_MOST_TOPICS = 50_000

Received = tuple[list[Message], list[Any]]
"""Publishes, and the other events; both in their order."""


class QuickSession(Session):
    """Gives for any bytes the events that `receive` gives, and refuses the same.

    What it does itself are publishes with QoS 1 and without properties on topics that the session
    has looked at once. All other packets are left to it, one by one.
    """

    def __init__(self, client_id: str, *, maximum_packet_bytes: int, **options: Any) -> None:
        """Options: those of the session."""
        super().__init__(client_id, maximum_packet_bytes=maximum_packet_bytes, **options)
        self._maximum_bytes = maximum_packet_bytes
        self._topics: dict[bytes, str] = {}
        # The beginning of a packet; nothing once the session reads alone.
        self._rest = b""
        self._reads_alone = False

    def take(self, data: bytes) -> Received:
        """What is in received bytes; MqttError ends the connection."""
        messages: list[Message] = []
        others: list[Any] = []
        buffer = self._rest + data
        at, size = 0, len(buffer)
        while at + 1 < size and not self._reads_alone:
            body, length = at + 2, buffer[at + 1]
            if length >= _MORE:
                if body == size:
                    break
                high = buffer[body]
                # Longer than our packets, or no length at all.
                self._reads_alone = not 0 < high < _MORE
                body, length = body + 1, length - _MORE + high * _MORE
            end = body + length
            self._reads_alone |= end - at > self._maximum_bytes
            if end > size or self._reads_alone:
                break
            message = self._publish_in(buffer, at, body, end)
            if message is None:
                self._look_at(buffer[at:end], messages, others)
            else:
                messages.append(message)
            at = end
        self._rest = buffer[at:]
        if self._reads_alone:
            self._look_at(self._rest, messages, others)
            self._rest = b""
        return messages, others

    def acknowledge_all(self, packet_ids: Iterable[int]) -> bytes:
        """PUBACKs, as `acknowledge` gives them; only for those that are due."""
        incoming = self.incoming
        pubacks = []
        for number in packet_ids:
            if number in incoming:
                incoming.remove(number)
                pubacks.append(_puback(_PUBACK, number))
        return b"".join(pubacks)

    def _publish_in(self, buffer: bytes, at: int, body: int, end: int) -> Message | None:
        if buffer[at] not in _PUBLISHES or end - body < _LEAST_PUBLISH:
            return None
        stop = body + 2 + (buffer[body] << 8 | buffer[body + 1])
        topic = self._topics.get(buffer[body + 2 : stop])
        # A topic, an id, and no properties.
        if topic is None or stop + 3 > end or buffer[stop + 2] or self.agreed is None:
            return None
        packet_id = buffer[stop] << 8 | buffer[stop + 1]
        if not packet_id:
            return None
        self._heard = True
        self.incoming.add(packet_id)
        return Message(topic, buffer[stop + 3 : end], 1, bool(buffer[at] & 1), packet_id)

    def _look_at(self, packets: bytes, messages: list[Message], others: list[Any]) -> None:
        for event in self.receive(packets):
            if not isinstance(event, Message):
                others.append(event)
                continue
            messages.append(event)
            if len(self._topics) < _MOST_TOPICS:
                self._topics[event.topic.encode()] = event.topic
