"""A node's own names, of an id that was checked; haidang_wire.naming checks them."""

GW_STATUS = "hd/1/gw/status"


def id_of(mac: bytes) -> str:
    """The id of the node with this 6-byte MAC: `n-` and 12 hex digits."""
    return "n-" + "".join(["%02x" % byte for byte in mac])


def topic_of(node: str, kind: str) -> str:
    """`hd/1/n/<node>/<kind>`."""
    return "hd/1/n/" + node + "/" + kind


def node_base_name(node: str) -> str:
    """SenML base name of a node: EUI-64 by RFC 9039, `fffe` in the middle of the MAC."""
    return "urn:dev:mac:" + node[2:8] + "fffe" + node[8:] + ":"
