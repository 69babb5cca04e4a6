"""Build and parse every topic of the contract."""

from collections import namedtuple

from haidang_wire.errors import TopicError

NODE_KINDS = ("alarm", "data", "status", "ack", "cmd", "reply", "time")
GATEWAY_KINDS = ("alarm", "cap", "data", "ngsi", "status", "ack", "cmd")
GW_STATUS = "hd/1/gw/status"
MAXIMUM_TOPIC = 128

# scope "n" (node), "g" (gateway) or "gw" (the gateway's own status towards nodes)
Topic = namedtuple("Topic", ("scope", "owner", "kind", "item"))

_WITH_ITEM = ("alarm", "cap")
_HEX = "0123456789abcdef"
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_MAXIMUM_ID = 48


def node_id(mac: bytes) -> str:
    """The id of the node with this 6-byte MAC: `n-` and 12 hex digits."""
    if len(mac) != 6:
        raise TopicError("a node's MAC has 6 bytes, not %d" % len(mac))
    return "n-" + "".join(["%02x" % byte for byte in mac])


def base_name(node: str) -> str:
    """SenML base name of a node: EUI-64 by RFC 9039, `fffe` in the middle of the MAC."""
    _check_node(node)
    return "urn:dev:mac:" + node[2:8] + "fffe" + node[8:] + ":"


def node_of_base_name(name: str) -> str:
    """The node id behind a base name, with or without the trailing colon."""
    eui = name[12:28]
    if name[:12] != "urn:dev:mac:" or name[28:] not in ("", ":") or eui[6:10] != "fffe":
        raise TopicError("base name %s is not urn:dev:mac:<EUI-64>:" % _shown(name))
    node = "n-" + eui[:6] + eui[10:]
    _check_node(node)
    return node


def is_node_id(text: str) -> bool:
    """Whether `text` is `n-` and 12 lower-case hex digits."""
    return len(text) == 14 and text[:2] == "n-" and _only(text[2:], _HEX)


def is_gateway_id(text: str) -> bool:
    """Whether `text` is `gw-` and 1 to 45 of a-z, 0-9 and `-`."""
    return text[:3] == "gw-" and 3 < len(text) <= _MAXIMUM_ID and _only(text, _ID_CHARACTERS)


def is_epoch(text: str) -> bool:
    """Whether `text` is 8 lower-case hex digits: 32 random bits."""
    return len(text) == 8 and _only(text, _HEX)


def node_topic(node: str, kind: str) -> str:
    """`hd/1/n/<node>/<kind>`."""
    _check_node(node)
    _check_kind(kind, NODE_KINDS)
    return "hd/1/n/" + node + "/" + kind


def node_filter(kind: str) -> str:
    """The filter for one kind of all nodes."""
    _check_kind(kind, NODE_KINDS)
    return "hd/1/n/+/" + kind


def gateway_topic(gateway: str, kind: str, item: "str | None" = None) -> str:
    """`hd/1/g/<gateway>/<kind>`, for `alarm` and `cap` with the alarm id behind it."""
    _check_gateway(gateway)
    _check_kind(kind, GATEWAY_KINDS)
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
        raise TopicError("topic %s is not one of the contract" % _shown(topic))
    if parts[1] != "1":
        raise TopicError("topic %s is of another version, this is 1" % _shown(topic))
    scope, owner, kind = parts[2], parts[3], parts[4]
    if scope == "n" and len(parts) == 5:
        _check_node(owner)
        _check_kind(kind, NODE_KINDS)
        return Topic("n", owner, kind, None)
    if scope == "g" and len(parts) <= 6:
        item = parts[5] if len(parts) == 6 else None
        _check_gateway(owner)
        _check_kind(kind, GATEWAY_KINDS)
        _check_item(kind, item)
        return Topic("g", owner, kind, item)
    raise TopicError("topic %s is not one of the contract" % _shown(topic))


def _check_node(node: str) -> None:
    if not is_node_id(node):
        raise TopicError("node id %s is not n- and 12 hex digits" % _shown(node))


def _check_gateway(gateway: str) -> None:
    if not is_gateway_id(gateway):
        raise TopicError("gateway id %s is not gw- and a-z, 0-9, -" % _shown(gateway))


def _check_kind(kind: str, kinds: tuple[str, ...]) -> None:
    if kind not in kinds:
        raise TopicError("topic kind %s is none of %s" % (_shown(kind), ", ".join(kinds)))


def _check_item(kind: str, item: "str | None") -> None:
    if kind not in _WITH_ITEM:
        if item is not None:
            raise TopicError("topic kind %s takes nothing behind it" % kind)
    elif not item or len(item) > _MAXIMUM_ID + 14 or not _only(item, _ID_CHARACTERS):
        raise TopicError("topic kind %s needs an alarm id behind it, not %s" % (kind, item))


def _only(text: str, allowed: str) -> bool:
    return all(character in allowed for character in text)


def _shown(text: str) -> str:
    return repr(text[:60])
