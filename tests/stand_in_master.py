"""What stands in for the gateway at the end of a serial bus: polls, commits, acknowledges."""

import json
import os
import select
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from haidang_wire import messages, ranges, senml
from haidang_wire.serial_lanes import (
    ACK,
    ALARM,
    COMMAND,
    DATA,
    ORDINARY,
    REPLY,
    STATUS,
    TAKEN,
    TIME,
    URGENT,
)
from haidang_wire.serial_master import SESSION_BEGUN, SESSION_LOST, Bus, Event
from haidang_wire.serial_peer import Peer

# Epoch, boot, sequence number.
PackKey = tuple[str, int, int]
Spoil = Callable[[bytes], bytes]

_UNIX_MS = 1_764_000_000_000
_LANES = {ALARM: "alarm", DATA: "data"}
_READ_BYTES = 4096
# The air is cut into pieces, so that frames of an answer arrive one after the other.
_PIECE_BYTES = 32
_LOOK_S = 0.05


class StandInMaster:
    """The master of a bus of several ports, which all hear each other, as on two wires.

    Takes packs, acknowledges them after its "commit", answers the time. `spoil` may change what
    passes the bus; `echo` lets the master hear itself; with `paced` bytes take as long as on a
    real line of this baud rate; `came_s` notes when a pack came first (time.monotonic()).
    """

    def __init__(
        self,
        ports: Sequence[str],
        keys: Mapping[str, bytes],
        *,
        baud: int = 115200,
        acknowledging: bool = True,
        echo: bool = False,
        paced: bool = False,
    ) -> None:
        """Keep the arguments; the bus is driven between entering and leaving."""
        self.acknowledging = acknowledging
        self.spoil: Spoil | None = None
        self.packs: dict[PackKey, list[senml.Pack]] = {}
        self.lanes: dict[PackKey, str] = {}
        self.sizes: dict[PackKey, int] = {}
        self.came_s: dict[PackKey, float] = {}
        self.statuses: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []
        self.taken: list[str] = []
        self.sessions = 0
        self.bad: list[str] = []
        self.down_bytes = 0
        self.up_bytes = 0
        self._ports = list(ports)
        self._echo = echo
        self._byte_s = 10 / baud if paced else 0.0
        # What is in the air: when it arrives, where it came from (-1: the master), what.
        self._air: deque[tuple[float, int, bytes]] = deque()
        self.peers = {node: Peer(node, key, os.urandom) for node, key in keys.items()}
        self.bus = Bus(list(self.peers.values()), baud)
        # Packs to be named by the next acknowledgement, by node and boot.
        self._committed: dict[tuple[str, str, int], list[list[int]]] = {}
        # Commands until they are taken: a session may end in between.
        self._orders: dict[str, list[tuple[str, bytes]]] = {node: [] for node in keys}
        self._fds: list[int] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Open the ports and begin to poll."""
        self._fds = [
            os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for port in self._ports
        ]
        self._thread = threading.Thread(target=self._run, name="stand-in-master")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Fall silent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for fd in self._fds:
            os.close(fd)

    def seen(self, name: str) -> list[Any]:
        """All values received under a record name, in order of arrival."""
        firsts = [copies[0] for copies in list(self.packs.values())]
        return [r.value for pack in firsts for r in pack.records if r.name == name]

    def order(self, do: str, order_id: str, **args: Any) -> None:
        """Send a command to every node, again until it is taken."""
        document = {"id": order_id, "do": do, "args": args, "exp_ms": _UNIX_MS + 3_600_000}
        data = messages.encode("cmd", document)
        for node in self.peers:
            self._orders[node].append((order_id, data))
            self.peers[node].send(COMMAND, data, ORDINARY)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._arrive(time.monotonic())
            frame = self.bus.step(_now_ms())
            if frame:
                self.down_bytes += len(frame)
                self._launch(-1, frame)
                continue
            for fd in select.select(self._fds, [], [], self._idle_s())[0]:
                data = os.read(fd, _READ_BYTES)
                self.up_bytes += len(data)
                self._launch(fd, data)
            self._hear(b"")

    def _idle_s(self) -> float:
        wait_s = min(self.bus.wait_ms(_now_ms()) / 1000, _LOOK_S)
        if self._air:
            wait_s = min(wait_s, self._air[0][0] - time.monotonic())
        return max(0.0, wait_s)

    def _launch(self, fd: int, data: bytes) -> None:
        at_s = max(time.monotonic(), self._air[-1][0] if self._air else 0.0)
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            at_s += len(piece) * self._byte_s
            self._air.append((at_s, fd, piece))
        self._arrive(time.monotonic())

    def _arrive(self, now_s: float) -> None:
        while self._air and self._air[0][0] <= now_s:
            _, fd, data = self._air.popleft()
            heard = self.spoil(data) if self.spoil else data
            for other in self._fds:
                if other != fd:
                    _write(other, heard)
            if fd >= 0 or self._echo:
                self._hear(heard)

    def _hear(self, data: bytes) -> None:
        for event in self.bus.receive(data, _now_ms()):
            self._take(event)
        for (node, epoch, boot), numbers in self._committed.items():
            ack = messages.encode("ack", {"he": epoch, "hb": boot, "s": numbers})
            self.peers[node].send(ACK, ack, URGENT)
        self._committed.clear()

    def _take(self, event: Event) -> None:
        try:
            self._interpret(event.node, event.kind, event.data)
        except ValueError as error:
            self.bad.append(f"{event.node}, kind {event.kind}: {error}")

    def _interpret(self, node: str, kind: int, data: bytes) -> None:
        if kind == SESSION_BEGUN:
            self.sessions += 1
            for _, order in self._orders[node]:
                self.peers[node].send(COMMAND, order, ORDINARY)
        elif kind in _LANES:
            self._take_pack(node, kind, data)
        elif kind == STATUS:
            self.statuses.append(messages.decode("status", data))
        elif kind == REPLY:
            heard = messages.encode("reply_ack", {"reply": zlib.crc32(data)})
            self.peers[node].send(ACK, heard, URGENT)
            self.replies.append(messages.decode("reply", data))
        elif kind == TAKEN:
            order_id = json.loads(data)["id"]
            self.taken.append(order_id)
            self._orders[node] = [o for o in self._orders[node] if o[0] != order_id]
        elif kind == TIME:
            request = messages.decode("time_request", data)
            answer = {"nonce": request["nonce"], "unix_ms": _UNIX_MS + request["up_ms"]}
            self.peers[node].send(TIME, messages.encode("time_answer", answer), URGENT)
        elif kind != SESSION_LOST:
            raise ValueError("no kind of the contract")

    def _take_pack(self, node: str, kind: int, data: bytes) -> None:
        pack = senml.decode_pack(data)
        if pack.node != node:
            raise ValueError(f"a pack of {pack.node}")
        key = (pack.epoch, pack.boot, pack.seq)
        self.packs.setdefault(key, []).append(pack)
        self.lanes[key] = _LANES[kind]
        self.sizes[key] = len(data)
        self.came_s.setdefault(key, time.monotonic())
        if self.acknowledging:
            numbers = self._committed.setdefault((node, pack.epoch, pack.boot), [])
            ranges.add(numbers, pack.seq)


def _write(fd: int, data: bytes) -> None:
    try:
        os.write(fd, data)
    except BlockingIOError:
        # Nobody reads there: a wire does not wait either.
        return


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
