"""The contenders of the forwarding bench, each between two real brokers with TLS."""

import os
import time
from pathlib import Path
from typing import Protocol

from haidang_tools.brokers import Broker, certificates
from haidang_tools.demo.gateway_process import GatewayProcess
from haidang_tools.demo.settings import DemoNode, Lines, gateway_toml
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import node_id, readings
from waiting import wait_until

from bench.forward_centre import CountingCentre

_TICKS = os.sysconf("SC_CLK_TCK")
_READY_S = 60.0
# What the deployed list does not allow: the bridge carries the nodes' own topics; one connection
# speaks for thousands of nodes where their number is what counts.
_CENTRE_RIGHTS = (
    "\nuser gw-01\ntopic write hd/1/n/#\n"
    "user centre-01\ntopic readwrite hd/1/g/#\ntopic read hd/1/n/#\n"
)
_FLEET_RIGHTS = "\nuser centre-fleet\ntopic readwrite hd/1/n/#\ntopic read hd/1/gw/status\n"
# Else a broker drops what nobody takes fast enough, and says nothing. Both have 1,000 in flight.
_LOSSLESS = {"max_queued_messages": 0, "max_queued_bytes": 0}
# The centre's subscription outlives its broker's restart: nothing is published to nobody.
_LASTING = {"persistence": "true"}


class Way(Protocol):
    """From the nodes' broker to the centre's."""

    near: Broker
    far: Broker
    puback_is_enough: bool

    def start(self) -> None:
        """Start everything and wait until it forwards."""

    def stop(self) -> None:
        """End it."""

    def centre(self, ca: Path) -> CountingCentre:
        """Who counts what arrives; its session outlives the centre's broker."""

    def pack(self, node: SimNode, seq: int, unix_ms: int) -> bytes:
        """A pack of about 200 bytes, as this way takes them."""

    def pids(self) -> dict[str, int]:
        """Processes whose time and bytes count: "forwarder" (absent for a bridge), "broker"."""


def _far(ca: Path, folder: Path, values: dict[str, object]) -> Broker:
    return Broker(
        "centre",
        ca,
        folder,
        values=_LASTING | values,
        more=f"persistence_location {folder}/\n",
        rights=_CENTRE_RIGHTS,
    )


def authority(folder: Path, nodes: int) -> Path:
    """A folder of certificates for so many nodes and all others."""
    ca = folder / "ca"
    names = ["broker-gateway", "broker-centre", "gw-01", "gw-01-alarm", "centre-01"]
    certificates(ca, *names, "centre-fleet", *(node_id(n + 1) for n in range(nodes)))
    return ca


class SenmlPacks:
    """The packs of real nodes, and a centre that hears them under `filters`."""

    far: Broker
    filters: tuple[str, ...]

    def centre(self, ca: Path) -> CountingCentre:
        return CountingCentre(ca, self.far.port, list(self.filters))

    def pack(self, node: SimNode, seq: int, unix_ms: int) -> bytes:
        return readings(node, seq, unix_ms)


class Ours(SenmlPacks):
    """`haidang-gateway run`; `commit_ms` and `batch_s` as in its configuration."""

    filters: tuple[str, ...] = ("hd/1/g/+/data", "hd/1/g/+/alarm/+")
    puback_is_enough = False

    def __init__(
        self, folder: Path, ca: Path, nodes: int, *, commit_ms: int = 20, batch_s: float = 0.1
    ) -> None:
        self.near = Broker("gateway", ca, folder / "near", rights=_FLEET_RIGHTS)
        self.far = _far(ca, folder / "far", {})
        self.folder = folder
        self.gateway = GatewayProcess(folder / "gateway.toml", folder / "gateway.log")
        self._ca = ca
        self._nodes = nodes
        self._commit_ms = commit_ms
        self._batch_s = batch_s

    def start(self) -> None:
        self.near.start()
        self.far.start()
        self.write_settings(self.far.port)
        self.start_gateway()

    def write_settings(self, centre_port: int) -> None:
        """gateway.toml with the nodes of the bench."""
        macs = [node_id(n + 1)[2:] for n in range(self._nodes)]
        text = gateway_toml(
            Lines("127.0.0.1", self.near.port, centre_port),
            self._ca,
            self.folder / "gateway",
            self.folder,
            nodes=[DemoNode(mac, "smoke", "market-3", mac) for mac in macs],
            camera=None,
        )
        text = text.replace("batch_s = 1.0", f"batch_s = {self._batch_s}")
        text = text.replace("heartbeat_s = 5", "heartbeat_s = 30")
        text += f"\n[store]\nmax_mb = 4096\ntelemetry_commit_ms = {self._commit_ms}\n"
        (self.folder / "gateway.toml").write_text(text, encoding="utf-8")

    def start_gateway(self) -> float:
        """Start it and wait until nodes may send; how long that took in seconds."""
        before = self.gateway.log.count("nodes may send")
        began_s = time.monotonic()
        self.gateway.start()
        while self.gateway.log.count("nodes may send") == before:
            if not self.gateway.running or time.monotonic() - began_s > _READY_S:
                raise RuntimeError(f"the gateway did not start: {self.gateway.last_words()}")
            time.sleep(0.01)
        return time.monotonic() - began_s

    def stop(self) -> None:
        self.gateway.stop()
        self.near.stop()
        self.far.stop()

    def pids(self) -> dict[str, int]:
        return {"forwarder": self.gateway.pid, "broker": self.near.pid}


class Bridge(SenmlPacks):
    """mosquitto's bridge in the one setting that loses nothing: every change rewrites the file."""

    filters: tuple[str, ...] = ("hd/1/n/+/data",)
    puback_is_enough = True

    def __init__(self, folder: Path, ca: Path) -> None:
        self.far = _far(ca, folder / "far", _LOSSLESS)
        self._folder = folder
        self._ca = ca
        self.near: Broker

    def start(self) -> None:
        self.far.start()
        store = self._folder / "near"
        store.mkdir(parents=True, exist_ok=True)
        self.near = Broker(
            "gateway",
            self._ca,
            store,
            values={**_LOSSLESS, "persistence": "true"},
            more=self._lines(store),
            rights="\ntopic read hd/1/n/#\n",
        )
        self.near.start()
        # Of the far broker's own name and of whoever has connected.
        wait_until(
            lambda: "gw-01" in self.far.log.replace("broker-", ""), "the bridge connects", _READY_S
        )

    def stop(self) -> None:
        self.near.stop()
        self.far.stop()

    def pids(self) -> dict[str, int]:
        return {"broker": self.near.pid}

    def _lines(self, store: Path) -> str:
        name = self._ca / "gw-01"
        return f"""
persistence_location {store}/
autosave_on_changes true
autosave_interval 1
connection up
address 127.0.0.1:{self.far.port}
topic +/data out 1 hd/1/n/ hd/1/n/
cleansession false
local_clientid bridge-local
remote_clientid gw-01
bridge_protocol_version mqttv311
notifications false
restart_timeout 1
bridge_cafile {self._ca / "ca.pem"}
bridge_certfile {name}.pem
bridge_keyfile {name}.key
bridge_insecure true
"""


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def written_bytes(pid: int) -> int:
    """Bytes that a process has handed to the disk."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def rss_mb(pid: int, which: str = "VmRSS") -> float:
    """Memory of a process now; VmHWM: at its most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
