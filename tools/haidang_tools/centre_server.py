"""Stand-in operations centre: checks and commits every message, then acknowledges it."""

import itertools
import logging
import queue
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import paho.mqtt.client as paho
from haidang_wire import messages, ranges, topics
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from haidang_tools.centre_check import Checker, Message, Refusal
from haidang_tools.centre_heads import ChainHead, head_of
from haidang_tools.centre_ledger import Committed, Counts, Ledger
from haidang_tools.errors import ToolError

FILTER = "hd/1/g/+/#"

_log = logging.getLogger(__name__)

# The broker holds back what is beyond this until the ledger has caught up.
_RECEIVE_MAXIMUM = 500
_BATCH = 200
# An alarm waits for the check and the commit of no more than this: some 10 ms.
_BATCH_BYTES = 64 * 1024
_IDLE_S = 0.25
_KEEPALIVE_S = 15
_RECONNECT_S = (1, 5)
# A full disk: nothing is acknowledged meanwhile, the gateways keep everything.
_DISK_RETRY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where the centre's broker is and the centre's own certificate; all PEM files."""

    host: str
    port: int
    ca: Path
    cert: Path
    key: Path


class _Arrival(NamedTuple):
    """Sorted by lane, then by order of arrival: alarms overtake data here, too."""

    lane: int
    order: int
    message: paho.MQTTMessage
    received_ms: int
    connection: int


class Watcher(Protocol):
    """Who is told what arrived, from the centre's own thread, after the commit."""

    def message(self, message: Message) -> None:
        """A new message, or any gateway's status."""

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision whose hash does not fit its neighbour's `prev`."""

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """A gateway's audit chain ends before, or otherwise than, it was told earlier."""


