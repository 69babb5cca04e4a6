"""A batch in the making, and whom to answer after its commit."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from haidang_gateway.batch import AuditNote, BootKey, Draft, PackRow, QuarantineRow
from haidang_gateway.inbox import Told
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.model import Lane, Outcome, Revision


@dataclass(frozen=True, slots=True)
class Said:
    """One answer for whoever asked at this gateway; `to` is the id of what was asked."""

    to: str
    said: dict[str, Any]

    @property
    def final(self) -> bool:
        """Whether nothing more is to come."""
        return not self.said.get("more", False)


@dataclass(slots=True)
class Work:
    """What the items of one round change, collected; `answers` are for what was asked here."""

    packs: list[PackRow] = field(default_factory=list)
    states: dict[str, dict[str, object] | None] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    # Open alarms once more, each with the destination that asked.
    again: list[tuple[str, Revision]] = field(default_factory=list)
    # Destinations that get their dead letters once more.
    resend: list[str] = field(default_factory=list)
    replies: list[Draft] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    answers: list[Said] = field(default_factory=list)
    acks: dict[tuple[Lane, BootKey], list[list[int]]] = field(default_factory=dict)
    # Replies of nodes: the node, and the CRC-32 of the reply's bytes.
    heard: list[tuple[str, int]] = field(default_factory=list)
    audits: list[AuditNote] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    alarm_packs: int = 0

    def add(self, outcome: Outcome) -> None:
        """What a fact changed: of nearly all facts nothing."""
        if outcome.states:
            self.states.update(outcome.states)
        if outcome.revisions:
            self.revisions.extend(outcome.revisions)
        if outcome.counts:
            self.counts.update(outcome.counts)
