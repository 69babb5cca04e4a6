"""The demo city's configuration files, written as a technician would write them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GATEWAY = "gw-01"
CENTRE = "centre-01"
# 160 KiB for the application (about half of that on a 32-bit ESP32), and 37 KiB for what is C
# code there and Python on the virtual board: the REPL and the shims of machine and network.
# A board that needs more than 37 KiB for those takes it from the application.
NODE_HEAP = "197K"
HEARTBEAT_S = 5
REPORT_S = 2


@dataclass(frozen=True, slots=True)
class DemoNode:
    """One node of the demo; `port` is the serial port of a real board, empty for a virtual one."""

    mac: str
    sensor: str
    place: str
    label: str
    port: str = ""

    @property
    def id(self) -> str:
        """The node's id, as the contract derives it from the MAC address."""
        return f"n-{self.mac}"


SMOKE = DemoNode("240ac4000001", "smoke", "market-3", "khói chợ · market smoke")
FLOOD = DemoNode("240ac4000002", "flood", "street-1", "ngập phố · street flood")
FOOTFALL = DemoNode("240ac4000003", "footfall", "square-1", "lượt khách · footfall")
NODES = (SMOKE, FLOOD, FOOTFALL)

_SENSORS: dict[str, dict[str, Any]] = {
    "smoke": {"adc_pin": 34, "warmup_s": 0, "burn_in_h": 0, "latch_s": 10, "siren_pin": 25},
    "flood": {
        "uart": 2,
        "rx_pin": 16,
        "tx_pin": 17,
        "mount_mm": 3000,
        "watch_mm": 50,
        "warning_mm": 100,
        "danger_mm": 150,
        "hysteresis_mm": 20,
    },
    "footfall": {"uart": 1, "rx_pin": 26, "window_s": 10},
}


@dataclass(frozen=True, slots=True)
class Wifi:
    """The network of the nodes; the default is the virtual boards' own."""

    ssid: str = "demo"
    key: str = field(default="secret", repr=False)


def node_config(node: DemoNode, host: str, broker_port: int, wifi: Wifi) -> dict[str, Any]:
    """The node's node.json; `host` is the broker's IPv4 address as the node sees it."""
    return {
        "v": 1,
        "wifi": [{"ssid": wifi.ssid, "key": wifi.key}],
        "broker": {"host": host, "port": broker_port, "server_name": "gateway.local"},
        "sensors": {node.sensor: _SENSORS[node.sensor]},
        "report_s": REPORT_S,
        "heartbeat_s": HEARTBEAT_S,
    }


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the gateway finds the two brokers."""

    broker_host: str
    broker_port: int
    centre_port: int


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """The camera's source and the people in it: how many make a crowd, how tall they are."""

    url: str
    limit_count: float
    person_px: float
    loop: bool = False


_PLACES = """
[[place]]
id = "market-3"
name = "Chợ Cột Đỏ"
name_en = "Cot Do market"
lat = 19.742
lon = 105.902
radius_m = 60

[[place]]
id = "street-1"
name = "Đường Hồ Xuân Hương"
name_en = "Ho Xuan Huong street"
lat = 19.735
lon = 105.906

[[place]]
id = "square-1"
name = "Quảng trường biển"
name_en = "Beach square"
lat = 19.737
lon = 105.907
"""


_RULES = """
[rules]
smoke_verify_s = {smoke_verify_s}
flood_verify_s = 2.0
flood_hysteresis_mm = 20
crowd_sustain_s = 4.0
"""


def gateway_toml(
    lines: Lines,
    ca_dir: Path,
    data_dir: Path,
    models_dir: Path,
    *,
    nodes: Sequence[DemoNode],
    camera: DemoCamera | None,
    smoke_verify_s: float = 60.0,
) -> str:
    """The gateway's configuration file; without `camera` there is no camera process."""
    parts = [
        f'[gateway]\nid = "{GATEWAY}"\ndata_dir = {_text(data_dir)}\n',
        _broker(lines, ca_dir),
        _centre(lines, ca_dir),
        _RULES.format(smoke_verify_s=smoke_verify_s),
        f"\n[models]\ndir = {_text(models_dir)}\n",
        _PLACES,
        *(_node(node) for node in nodes),
        _camera(camera, nodes) if camera else "",
    ]
    return "".join(parts)


def _broker(lines: Lines, ca_dir: Path) -> str:
    return f"""
[broker]
host = {_text(lines.broker_host)}
port = {lines.broker_port}
ca = {_text(ca_dir / "ca.pem")}
cert = {_text(ca_dir / f"{GATEWAY}.pem")}
key = {_text(ca_dir / f"{GATEWAY}.key")}
cert_alarm = {_text(ca_dir / f"{GATEWAY}-alarm.pem")}
key_alarm = {_text(ca_dir / f"{GATEWAY}-alarm.key")}
"""


def _centre(lines: Lines, ca_dir: Path) -> str:
    return f"""
[centre]
host = "127.0.0.1"
port = {lines.centre_port}
server_name = "gateway.local"
ca = {_text(ca_dir / "ca.pem")}
cert = {_text(ca_dir / f"{GATEWAY}.pem")}
key = {_text(ca_dir / f"{GATEWAY}.key")}
batch_s = 1.0
"""


def _node(node: DemoNode) -> str:
    text = f"""
[[node]]
id = "{node.id}"
place = "{node.place}"
heartbeat_s = {HEARTBEAT_S}
"""
    if node.sensor == "flood":
        text += "gauge_mm = [{watch_mm}, {warning_mm}, {danger_mm}]\n".format(**_SENSORS["flood"])
    return text


def _text(value: object) -> str:
    return json.dumps(str(value))  # a JSON string is a TOML string


def _camera(camera: DemoCamera, nodes: Sequence[DemoNode]) -> str:
    counters = [node.id for node in nodes if node.sensor == "footfall"]
    return f"""
[[camera]]
id = "market-3-east"
place = "market-3"
url = {_text(camera.url)}
fps = 5.0
crowd_every_s = 1.0
person_px = {camera.person_px}
limit_count = {camera.limit_count}
footfall_nodes = {json.dumps(counters)}
loop = {str(camera.loop).lower()}
"""
