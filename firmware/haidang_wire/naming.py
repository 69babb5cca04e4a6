"""Ids, base names and the topics of a node."""

from haidang_wire.errors import TopicError
from haidang_wire.node_names import GW_STATUS, id_of, node_base_name, topic_of

__all__ = (
    "GW_STATUS",
    "NODE_KINDS",
    "base_name",
    "is_epoch",
    "is_node_id",
    "node_id",
    "node_topic",
)

NODE_KINDS = ("alarm", "data", "status", "ack", "cmd", "reply", "time")

_HEX = "0123456789abcdef"


def node_id(mac: bytes) -> str:
    """The id of the node with this 6-byte MAC: `n-` and 12 hex digits."""
    if len(mac) != 6:
        raise TopicError("a node's MAC has 6 bytes, not %d" % len(mac))
    return id_of(mac)


def base_name(node: str) -> str:
    """SenML base name of a node: EUI-64 by RFC 9039, `fffe` in the middle of the MAC."""
    check_node(node)
    return node_base_name(node)


def is_node_id(text: str) -> bool:
    """Whether `text` is `n-` and 12 lower-case hex digits."""
    return len(text) == 14 and text[:2] == "n-" and only(text[2:], _HEX)


def is_epoch(text: str) -> bool:
    """Whether `text` is 8 lower-case hex digits: 32 random bits."""
    return len(text) == 8 and only(text, _HEX)


def node_topic(node: str, kind: str) -> str:
    """`hd/1/n/<node>/<kind>`."""
    check_node(node)
    check_kind(kind, NODE_KINDS)
    return topic_of(node, kind)


def node_filter(kind: str) -> str:
    """The filter for one kind of all nodes."""
    check_kind(kind, NODE_KINDS)
    return "hd/1/n/+/" + kind


def check_node(node: str) -> None:
    """TopicError for what is no node id."""
    if not is_node_id(node):
        raise TopicError("node id %s is not n- and 12 hex digits" % shown(node))


def check_kind(kind: str, kinds: tuple[str, ...]) -> None:
    """TopicError for a kind that is none of `kinds`."""
    if kind not in kinds:
        raise TopicError("topic kind %s is none of %s" % (shown(kind), ", ".join(kinds)))


def only(text: str, allowed: str) -> bool:
    """Whether every character of `text` is in `allowed`."""
    # What strip leaves starts and ends with another character.
    return not text.strip(allowed)


def shown(text: str) -> str:
    """Text for an error message, cut short."""
    return repr(text[:60])
