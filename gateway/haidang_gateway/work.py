"""A batch in the making, and whom to answer after its commit."""

from collections import Counter
from dataclasses import dataclass, field

from haidang_gateway.batch import AuditNote, BootKey, Draft, PackRow, QuarantineRow
from haidang_gateway.fleet.order import Answer
from haidang_gateway.inbox import Told
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.model import Lane, Outcome, Revision


@dataclass(slots=True)
class Work:
    """What the items of one round change, collected; `answers` are for orders made here."""

    packs: list[PackRow] = field(default_factory=list)
    states: dict[str, dict[str, object] | None] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    again: list[Revision] = field(default_factory=list)
    replies: list[Draft] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    acks: dict[tuple[Lane, BootKey], list[list[int]]] = field(default_factory=dict)
    audits: list[AuditNote] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    alarm_packs: int = 0

    def add(self, outcome: Outcome) -> None:
        """What a fact changed."""
        self.states.update(outcome.states)
        self.revisions.extend(outcome.revisions)
        self.counts.update(outcome.counts)
