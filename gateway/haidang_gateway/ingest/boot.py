"""What the gateway knows of one boot of a node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haidang_wire import ranges as seqs

Ranges = list[list[int]]
# What `from_doc` puts in by itself; a `first` of 0 says something.
_NOTHING: tuple[object, ...] = ([], None)


@dataclass(slots=True, kw_only=True)
class Boot:
    """One boot of a node: its sequence numbers and what is known of when it started.

    `quarantined` are packs that could not be read but for their names, and are kept as they came.
    `first` is the lowest number this database answers for (None before the first status);
    numbers below `floor` were forgotten to keep the record small, and count for nothing any more;
    `anchor_ms` the exact Unix time of uptime 0, `latest_ms` the latest it can have been,
    `live_ms` what the last live status said; it is not stored, since a restart may bring another
    clock.
    """

    received: Ranges = field(default_factory=list)
    lost: Ranges = field(default_factory=list)
    dropped: Ranges = field(default_factory=list)
    quarantined: Ranges = field(default_factory=list)
    first: int | None = None
    floor: int = 0
    anchor_ms: int | None = None
    latest_ms: int | None = None
    live_ms: int | None = None

    @property
    def pieces(self) -> int:
        """How many ranges the record holds."""
        return sum(len(ranges) for ranges in self._sets())

    def has(self, seq: int) -> bool:
        """Whether a pack was received; quick where it is newer than all others, as most are."""
        received = self.received
        return bool(received) and seq <= received[-1][1] and bool(seqs.contains(received, seq))

    def forget_half(self) -> None:
        """Forget the older half of the ranges; a pack of theirs is taken when it comes again."""
        ends = sorted(high for ranges in self._sets() for _, high in ranges)
        self.floor = ends[len(ends) // 2] + 1
        for ranges in self._sets():
            ranges[:] = [pair for pair in ranges if pair[1] >= self.floor]

    def to_doc(self) -> dict[str, Any]:
        """As JSON for the store; a copy, since more may come while it is written.

        What holds nothing is left out: each commit writes the records of its nodes anew.
        """
        fields = ((name, getattr(self, name)) for name in self.__slots__ if name != "live_ms")
        return {name: _copy(value) for name, value in fields if value not in _NOTHING}

    @classmethod
    def from_doc(cls, doc: Mapping[str, Any]) -> "Boot":
        """Back from the store; unknown fields of a later version are ignored."""
        return cls(**{name: doc[name] for name in cls.__slots__ if name in doc})

    def _sets(self) -> tuple[Ranges, ...]:
        return self.received, self.lost, self.dropped, self.quarantined


def put(ranges: Ranges, seq: int) -> bool:
    """As haidang_wire.ranges.add; quick for the number behind the last one, as most are."""
    if ranges and ranges[-1][1] + 1 == seq:
        ranges[-1][1] = seq
        return True
    return bool(seqs.add(ranges, seq))


def _copy(value: Any) -> Any:
    return [pair[:] for pair in value] if isinstance(value, list) else value
