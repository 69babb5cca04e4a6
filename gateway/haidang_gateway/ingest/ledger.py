"""The loss ledger: what of each boot of each node has come, is held, was dropped, or is lost."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

from haidang_wire import ranges as seqs

from haidang_gateway.batch import BootKey, DayKey
from haidang_gateway.ingest.boot import Boot, Ranges, put
from haidang_gateway.ingest.range_sets import outside, union, without

Verdict = Literal["new", "late", "duplicate"]

_FIRST_SEQ = 0
# No day of any time zone begins within one.
_MINUTE_MS = 60_000
# Boots below those a node still speaks of are kept this far back to recognise duplicates.
_KEEP_BOOTS = 16
# A node with broken flash draws a new epoch at each start, and a hostile one invents them. A
# status names 64 boots at most; an outbox acknowledged here and there makes 3,500 ranges.
_MOST_BOOTS = 128
_MOST_RANGES = 8192
# A cause is a column of the ledger for ever; the firmware knows fewer than ten.
_MOST_CAUSES = 16
_OTHER_CAUSE = "other"
_CAUSE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz_")


class Ledger:
    """All boots in memory; what changed since the last `take` goes into the next commit."""

    def __init__(
        self,
        docs: Mapping[BootKey, Mapping[str, Any]],
        created_ms: int,
        day_of: Callable[[int], str],
        step_ms: int = 0,
    ) -> None:
        """`created_ms`: since when the database exists; `day_of` turns Unix ms into a day.

        `step_ms`: by so much the wall clock was set lately; when boots began is learnt anew then.
        """
        self.step_ms = step_ms
        self._boots = {key: Boot.from_doc(doc) for key, doc in docs.items()}
        if step_ms:
            for boot in self._boots.values():
                boot.anchor_ms = boot.latest_ms = None
        # By node, the one that was longest not spoken of first.
        self._order: dict[str, dict[BootKey, None]] = {}
        for key in self._boots:
            self._order.setdefault(key[0], {})[key] = None
        self._causes: dict[str, set[str]] = {}
        self._created_ms = created_ms
        self._day_of = day_of
        # The boot of each node that it spoke of last.
        self._newest: dict[str, BootKey] = {}
        self._changed: set[BootKey] = set()
        # By node, what was counted, and minute: of each the day is looked up once.
        self._counts: dict[tuple[str, str, int], int] = {}

    def boot(self, key: BootKey) -> Boot:
        """The record of a boot, made on its first mention; marks it as changed.

        It takes the place of the one that its node has not spoken of for longest.
        """
        self._changed.add(key)
        if self._newest.get(key[0]) != key:
            self._put_last(key)
        return self._boots[key]

    def boots_of(self, node: str, epoch: str) -> dict[int, Boot]:
        """All known boots of a node's epoch by boot count."""
        return {key[2]: self._boots[key] for key in self._order.get(node, {}) if key[1] == epoch}

    def has(self, key: BootKey, seq: int) -> bool:
        """Whether a pack was received before."""
        return key in self._boots and self._boots[key].has(seq)

    def accept(self, key: BootKey, seq: int, received_ms: int) -> Verdict:
        """Note a received pack; a lost one that comes after all is taken off the losses."""
        return self.note_pack(self.boot(key), key[0], seq, received_ms)

    def note_pack(self, boot: Boot, node: str, seq: int, received_ms: int) -> Verdict:
        """As `accept`, with what `boot` has just given."""
        if not put(boot.received, seq):
            self.count(node, "duplicates", received_ms)
            return "duplicate"
        self.count(node, "received", received_ms)
        late = bool(boot.lost) and bool(seqs.remove(boot.lost, seq))
        if late:
            self.count(node, "late", received_ms)
            self.count(node, "lost", received_ms, -1)
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
        # One that is named more often than once is booked once.
        for entry in {entry["hb"]: entry for entry in status["boots"]}.values():
            key = (node, epoch, entry["hb"])
            boot = self.boot(key)
            if boot.first is None:
                ours = known_before or (fresh and entry["hb"] == current)
                boot.first = _FIRST_SEQ if ours else max(entry["next"], _FIRST_SEQ)
            self._book(key, boot, entry, received_ms)
        self._forget(node, epoch, min((e["hb"] for e in status["boots"]), default=current))

    def count(self, node: str, what: str, at_ms: int, by: int = 1) -> None:
        """Add to a day's count of a node."""
        key = node, what, at_ms // _MINUTE_MS
        self._counts[key] = self._counts.get(key, 0) + by

    def take(self) -> tuple[dict[BootKey, dict[str, Any] | None], dict[DayKey, int]]:
        """Changed boots (None: forget it) and counts since the last take, for one commit."""
        for node in {key[0] for key in self._changed}:
            self._bound_ranges(node)
        docs = {
            key: self._boots[key].to_doc() if key in self._boots else None for key in self._changed
        }
        counts: Counter[DayKey] = Counter()
        for (node, what, minute), count in self._counts.items():
            counts[node, self._day_of(minute * _MINUTE_MS), what] += count
        self._changed, self._counts = set(), {}
        return docs, {key: count for key, count in counts.items() if count}

    def _put_last(self, key: BootKey) -> None:
        """Make it the boot that its node has just spoken of, and known."""
        order = self._order.setdefault(key[0], {})
        order.pop(key, None)
        order[key] = None
        self._newest[key[0]] = key
        if key not in self._boots:
            self._boots[key] = Boot()
        while len(order) > _MOST_BOOTS:
            self._drop(next(iter(order)))

    def _book(self, key: BootKey, boot: Boot, entry: Mapping[str, Any], received_ms: int) -> None:
        self._book_dropped(key[0], boot, entry["dropped"], received_ms)
        accounted = union(boot.received, boot.dropped, boot.lost, boot.quarantined, entry["held"])
        lost = seqs.gaps(accounted, max(boot.first or _FIRST_SEQ, boot.floor), entry["next"])
        if lost:
            boot.lost = union(boot.lost, lost)
            self.count(key[0], "lost", received_ms, seqs.count(lost))

    def _book_dropped(
        self, node: str, boot: Boot, dropped: list[tuple[int, int, str]], received_ms: int
    ) -> None:
        known = union(boot.received, boot.dropped, boot.quarantined) if dropped else []
        news: Ranges = []
        for low, high, cause in outside(known, dropped, boot.floor):
            news.append([low, high])
            what = f"dropped:{self._cause(node, cause)}"
            self.count(node, what, received_ms, high - low + 1)
        if not news:
            return
        missed, boot.lost = boot.lost, without(boot.lost, news)
        self.count(node, "lost", received_ms, seqs.count(boot.lost) - seqs.count(missed))
        boot.dropped = union(boot.dropped, news)

    def _forget(self, node: str, epoch: str, oldest: int) -> None:
        for number in self.boots_of(node, epoch):
            if number < oldest - _KEEP_BOOTS:
                self._drop((node, epoch, number))

    def _drop(self, key: BootKey) -> None:
        del self._order[key[0]][key]
        if self._newest.get(key[0]) == key:
            del self._newest[key[0]]
        self._boots.pop(key, None)
        self._changed.add(key)

    def _bound_ranges(self, node: str) -> None:
        boots = {key: self._boots[key] for key in self._order.get(node, {})}
        while sum(boot.pieces for boot in boots.values()) > _MOST_RANGES:
            key = max(boots, key=lambda key: boots[key].pieces)
            boots[key].forget_half()
            self._changed.add(key)

    def _cause(self, node: str, cause: str) -> str:
        known = self._causes.setdefault(node, set())
        if set(cause) <= _CAUSE_CHARACTERS and len(known) < _MOST_CAUSES:
            known.add(cause)
        return cause if cause in known else _OTHER_CAUSE
