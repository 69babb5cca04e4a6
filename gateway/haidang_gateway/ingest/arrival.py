"""One message as it came from the gateway's own broker."""

import functools

import msgspec
from haidang_wire import topics

from haidang_gateway.model import Lane


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A publish that waits for its PUBACK; `session` names the connection it must go back on.

    `connection` counts that session's connections: a PUBACK never crosses a reconnect. `kept` is
    the id of one that lay in quarantine and is tried again; it tells nothing about now.
    """

    topic: str
    payload: bytes
    lane: Lane
    retained: bool
    packet_id: int
    received_ms: int
    session: str
    connection: int
    kept: int = 0

    def __repr__(self) -> str:
        """For the log; a payload may be long."""
        return f"Arrival({self.topic}, {len(self.payload)} bytes, packet {self.packet_id})"


@functools.lru_cache(maxsize=20_000)
def topic_of(topic: str) -> topics.Topic:
    """The parts of a topic; TopicError. The same few topics come all day."""
    return topics.parse(topic)


@functools.lru_cache(maxsize=20_000)
def owner_of(topic: str) -> str:
    """The node of a topic, "-" where it is none of a node: the broker lets each publish on its own
    topics alone.
    """
    return topic.split("/", 4)[3] if topic.count("/") > 3 else "-"
