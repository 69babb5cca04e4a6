"""A real gateway process between two real brokers, a node and a centre to talk to it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from haidang_tools.brokers import Broker, certificates
from haidang_wire import messages
from mqtt_peer import WAIT_S, Peer
from node_packs import NODE
from waiting import wait_until

GATEWAY = "gw-01"
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
            timeout=60,
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
            self._process.wait(WAIT_S)

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
        return self._process.wait(WAIT_S)


class CentrePeer:
    """Reads everything of its gateways and acknowledges it after noting it down."""

    def __init__(self, peer: Peer) -> None:
        self.alarms: list[dict[str, Any]] = []
        self.packs: list[list[dict[str, Any]]] = []
        self.replies: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {}
        self.ids: list[str] = []
        self._peer = peer

    def __enter__(self) -> Self:
        """Connect and subscribe."""
        self._peer.__enter__()
        self._peer.subscribe("hd/1/g/+/#")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._peer.__exit__()

    def read(self, *, acknowledge: bool = True) -> None:
        """Take what has arrived, checked against the contract."""
        while not self._peer.messages.empty():
            message = self._peer.messages.get()
            kind = message.topic.split("/")[4]
            if kind == "alarm":
                document = messages.decode("alarm_message", bytes(message.payload))
                self._note(document, self.alarms, [document["alarm"]], acknowledge)
            elif kind == "data":
                document = messages.decode("data_message", bytes(message.payload))
                self._note(document, self.packs, document["packs"], acknowledge)
            elif kind == "reply":
                document = messages.decode("centre_reply", bytes(message.payload))
                self._note(document, self.replies, [document], acknowledge)
            elif kind == "status":
                self.status = messages.decode("gateway_status", bytes(message.payload))

    def wait_status(self) -> dict[str, Any]:
        """The gateway's status, as soon as there is one."""

        def there() -> bool:
            self.read()
            return bool(self.status)

        wait_until(there, "the gateway's status at the centre")
        return self.status

    def wait_alarms(self, count: int, timeout_s: float = WAIT_S) -> list[dict[str, Any]]:
        """The alarms' revisions so far, as soon as there are `count`."""

        def there() -> bool:
            self.read()
            return len(self.alarms) >= count

        wait_until(there, f"{count} alarms at the centre", timeout_s)
        return self.alarms

    def wait_packs(self, count: int) -> list[list[dict[str, Any]]]:
        """The packs so far, as soon as there are `count`."""

        def there() -> bool:
            self.read()
            return len(self.packs) >= count

        wait_until(there, f"{count} packs at the centre")
        return self.packs

    def wait_replies(self, count: int) -> list[dict[str, Any]]:
        """The answers to commands so far, as soon as there are `count`."""

        def there() -> bool:
            self.read()
            return len(self.replies) >= count

        wait_until(there, f"{count} replies at the centre")
        return self.replies

    def order(self, order_id: str, node: str, do: str, **args: object) -> None:
        """Send a command for a node to the gateway, to be answered."""
        wish = {"node": node, "do": do, "args": args, "by": "Trực ban 2"}
        document = {
            "id": order_id,
            "do": "node_cmd",
            "exp_ms": 2**45,
            "reply": f"hd/1/g/{GATEWAY}/reply",
            "args": wish,
        }
        self._peer.publish(f"hd/1/g/{GATEWAY}/cmd", messages.encode("centre_cmd", document))

    def command(self, do: str, **args: object) -> None:
        """Send a command to the gateway."""
        document = {"id": "c-1", "do": do, "exp_ms": 2**45, "args": args}
        self._peer.publish(f"hd/1/g/{GATEWAY}/cmd", messages.encode("centre_cmd", document))

    def _note(
        self, document: dict[str, Any], kept: list[Any], news: list[Any], acknowledge: bool
    ) -> None:
        if acknowledge:
            _, epoch, seq = document["id"].split("/")
            ack = {"epoch": epoch, "s": [[int(seq), int(seq)]]}
            self._peer.publish(f"hd/1/g/{GATEWAY}/ack", messages.encode("centre_ack", ack))
        if document["id"] not in self.ids:
            self.ids.append(document["id"])
            kept.extend(news)


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
