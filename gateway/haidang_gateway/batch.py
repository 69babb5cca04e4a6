"""What one transaction of the store holds, and what comes out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from haidang_gateway.model import Lane, OutLane, Revision

CENTRE = "centre"

BootKey = tuple[str, str, int]
"""Node id, epoch and boot count: what the sequence numbers of packs belong to."""
DayKey = tuple[str, str, str]
"""Node id, ISO day in the site's time zone (of old days the year), and what was counted."""


class PackRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted pack, as the store's table has it.

    `body` has its time resolved, bounds are Unix ms of its first record.
    """

    node: str
    epoch: str
    boot: int
    seq: int
    lane: Lane
    received_ms: int
    at_low_ms: int
    at_high_ms: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """A message that breaks the contract, as it came, with the reason."""

    received_ms: int
    topic: str
    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNote:
    """A line of the audit chain: who wished what; `digest` is a SHA-256 in hex."""

    kind: str
    subject: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to a destination, before its number; `compose` turns its id into its bytes.

    With `chain`, an alarm's id and revision, `compose` gets the documents of the revisions before
    it as well. None instead of bytes: the destination does not want it, and no number is used.
    `again`: it had been sent before, and was asked for once more.
    """

    destination: str
    lane: OutLane
    topic: str
    compose: Callable[..., bytes | None]
    chain: tuple[str, int] | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A numbered message whose bytes never change again."""

    destination: str
    seq: int
    lane: OutLane
    topic: str
    payload: bytes
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything that becomes durable together, or not at all; None deletes what it stands for.

    `released` are rows of the quarantine that could be read after all.
    """

    now_ms: int
    packs: tuple[PackRow, ...] = ()
    boots: Mapping[BootKey, dict[str, Any] | None] = field(default_factory=dict)
    counts: Mapping[DayKey, int] = field(default_factory=dict)
    states: Mapping[str, dict[str, Any] | None] = field(default_factory=dict)
    revisions: tuple[Revision, ...] = ()
    drafts: tuple[Draft, ...] = ()
    resend: tuple[str, ...] = ()
    quarantine: tuple[QuarantineRow, ...] = ()
    released: tuple[int, ...] = ()
    nodes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    commands: Mapping[str, dict[str, Any] | None] = field(default_factory=dict)
    audits: tuple[AuditNote, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def for_destinations(self) -> bool:
        """Whether a commit has messages for a destination; waiting packs are numbered later."""
        return bool(self.drafts or self.resend)

    @property
    def empty(self) -> bool:
        """Whether a commit would change nothing."""
        return not (
            self.packs
            or self.boots
            or self.counts
            or self.states
            or self.revisions
            or self.drafts
            or self.resend
            or self.quarantine
            or self.released
            or self.nodes
            or self.commands
            or self.audits
            or self.counters
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What a destination has taken over: messages, the alarms among them, the packs in them."""

    messages: int = 0
    alarms: int = 0
    packs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for a destination: messages of each lane and the age anchor of the oldest."""

    alarms: int = 0
    replies: int = 0
    data: int = 0
    packs: int = 0
    oldest_ms: int | None = None
