"""One serial port with its nodes: polls them while the device is there, waits while it is not."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence

from haidang_wire import messages, topics
from haidang_wire.errors import WireError
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

from haidang_gateway.clock import Clock
from haidang_gateway.errors import SerialPortError
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.serial_keys import read_key
from haidang_gateway.ingest.serial_port import READ_BYTES, SerialPort
from haidang_gateway.model import Lane
from haidang_gateway.redial import SERIAL_PORT, Redial
from haidang_gateway.settings import SerialSettings

_log = logging.getLogger(__name__)

_KINDS = {ALARM: "alarm", DATA: "data", STATUS: "status", REPLY: "reply"}
_SHORTEST_WAIT_S = 0.001
_LONGEST_WAIT_S = 1.0
# So much at once is no answer of a node: a line that babbles is read at its own pace.
_BABBLE_S = 0.05
# A node takes messages of 2 KiB (haidang_node/serial_uplink.py); a range is 24 characters at most.
_ACK_RANGES = 80
# Fragments that wait for a node which answers and takes nothing: what is beyond comes again.
_LANE_ROOM = 32

OnSession = Callable[[str], None]


class SerialLine:
    """The master of one bus; a device that is away is tried for ever, its nodes fall silent.

    `up` while the device is open; `nodes` are those it is configured with.
    """

    def __init__(self, settings: SerialSettings, *, clock: Clock, inbox: Inbox) -> None:
        """Store the arguments; `run` opens the device."""
        self.device = settings.device
        self.nodes = frozenset(settings.nodes)
        self.up = False
        self.refused = 0
        self.bus: Bus | None = None
        self.peers: dict[str, Peer] = {}
        self._settings = settings
        self._clock = clock
        self._inbox = inbox
        self._wake = asyncio.Event()
        self._down_since_ms: int | None = None
        self._redial = Redial(SERIAL_PORT)
        self._silent_since_ms: dict[str, int] = {}

    async def run(self, on_session: OnSession) -> None:
        """Poll until cancelled; `on_session(node)` where a node began a new session."""
        while True:
            try:
                await self._connection(on_session)
            except SerialPortError as error:
                self._went_down(error)
                now_ms = self._clock.monotonic_ms()
                await asyncio.sleep(self._redial.pause_s(now_ms, error))

    def is_open(self, node: str) -> bool:
        """Whether there is a session with this node."""
        peer = self.peers.get(node)
        return peer is not None and bool(peer.open)

    def publish_ack(
        self, node: str, epoch: str, boot: int, ranges: Sequence[Sequence[int]]
    ) -> None:
        """Tell a node what is committed; where its lane is full it will ask again."""
        for start in range(0, len(ranges), _ACK_RANGES):
            part = [list(pair) for pair in ranges[start : start + _ACK_RANGES]]
            self._send(node, ACK, messages.encode("ack", {"he": epoch, "hb": boot, "s": part}))

    def publish_heard(self, node: str, crc: int) -> None:
        """Tell a node which reply is committed; where its lane is full the reply comes again."""
        self._send(node, ACK, messages.encode("reply_ack", {"reply": crc}))

    def publish_command(self, node: str, payload: bytes) -> bool:
        """Send a command; False where it cannot be sent now."""
        return self._send(node, COMMAND, payload)

    def _send(self, node: str, kind: int, data: bytes) -> bool:
        lane = ORDINARY if kind == COMMAND else URGENT
        if not self.is_open(node) or self.peers[node].waiting(lane) >= _LANE_ROOM:
            return False
        self.peers[node].send(kind, data, lane)
        self._wake.set()
        return True

    async def _connection(self, on_session: OnSession) -> None:
        port = SerialPort(self.device, self._settings.baud)
        self.peers = self._keyed_peers()
        bus = self.bus = Bus(list(self.peers.values()), self._settings.baud)
        try:
            # A driver may take its time over opening.
            handle = await asyncio.to_thread(port.open)
            self._came_up()
            while True:
                await self._turn(port, handle, bus, on_session)
        finally:
            self.up = False
            self.peers = {}
            port.close()

    async def _turn(self, port: SerialPort, handle: int, bus: Bus, on_session: OnSession) -> None:
        readable = await self._wait(handle, bus.wait_ms(self._clock.monotonic_ms()))
        looked_ms = self._clock.monotonic_ms()
        data = port.read() if readable else b""
        for event in bus.receive(data, self._clock.monotonic_ms()):
            self._take(event, on_session)
        # As of the look: where the process stood still, what came meanwhile is read first.
        if frame := bus.step(looked_ms):
            port.write(frame)
        if len(data) == READ_BYTES:
            await asyncio.sleep(_BABBLE_S)

    async def _wait(self, handle: int, wait_ms: int) -> bool:
        """Until something comes in or is to go out, at most as long as the bus has time.

        True where there is something to read.
        """
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()

        def came_in() -> None:
            readable.set()
            self._wake.set()

        self._wake.clear()
        loop.add_reader(handle, came_in)
        try:
            async with asyncio.timeout(
                min(max(wait_ms / 1000, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
            ):
                await self._wake.wait()
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(handle)
        return readable.is_set()

    def _take(self, event: Event, on_session: OnSession) -> None:
        if event.kind == SESSION_BEGUN:
            self._answers(event.node)
            on_session(event.node)
        elif event.kind == SESSION_LOST:
            self._silent(event.node)
        elif event.kind == TIME:
            self._answer_time(event)
        elif event.kind in _KINDS:
            self._arrive(event.node, _KINDS[event.kind], event.data)
        elif event.kind != TAKEN:
            _log.debug("%s sent a message of kind %s, unknown here", event.node, event.kind)

    def _arrive(self, node: str, kind: str, payload: bytes) -> None:
        lane: Lane = "alarm" if kind in {"alarm", "status"} else "data"
        arrival = Arrival(
            topic=topics.node_topic(node, kind),
            payload=payload,
            lane=lane,
            retained=False,
            packet_id=0,
            received_ms=self._clock.now_ms(),
            session="serial",
            connection=0,
        )
        inbox = self._inbox
        puts = {"alarm": inbox.put_urgent, "status": inbox.put_status}
        if not puts.get(kind, inbox.put_data)(arrival):
            # Without an ack the node keeps it and sends it again.
            self.refused += 1

    def _answer_time(self, event: Event) -> None:
        try:
            request = messages.decode("time_request", event.data)
        except WireError as error:
            _log.warning("a time request of %s is not readable: %s", event.node, error)
            return
        answer = {"nonce": request["nonce"], "unix_ms": self._clock.now_ms()}
        self._send(event.node, TIME, messages.encode("time_answer", answer))

    def _keyed_peers(self) -> dict[str, Peer]:
        """A peer for each node with a key; one without is left out, and falls silent."""
        peers = {}
        for node in self._settings.nodes:
            key, problem = read_key(self._settings, node)
            if key:
                peers[node] = Peer(node, key, os.urandom)
            elif self._down_since_ms is None:
                _log.error("%s is not polled: %s", node, problem)
        return peers

    def _came_up(self) -> None:
        self.up = True
        self._redial.up(self._clock.monotonic_ms())
        if self._down_since_ms is None:
            _log.info("%s is open, %s nodes are polled", self.device, len(self.peers))
            return
        away_s = (self._clock.monotonic_ms() - self._down_since_ms) / 1000
        _log.info("%s is open again after %.1f s", self.device, away_s)
        self._down_since_ms = None

    def _went_down(self, error: SerialPortError) -> None:
        first = self._down_since_ms is None
        if first:
            self._down_since_ms = self._clock.monotonic_ms()
        _log.log(
            logging.WARNING if first else logging.DEBUG,
            "%s; its nodes cannot be heard; trying again for ever",
            error,
        )

    def _answers(self, node: str) -> None:
        since_ms = self._silent_since_ms.pop(node, None)
        if since_ms is None:
            _log.info("%s answers on %s", node, self.device)
        else:
            away_s = (self._clock.monotonic_ms() - since_ms) / 1000
            _log.info("%s answers on %s again after %.1f s", node, self.device, away_s)

    def _silent(self, node: str) -> None:
        if node not in self._silent_since_ms:
            self._silent_since_ms[node] = self._clock.monotonic_ms()
            _log.warning("%s no longer answers on %s", node, self.device)
