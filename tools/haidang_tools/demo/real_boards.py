"""Real boards on serial ports as nodes of the demo city."""

import socket

from haidang_tools.board import SerialBoard
from haidang_tools.demo.settings import NODES, DemoNode, Wifi
from haidang_tools.errors import InputRefused

# A documentation address (RFC 5737): connecting a datagram socket sends nothing, it only
# chooses the interface that leads out.
_ANYWHERE = ("192.0.2.1", 9)


def node_at(text: str) -> DemoNode:
    """The board behind `PORT:KIND`, e.g. /dev/ttyUSB0:smoke, asked for its MAC address.

    Raises InputRefused for another form, ToolError when no board answers.
    """
    port, _, kind = text.rpartition(":")
    like = next((node for node in NODES if node.sensor == kind), None)
    if not port or like is None:
        kinds = ", ".join(node.sensor for node in NODES)
        raise InputRefused(f"{text}: write PORT:KIND, such as /dev/ttyUSB0:smoke; kinds: {kinds}")
    with SerialBoard(port) as board:
        mac = board.facts().mac.hex()
    return DemoNode(mac, kind, like.place, f"{like.label} ({port})", port)


def wifi_of(text: str) -> Wifi:
    """The network of `SSID:KEY`; InputRefused for another form."""
    ssid, separator, key = text.partition(":")
    if not ssid or not separator:
        raise InputRefused("write the real boards' network as SSID:KEY, an open one as SSID:")
    return Wifi(ssid, key)


def own_address() -> str:
    """This computer's IPv4 address towards its network; loopback where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
    return address
