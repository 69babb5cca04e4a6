"""Build and parse every topic of the contract."""

from collections import namedtuple

from haidang_wire.errors import TopicError
from haidang_wire.naming import (
    GW_STATUS,
    NODE_KINDS,
    base_name,
    check_kind,
    check_node,
    is_epoch,
    is_node_id,
    node_filter,
    node_id,
    node_topic,
    only,
    shown,
)

__all__ = (
    "GATEWAY_KINDS",
    "GW_STATUS",
    "MAXIMUM_TOPIC",
    "NODE_KINDS",
    "Topic",
    "base_name",
    "gateway_topic",
    "is_epoch",
    "is_gateway_id",
    "is_node_id",
    "node_filter",
    "node_id",
    "node_of_base_name",
    "node_topic",
    "parse",
)

GATEWAY_KINDS = ("alarm", "cap", "data", "ngsi", "status", "ack", "cmd", "reply")
MAXIMUM_TOPIC = 128

# scope "n" (node), "g" (gateway) or "gw" (the gateway's own status towards nodes)
Topic = namedtuple("Topic", ("scope", "owner", "kind", "item"))

_WITH_ITEM = ("alarm", "cap")
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_MAXIMUM_ID = 48


def node_of_base_name(name: str) -> str:
    """The node id behind a base name, with or without the trailing colon."""
    eui = name[12:28]
    if name[:12] != "urn:dev:mac:" or name[28:] not in ("", ":") or eui[6:10] != "fffe":
        raise TopicError("base name %s is not urn:dev:mac:<EUI-64>:" % shown(name))
    node = "n-" + eui[:6] + eui[10:]
    check_node(node)
    return node


def is_gateway_id(text: str) -> bool:
    """Whether `text` is `gw-` and 1 to 45 of a-z, 0-9 and `-`."""
    return text[:3] == "gw-" and 3 < len(text) <= _MAXIMUM_ID and only(text, _ID_CHARACTERS)


def gateway_topic(gateway: str, kind: str, item: "str | None" = None) -> str:
    """`hd/1/g/<gateway>/<kind>`, for `alarm` and `cap` with the alarm id behind it.

    A `reply` may have a name behind it, which the centre's command gives.
    """
    _check_gateway(gateway)
    check_kind(kind, GATEWAY_KINDS)
    _check_item(kind, item)
    topic = "hd/1/g/" + gateway + "/" + kind
    return topic if item is None else topic + "/" + item


def parse(topic: str) -> Topic:
    """The parts of a topic of the contract; TopicError for any other."""
    if len(topic) > MAXIMUM_TOPIC:
        raise TopicError("topic is %d characters, at most %d" % (len(topic), MAXIMUM_TOPIC))
    if topic == GW_STATUS:
        return Topic("gw", None, "status", None)
    parts = topic.split("/")
    if len(parts) < 5 or parts[0] != "hd":
        raise TopicError("topic %s is not one of the contract" % shown(topic))
    if parts[1] != "1":
        raise TopicError("topic %s is of another version, this is 1" % shown(topic))
    scope, owner, kind = parts[2], parts[3], parts[4]
    if scope == "n" and len(parts) == 5:
        check_node(owner)
        check_kind(kind, NODE_KINDS)
        return Topic("n", owner, kind, None)
    if scope == "g" and len(parts) <= 6:
        item = parts[5] if len(parts) == 6 else None
        _check_gateway(owner)
        check_kind(kind, GATEWAY_KINDS)
        _check_item(kind, item)
        return Topic("g", owner, kind, item)
    raise TopicError("topic %s is not one of the contract" % shown(topic))


def _check_gateway(gateway: str) -> None:
    if not is_gateway_id(gateway):
        raise TopicError("gateway id %s is not gw- and a-z, 0-9, -" % shown(gateway))


def _check_item(kind: str, item: "str | None") -> None:
    if kind not in _WITH_ITEM:
        if kind == "reply" and item and len(item) <= _MAXIMUM_ID and only(item, _ID_CHARACTERS):
            return
        if item is not None:
            raise TopicError("topic kind %s takes nothing behind it" % kind)
    elif not item or len(item) > _MAXIMUM_ID + 14 or not only(item, _ID_CHARACTERS):
        raise TopicError("topic kind %s needs an alarm id behind it, not %s" % (kind, item))
