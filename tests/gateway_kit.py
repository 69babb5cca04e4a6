"""A real gateway process between two real brokers, and a node to talk to it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from centre_peer import CentrePeer
from haidang_tools.brokers import Broker, certificates
from haidang_wire import messages
from mqtt_peer import Peer
from node_packs import NODE
from specimens import GATEWAY
from waiting import DEADLINE_S

CENTRE = "centre-1"
STRANGER = "n-240ac4000099"

_PROGRAM = (sys.executable, "-m", "haidang_gateway")
_CONFIG = """
[gateway]
id = "gw-01"
data_dir = "data"
[broker]
host = "127.0.0.1"
port = {broker_port}
ca = "ca/ca.pem"
cert = "ca/gw-01.pem"
key = "ca/gw-01.key"
cert_alarm = "ca/gw-01-alarm.pem"
key_alarm = "ca/gw-01-alarm.key"
[centre]
host = "127.0.0.1"
port = {centre_port}
server_name = "gateway.local"
ca = "ca/ca.pem"
cert = "ca/gw-01.pem"
key = "ca/gw-01.key"
batch_s = 0.2
[rules]
smoke_verify_s = {smoke_verify_s}
[store]
telemetry_commit_ms = 100
[[place]]
id = "market-3"
name = "Chợ Cột Đỏ"
name_en = "Cot Do market"
lat = 19.742
lon = 105.902
[[node]]
id = "{node}"
place = "market-3"
heartbeat_s = 3600
"""


def issue_all(ca_dir: Path) -> None:
    """All certificates that a world needs."""
    names = (GATEWAY, f"{GATEWAY}-alarm", CENTRE, NODE, STRANGER)
    certificates(ca_dir, "broker-gateway", "broker-centre", *names)


class World:
    """Certificates, two brokers and the configuration in one folder."""

    def __init__(self, folder: Path, ca_dir: Path) -> None:
        self.folder = folder
        self.ca_dir = ca_dir
        self.broker = Broker("gateway", self.ca_dir, folder / "broker")
        self.centre_broker = Broker("centre", self.ca_dir, folder / "centre")

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path, ca_dir: Path, smoke_verify_s: float = 60.0) -> Iterator[Self]:
        """Brokers run; the configuration is written. `ca_dir` as `issue_all` makes it."""
        world = cls(folder, ca_dir)
        (folder / "ca").symlink_to(ca_dir)
        with world.broker, world.centre_broker:
            text = _CONFIG.format(
                broker_port=world.broker.port,
                centre_port=world.centre_broker.port,
                smoke_verify_s=smoke_verify_s,
                node=NODE,
            )
            world.config.write_text(text, encoding="utf-8")
            yield world

    @property
    def config(self) -> Path:
        """The gateway's configuration file."""
        return self.folder / "gateway.toml"

    @property
    def database(self) -> Path:
        """The gateway's database."""
        return self.folder / "data" / "haidang.db"

    def gateway(self, **environment: str) -> "GatewayProcess":
        """A gateway that is not started yet."""
        return GatewayProcess(self, environment)

    def node(self, name: str = NODE) -> Peer:
        """A node's certificate on the gateway's broker."""
        return Peer(self.ca_dir, name, self.broker.port)

    def centre(self) -> "CentrePeer":
        """A centre that acknowledges what it has read."""
        return CentrePeer(Peer(self.ca_dir, CENTRE, self.centre_broker.port))

    def command(self, *arguments: str) -> str:
        """Standard output of `haidang-gateway` for this configuration."""
        return subprocess.run(
            [*_PROGRAM, *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_S,
        ).stdout

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """`haidang-gateway` for this configuration, running."""
        return subprocess.Popen(
            [*_PROGRAM, *arguments, "--config", str(self.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


class GatewayProcess:
    """`haidang-gateway run` as a process of its own; a context manager."""

    def __init__(self, world: World, environment: dict[str, str]) -> None:
        self._world = world
        self._environment = os.environ | environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it; the caller waits for what it needs."""
        log = (self._world.folder / "gateway.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [*_PROGRAM, "run", "--config", str(self._world.config)],
                env=self._environment,
                stderr=log,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Make sure that it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(DEADLINE_S)

    @property
    def log(self) -> str:
        """What all gateways of this world have logged."""
        return (self._world.folder / "gateway.log").read_text(encoding="utf-8")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal that does not end it."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; the exit status."""
        assert self._process is not None
        return self._process.wait(DEADLINE_S)


def wait_online(node: Peer) -> None:
    """Subscribe a node to what concerns it and wait until the gateway is there for it."""
    node.subscribe(f"hd/1/n/{node.client_id or NODE}/ack")
    node.subscribe("hd/1/gw/status")
    wait_word(node, "online")


def wait_word(node: Peer, state: str) -> None:
    """Wait until the gateway's status says `state`."""
    while True:
        message = node.next()
        if message.topic == "hd/1/gw/status" and json.loads(message.payload)["state"] == state:
            return


def next_command(node: Peer) -> dict[str, Any]:
    """The next command of the gateway."""
    while True:
        message = node.next()
        if message.topic.endswith("/cmd"):
            return messages.decode("cmd", bytes(message.payload))


def next_ack(node: Peer) -> dict[str, Any]:
    """The next ack of the gateway."""
    while True:
        message = node.next()
        if message.topic.endswith("/ack"):
            return messages.decode("ack", bytes(message.payload))
