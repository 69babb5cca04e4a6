"""A simulated node's outbox, window and ledger: what is kept, sent, sent again and told; pure."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from haidang_wire import ranges
from haidang_wire.session_events import SESSION

from haidang_tools.fleet_journal import Journal

Lane = Literal["alarm", "data"]
Name = tuple[int, int]
"""Boot and sequence of a pack."""

_PLACES: Mapping[Lane, int] = {
    "alarm": SESSION["window"],
    "data": SESSION["window"] - SESSION["alarm_places"],
}
_RESEND_MS: int = SESSION["resend_ms"]
_RESEND_CAP_MS: int = SESSION["resend_cap_ms"]


@dataclass(slots=True)
class Held:
    """A pack that waits for its acknowledgement."""

    lane: Lane
    name: Name
    payload: bytes
    delay_ms: int = 0
    due_ms: int = 0


class SimNode:
    """Sends alarms first, at most 32 packs at a time, again what is not acknowledged by name.

    With a journal, what was kept survives the death of the process, as flash does; every start is
    a new boot of the journal's epoch.
    """

    def __init__(
        self,
        node: str,
        epoch: str,
        boot: int = 1,
        journal: Journal | None = None,
        *,
        began_ms: int,
    ) -> None:
        """`epoch` and `boot` are the journal's where it has some; the boot began at Unix ms."""
        self.id = node
        self.epoch = epoch
        self.boot = boot
        self.began_ms = began_ms
        self.next_seq = 0
        self.kept = 0
        self.sent = 0
        self._journal = journal
        self._held: dict[Name, Held] = {}
        self._nexts: dict[int, int] = {}
        if journal is not None:
            self._recover(journal)
        self._fresh: dict[Lane, deque[Held]] = {"alarm": deque(), "data": deque()}
        self._on_way: dict[Name, Held] = {}
        self._data_on_way = 0
        self._look_ms = 0
        self._read_ms = began_ms
        self.restart()

    def __len__(self) -> int:
        """How many packs are held."""
        return len(self._held)

    def read_at(self, unix_ms: int) -> int:
        """When the node reads its sensors now: once in a millisecond, later than ever before."""
        self._read_ms = max(unix_ms, self._read_ms + 1)
        return self._read_ms

    def keep(self, lane: Lane, payload: bytes) -> None:
        """Keep the pack of the next number, durably where there is a journal."""
        held = Held(lane, (self.boot, self.next_seq), payload)
        if self._journal is not None:
            self._journal.keep(lane, held.name, payload)
        self.next_seq += 1
        self.kept += 1
        self._held[held.name] = held
        self._fresh[lane].append(held)

    def restart(self) -> None:
        """A new connection, or the gateway is back: all that is held is due."""
        self._on_way.clear()
        self._data_on_way = 0
        for lane, fresh in self._fresh.items():
            fresh.clear()
            fresh.extend(held for held in self._held.values() if held.lane == lane)
        for held in self._held.values():
            held.delay_ms = 0

    def due(self, now_ms: int) -> list[Held]:
        """What is to be sent now; it counts as sent."""
        chosen = self._late(now_ms)
        for lane in ("alarm", "data"):
            fresh = self._fresh[lane]
            while fresh and self._has_room(lane):
                held = fresh.popleft()
                if held.name in self._held and held.name not in self._on_way:
                    self._on_way[held.name] = held
                    self._data_on_way += lane == "data"
                    chosen.append(held)
        for held in chosen:
            held.delay_ms = min(held.delay_ms * 2, _RESEND_CAP_MS) if held.delay_ms else _RESEND_MS
            held.due_ms = now_ms + held.delay_ms
        self.sent += len(chosen)
        return chosen

    def acknowledge(self, epoch: str, boot: int, acked: Sequence[Sequence[int]]) -> int:
        """Free exactly the named packs; how many were held."""
        if epoch != self.epoch:
            return 0
        names = [(boot, seq) for low, high in acked for seq in range(low, high + 1)]
        freed = [name for name in names if name in self._held]
        for name in freed:
            held = self._held.pop(name)
            if self._on_way.pop(name, None) is not None:
                self._data_on_way -= held.lane == "data"
        if self._journal is not None and freed:
            self._journal.free(boot, acked)
        return len(freed)

    def status(self, unix_ms: int, heartbeat_s: int) -> bytes:
        """The status message of this moment, with the ledger of the numbers."""
        nexts = {**self._nexts, self.boot: self.next_seq}
        held = {boot: ranges.from_sorted(self._numbers(boot)) for boot in nexts}
        document = {
            "v": 1,
            "state": "online",
            "fw": "0.1.0",
            "slot": "a",
            "he": self.epoch,
            "hb": self.boot,
            "reset": "power_on",
            # The clock of the machine may be set back to before the boot.
            "up_ms": max(0, unix_ms - self.began_ms),
            "heartbeat_s": heartbeat_s,
            "sensors": ["smoke"],
            "boots": [
                {"hb": boot, "next": following, "held": held[boot][:256], "dropped": []}
                for boot, following in sorted(nexts.items())
                if held[boot] or boot >= self.boot - 1
            ][-64:],
        }
        return json.dumps(document, separators=(",", ":")).encode()

    def _recover(self, journal: Journal) -> None:
        before = journal.read(self.epoch)
        self.epoch, self.boot = before.epoch, before.boot + 1
        self._nexts = before.nexts
        for lane, name, payload in before.held:
            self._held[name] = Held(lane, name, payload)
        journal.begin(self.epoch, self.boot)

    def _numbers(self, boot: int) -> list[int]:
        return sorted(seq for of, seq in self._held if of == boot)

    def _has_room(self, lane: Lane) -> bool:
        if len(self._on_way) >= _PLACES["alarm"]:
            return False
        return lane == "alarm" or self._data_on_way < _PLACES["data"]

    def _late(self, now_ms: int) -> list[Held]:
        if now_ms < self._look_ms:
            return []
        self._look_ms = now_ms + _RESEND_MS // 8
        late = [held for held in self._on_way.values() if held.due_ms <= now_ms]
        return sorted(late, key=lambda held: (held.lane != "alarm", held.name))
