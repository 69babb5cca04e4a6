"""The loss ledger: what of each boot of each node has come, is held, was dropped, or is lost."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from haidang_wire import ranges as seqs

from haidang_gateway.batch import BootKey, DayKey

Ranges = list[list[int]]
Verdict = Literal["new", "late", "duplicate"]

_FIRST_SEQ = 0
# Boots below those a node still speaks of are kept this far back to recognise duplicates.
_KEEP_BOOTS = 16


@dataclass(slots=True, kw_only=True)
class Boot:
    """One boot of a node: its sequence numbers and what is known of when it started.

    `quarantined` are packs that could not be read but for their names, and are kept as they came.
    `first` is the lowest number this database answers for (None before the first status);
    `anchor_ms` the exact Unix time of uptime 0, `latest_ms` the latest it can have been,
    `live_ms` what the last live status said; it is not stored, since a restart may bring another
    clock.
    """

    received: Ranges = field(default_factory=list)
    lost: Ranges = field(default_factory=list)
    dropped: Ranges = field(default_factory=list)
    quarantined: Ranges = field(default_factory=list)
    first: int | None = None
    anchor_ms: int | None = None
    latest_ms: int | None = None
    live_ms: int | None = None

    def to_doc(self) -> dict[str, Any]:
        """As JSON for the store."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "live_ms"}

    @classmethod
    def from_doc(cls, doc: Mapping[str, Any]) -> "Boot":
        """Back from the store; unknown fields of a later version are ignored."""
        return cls(**{name: doc[name] for name in cls.__slots__ if name in doc})


class Ledger:
    """All boots in memory; what changed since the last `take` goes into the next commit."""

    def __init__(
        self,
        docs: Mapping[BootKey, Mapping[str, Any]],
        created_ms: int,
        day_of: Callable[[int], str],
    ) -> None:
        """`created_ms`: since when the database exists; `day_of` turns Unix ms into a day."""
        self._boots = {key: Boot.from_doc(doc) for key, doc in docs.items()}
        self._created_ms = created_ms
        self._day_of = day_of
        self._changed: set[BootKey] = set()
        self._counts: Counter[DayKey] = Counter()

    def boot(self, key: BootKey) -> Boot:
        """The record of a boot, made on its first mention; marks it as changed."""
        self._changed.add(key)
        return self._boots.setdefault(key, Boot())

    def boots_of(self, node: str, epoch: str) -> dict[int, Boot]:
        """All known boots of a node's epoch by boot count."""
        return {
            number: boot
            for (name, era, number), boot in self._boots.items()
            if name == node and era == epoch
        }

    def has(self, key: BootKey, seq: int) -> bool:
        """Whether a pack was received before."""
        return key in self._boots and bool(seqs.contains(self._boots[key].received, seq))

    def accept(self, key: BootKey, seq: int, received_ms: int) -> Verdict:
        """Note a received pack; a lost one that comes after all is taken off the losses."""
        boot = self.boot(key)
        if not seqs.add(boot.received, seq):
            self.count(key[0], "duplicates", received_ms)
            return "duplicate"
        self.count(key[0], "received", received_ms)
        late = seqs.remove(boot.lost, seq)
        if late:
            self.count(key[0], "late", received_ms)
            self.count(key[0], "lost", received_ms, -1)
        return "late" if late else "new"

    def set_aside(self, key: BootKey, seq: int, received_ms: int) -> None:
        """Note a pack that lies in quarantine: not received, and not lost either.

        A sound pack of the same name is still accepted.
        """
        boot = self.boot(key)
        seqs.add(boot.quarantined, seq)
        if seqs.remove(boot.lost, seq):
            self.count(key[0], "lost", received_ms, -1)

    def note_status(self, node: str, status: Mapping[str, Any], received_ms: int) -> None:
        """Book what a live, checked status message says about the node's boots."""
        epoch, current = status["he"], status["hb"]
        fresh = received_ms - status["up_ms"] >= self._created_ms
        known_before = any(boot.first is not None for boot in self.boots_of(node, epoch).values())
        for entry in status["boots"]:
            key = (node, epoch, entry["hb"])
            boot = self.boot(key)
            if boot.first is None:
                ours = known_before or (fresh and entry["hb"] == current)
                boot.first = _FIRST_SEQ if ours else max(entry["next"], _FIRST_SEQ)
            self._book(key, boot, entry, received_ms)
        self._forget(node, epoch, min((e["hb"] for e in status["boots"]), default=current))

    def count(self, node: str, what: str, at_ms: int, by: int = 1) -> None:
        """Add to a day's count of a node."""
        self._counts[node, self._day_of(at_ms), what] += by

    def take(self) -> tuple[dict[BootKey, dict[str, Any] | None], dict[DayKey, int]]:
        """Changed boots (None: forget it) and counts since the last take, for one commit."""
        docs = {
            key: self._boots[key].to_doc() if key in self._boots else None for key in self._changed
        }
        counts = {key: count for key, count in self._counts.items() if count}
        self._changed, self._counts = set(), Counter()
        return docs, counts

    def _book(self, key: BootKey, boot: Boot, entry: Mapping[str, Any], received_ms: int) -> None:
        for low, high, cause in entry["dropped"]:
            known = _union(boot.received, boot.dropped, boot.quarantined)
            for gap_low, gap_high in seqs.gaps(known, low, high + 1):
                seqs.add_range(boot.dropped, gap_low, gap_high)
                missed = _take_out(boot.lost, gap_low, gap_high)
                self.count(key[0], "lost", received_ms, -missed)
                self.count(key[0], f"dropped:{cause}", received_ms, gap_high - gap_low + 1)
        accounted = _union(boot.received, boot.dropped, boot.lost, boot.quarantined, entry["held"])
        lost = seqs.gaps(accounted, boot.first or _FIRST_SEQ, entry["next"])
        for low, high in lost:
            seqs.add_range(boot.lost, low, high)
        self.count(key[0], "lost", received_ms, seqs.count(lost))

    def _forget(self, node: str, epoch: str, oldest: int) -> None:
        for number in self.boots_of(node, epoch):
            if number < oldest - _KEEP_BOOTS:
                del self._boots[node, epoch, number]
                self._changed.add((node, epoch, number))


def _union(*sets: Ranges) -> Ranges:
    union: Ranges = []
    for ranges in sets:
        for low, high in ranges:
            seqs.add_range(union, low, high)
    return union


def _take_out(ranges: Ranges, low: int, high: int) -> int:
    before = seqs.count(ranges)
    ranges[:] = [
        [lo, hi]
        for a, b in ranges
        for lo, hi in ((a, min(b, low - 1)), (max(a, high + 1), b))
        if lo <= hi
    ]
    return before - seqs.count(ranges)