class Centre:
    """Runs on one line with one ledger; `run` blocks until it is told to stop."""

    def __init__(
        self,
        line: Line,
        ledger: Ledger,
        checker: Checker,
        watcher: Watcher,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Keep the parts; nothing is opened yet."""
        self.subscribed = threading.Event()
        self.overrun = 0
        self._line = line
        self._ledger = ledger
        self._checker = checker
        self._watcher = watcher
        self._now_ms = now_ms
        self._arrived: queue.PriorityQueue[_Arrival] = queue.PriorityQueue(_RECEIVE_MAXIMUM)
        self._order = itertools.count()
        self._connection = 0
        self._away = False
        self._client: paho.Client | None = None

    @property
    def counts(self) -> Counts:
        """What has been received since the start."""
        return self._ledger.counts

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; ToolError when a file or the ledger cannot be used."""
        self._checker.load()
        self._ledger.open()
        try:
            self._client = self._new_client()
            self._client.connect_async(
                self._line.host,
                self._line.port,
                keepalive=_KEEPALIVE_S,
                clean_start=True,
                properties=_connect_properties(),
            )
            self._client.loop_start()
            while not stop.is_set():
                self._serve(stop)
        finally:
            self._close()

    def send_command(self, gateway: str, command: dict[str, Any]) -> None:
        """Hand a `centre_cmd` for a gateway to the broker, where it waits for the gateway.

        Raises MessageError when the command breaks the contract, ToolError before `run`.
        """
        if self._client is None:
            raise ToolError("the centre is not running, so it can send no command")
        payload = messages.encode("centre_cmd", command)
        self._client.publish(topics.gateway_topic(gateway, "cmd"), payload, qos=1)

    def _serve(self, stop: threading.Event) -> None:
        batch = self._next_batch()
        if not batch:
            return
        judged = [
            self._checker.judge(one.message.topic, bytes(one.message.payload), one.received_ms)
            for one in batch
        ]
        numbered = [
            one for one in judged if isinstance(one, Refusal) or (one and one.kind != "status")
        ]
        committed = self._committed(numbered, stop)
        if committed is None:
            return
        self._acknowledge(numbered)
        for arrival in batch:
            self._puback(arrival)
        self._tell(judged, committed)

    def _committed(
        self, numbered: Sequence[Message | Refusal], stop: threading.Event
    ) -> Committed | None:
        """What the commit brought; a failing disk is tried again until it works or `stop`."""
        while not stop.is_set():
            try:
                return self._ledger.commit(numbered)
            except ToolError as error:
                _log.error("%s", error)
                stop.wait(_DISK_RETRY_S)
        return None

    def _next_batch(self) -> list[_Arrival]:
        batch: list[_Arrival] = []
        size = 0
        try:
            batch.append(self._arrived.get(timeout=_IDLE_S))
            while len(batch) < _BATCH and size < _BATCH_BYTES:
                size += len(batch[-1].message.payload)
                batch.append(self._arrived.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _acknowledge(self, judged: Sequence[Message | Refusal]) -> None:
        """Acknowledge all that has a number: duplicates again, and refused ones too.

        A refused message kept back by its gateway for ever would help nobody.
        """
        numbers: dict[tuple[str, str], list[list[int]]] = {}
        for one in judged:
            number = one.number if isinstance(one, Refusal) else (one.gateway, one.epoch, one.seq)
            if number is not None:
                ranges.add(numbers.setdefault(number[:2], []), number[2])
        client = self._client
        for (gateway, epoch), received in numbers.items():
            payload = messages.encode("centre_ack", {"epoch": epoch, "s": received})
            if client is not None:
                client.publish(topics.gateway_topic(gateway, "ack"), payload, qos=1)

    def _puback(self, arrival: _Arrival) -> None:
        # On a later connection this packet id names another message, which nobody has read yet.
        if self._client is not None and arrival.connection == self._connection:
            self._client.ack(arrival.message.mid, arrival.message.qos)

    def _tell(self, judged: Sequence[Message | Refusal | None], committed: Committed) -> None:
        for refusal in committed.refused:
            _log.warning("refused: %s: %s", refusal.topic, refusal.reason)
            self._watcher.refused(refusal)
        for revision in committed.broken:
            _log.error("alarm %s rev %s breaks the chain", revision.alarm_id, revision.rev)
            self._watcher.broken(revision.alarm_id, revision.rev)
        new = {id(message) for message in committed.new}
        for one in judged:
            if isinstance(one, Message) and (one.kind == "status" or id(one) in new):
                self._watcher.message(one)
                self._compare(head_of(one))

    def _compare(self, head: ChainHead | None) -> None:
        try:
            kept = self._ledger.compare(head) if head else None
        except ToolError as error:
            _log.error("%s", error)
            return
        if head and kept:
            _log.error("the audit chain of %s ended at %s, now at %s", head.gateway, kept, head)
            self._watcher.went_back(kept, head)

    def _close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
        self._ledger.close()

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        try:
            context = ssl.create_default_context(cafile=str(self._line.ca))
            context.load_cert_chain(self._line.cert, self._line.key)
        except (OSError, ssl.SSLError) as error:
            message = f"the centre's certificate files cannot be used: {error}; check the paths"
            raise ToolError(message) from error
        client.tls_set_context(context)
        client.reconnect_delay_set(*_RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self.subscribed.set()
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: paho.Client, *rest: Any) -> None:
        reason = rest[2]
        if reason.is_failure:
            _log.warning("the broker refused the centre: %s", reason)
            return
        self._connection += 1
        self._away = False
        _log.info("connected to %s:%s", self._line.host, self._line.port)
        client.subscribe(FILTER, qos=1)

    def _on_disconnect(self, *rest: Any) -> None:
        self.subscribed.clear()
        reason = rest[3]
        if reason.is_failure:
            self._note_away(f"the broker closed it ({reason})")

    def _on_connect_fail(self, *_: Any) -> None:
        # paho calls this while it handles the error, and tells it to nobody.
        self._note_away(str(sys.exception() or "no answer"))

    def _note_away(self, why: str) -> None:
        level = logging.DEBUG if self._away else logging.WARNING
        self._away = True
        _log.log(
            level,
            "no connection to the broker %s:%s: %s; trying again. Check address and port, and "
            "that both certificates come from the authorities that the two sides know",
            self._line.host,
            self._line.port,
            why,
        )

    def _on_message(self, _client: Any, _user: Any, message: paho.MQTTMessage) -> None:
        # Received when it reaches the centre, not when its turn comes.
        lane = int(message.topic.endswith("/data"))
        arrival = _Arrival(lane, next(self._order), message, self._now_ms(), self._connection)
        try:
            self._arrived.put_nowait(arrival)
        except queue.Full:
            # Without an acknowledgement its gateway sends it again; the broker's place must not
            # stay taken, or after enough of them it would send nothing any more.
            self.overrun += 1
            self._puback(arrival)


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = _RECEIVE_MAXIMUM
    properties.SessionExpiryInterval = 0
    return properties
