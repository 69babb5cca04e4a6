"""What only opens a connection to the broker; loaded for it and forgotten once it works."""

import ssl

from haidang_node.errors import LinkError
from haidang_node.status import OFFLINE
from haidang_node.window import Window
from haidang_wire.node_names import topic_of
from haidang_wire.session import Session
from haidang_wire.session_events import SESSION, Will


def tls(folder: str) -> ssl.SSLContext:
    """The TLS context of this node: own certificate, broker checked against the private CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=_bytes(folder + "/ca.der"))
        context.load_cert_chain(_bytes(folder + "/node.der"), _bytes(folder + "/node.key"))
    except (OSError, ValueError) as error:
        raise LinkError(
            "certificates in %s cannot be used (%s): run `haidang provision`" % (folder, error)
        )
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def session(node: str, expiry_s: int) -> Session:
    """A new session of this node; the broker keeps it for at least `expiry_s`."""
    return Session(
        node,
        keepalive_s=SESSION["keepalive_s"],
        session_expiry_s=max(SESSION["session_expiry_s"], expiry_s),
        receive_maximum=SESSION["receive_maximum"],
        maximum_packet_bytes=SESSION["maximum_packet_bytes"],
        will=Will(topic_of(node, "status"), OFFLINE, 1, True, SESSION["will_delay_s"]),
    )


def window(outbox) -> Window:
    """The window of packs on their way, by the contract's rules."""
    return Window(
        outbox,
        SESSION["window"],
        SESSION["alarm_places"],
        SESSION["resend_ms"],
        SESSION["resend_cap_ms"],
    )


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
