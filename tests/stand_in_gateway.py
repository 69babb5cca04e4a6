"""What stands in for the gateway at a node's broker, and its accounts of numbers received."""

import json
import threading
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from haidang_wire import messages, ranges, senml, topics
from mqtt_peer import Peer

# Epoch, boot, sequence number.
PackKey = tuple[str, int, int]

_DATA_KINDS = ("data", "reply", "time")
_UNIX_MS = 1_764_000_000_000


class StandInGateway:
    """Two clients of the gateway: takes packs, acknowledges them after its "commit"."""

    def __init__(
        self,
        ca: Path,
        port: int,
        node: str,
        *,
        acknowledging: bool = True,
        telemetry_commit_s: float = 0.0,
    ) -> None:
        """Keep the arguments; connect with `with`. It answers `node` alone.

        telemetry_commit_s: for how long telemetry is gathered for a commit; 1 s at the real one.
        """
        self.node = node
        self.acknowledging = acknowledging
        self._telemetry_commit_s = telemetry_commit_s
        self._uncommitted: list[PackKey] = []
        self._oldest_s = 0.0
        self.packs: dict[PackKey, list[senml.Pack]] = {}
        self.lanes: dict[PackKey, str] = {}
        self.statuses: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []
        self.bad: list[str] = []
        self.clock_ahead_ms = 0
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

    def kill(self) -> None:
        """Vanish without a word; the end of the `with` block does nothing more then."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for peer in (self._alarm, self._data):
            peer.kill()

    def seen(self, name: str) -> list[Any]:
        """All values received under a record name, in order of arrival."""
        firsts = [copies[0] for copies in list(self.packs.values())]
        return [r.value for pack in firsts for r in pack.records if r.name == name]

    def say(self, state: str) -> None:
        """The gateway's retained status towards all nodes."""
        document = json.dumps({"v": 1, "state": state}).encode()
        self._data.publish(topics.GW_STATUS, document, retain=True)

    def unix_ms(self, up_ms: int) -> int:
        """The time that this gateway's clock shows at an uptime of the node."""
        return _UNIX_MS + self.clock_ahead_ms + up_ms

    def order(self, do: str, order_id: str, args: dict[str, Any] | None = None) -> None:
        """Send a command."""
        document = {"id": order_id, "do": do, "exp_ms": _UNIX_MS + 3_600_000}
        if args is not None:
            document["args"] = args
        self._data.publish(topics.node_topic(self.node, "cmd"), messages.encode("cmd", document))

    def acknowledge(self, keys: Iterable[PackKey]) -> None:
        """Send the application's acknowledgement for packs."""
        boots: dict[tuple[str, int], list[list[int]]] = {}
        for epoch, boot, seq in keys:
            ranges.add(boots.setdefault((epoch, boot), []), seq)
        for (epoch, boot), numbers in boots.items():
            ack = messages.encode("ack", {"he": epoch, "hb": boot, "s": numbers})
            self._data.publish(topics.node_topic(self.node, "ack"), ack)

    def _serve(self, peer: Peer) -> None:
        while not self._stop.is_set():
            if peer is self._data:
                self._commit_telemetry()
            try:
                message = peer.next(timeout_s=0.05)
            except Exception as error:
                if type(error).__name__ != "Empty":
                    raise
                continue
            try:
                self._take(topics.parse(message.topic).kind, bytes(message.payload))
            except ValueError as error:
                self.bad.append(f"{message.topic}: {error}")

    def _take(self, kind: str, payload: bytes) -> None:
        if kind in ("alarm", "data"):
            pack = senml.decode_pack(payload)
            key = (pack.epoch, pack.boot, pack.seq)
            self.packs.setdefault(key, []).append(pack)
            self.lanes[key] = kind
            if self.acknowledging and kind == "data" and self._telemetry_commit_s:
                self._oldest_s = self._oldest_s if self._uncommitted else time.monotonic()
                self._uncommitted.append(key)
            elif self.acknowledging:
                self.acknowledge([key])
        elif kind == "status":
            self.statuses.append(messages.decode("status", payload))
        elif kind == "reply":
            self._take_reply(payload)
        elif kind == "time":
            self._answer_time(json.loads(payload))

    def _commit_telemetry(self) -> None:
        late_s = time.monotonic() - self._oldest_s
        if self._uncommitted and late_s >= self._telemetry_commit_s:
            gathered, self._uncommitted = self._uncommitted, []
            self.acknowledge(sorted(gathered))

    def _take_reply(self, payload: bytes) -> None:
        heard = messages.encode("reply_ack", {"reply": zlib.crc32(payload)})
        self._data.publish(topics.node_topic(self.node, "ack"), heard)
        self.replies.append(messages.decode("reply", payload))

    def _answer_time(self, request: dict[str, Any]) -> None:
        if "up_ms" in request:
            answer = {"nonce": request["nonce"], "unix_ms": self.unix_ms(request["up_ms"])}
            topic = topics.node_topic(self.node, "time")
            self._data.publish(topic, messages.encode("time_answer", answer))


def complete(*gateways: StandInGateway) -> bool:
    """Whether all numbers of one boot from 0 on have come, together to these gateways."""
    keys = sorted({key for gateway in gateways for key in gateway.packs})
    boots = {key[:2] for key in keys}
    return len(boots) == 1 and len(keys) > 5 and [k[2] for k in keys] == list(range(len(keys)))


def explained(gateway: StandInGateway, epoch: str, boot: int, earlier: set[PackKey]) -> bool:
    """Whether a later boot's status accounts for every number of `boot`.

    Each number below `next` was received (now or in `earlier`), is held or is named as dropped.
    """
    rows = [row for status in gateway.statuses for row in status["boots"] if row["hb"] == boot]
    if not rows or gateway.statuses[-1]["hb"] <= boot:
        return False
    received = [key[2] for key in set(gateway.packs) | earlier if key[:2] == (epoch, boot)]
    numbers = ranges.from_sorted(sorted(received))
    for lo, hi in rows[-1]["held"] + [drop[:2] for drop in rows[-1]["dropped"]]:
        ranges.add_range(numbers, lo, hi)
    return ranges.gaps(numbers, 0, rows[-1]["next"]) == []
