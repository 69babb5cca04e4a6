"""Deletes the pictures of alarms when their time is up, or the oldest when they grow too many.

Each deletion is a line of the audit chain, written before the files go: a crash between the two
deletes again, and notes it again.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from haidang_gateway.batch import AuditNote, Batch
from haidang_gateway.errors import StoreError
from haidang_gateway.settings import EvidenceSettings
from haidang_gateway.store import age
from haidang_gateway.store.schema import Connection

_log = logging.getLogger(__name__)

EVIDENCE = "evidence"
"""The folder of all alarms' pictures inside the data folder."""
_EVERY_S = 60.0
_DAY_MS = 86_400_000
# A half-written event that a crash left behind; a worker writes one in well under a minute.
_STALE_MS = 3_600_000
_AT_ONCE = 50


class _Store(Protocol):
    async def commit(self, batch: Batch) -> None:
        """Make the batch durable."""

    async def read(self, work: Callable[[Connection], int]) -> int:
        """Something that is read beside the commits."""


class _Clock(Protocol):
    def now_ms(self) -> int:
        """Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One event's folder: when it was seen, how large it is."""

    path: Path
    at_ms: int
    size_bytes: int

    @property
    def subject(self) -> str:
        """How the audit names it: camera and folder."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def digest(self) -> str:
        """The beginning of the picture's SHA-256, as the folder's name has it."""
        return self.path.name.partition("-")[2]


def doomed(
    events: Sequence[Kept], settings: EvidenceSettings, now_ms: int
) -> dict[str, list[Kept]]:
    """What is to go, by reason: "expired" by age, "overflow" from the oldest on. Pure."""
    end_ms = now_ms - settings.keep_days * _DAY_MS
    expired = [event for event in events if event.at_ms < end_ms]
    rest = sorted((e for e in events if e.at_ms >= end_ms), key=lambda e: e.at_ms, reverse=True)
    room, overflow = settings.max_mb * 1_000_000, []
    for event in rest:
        room -= event.size_bytes
        if room < 0:
            overflow.append(event)
    return {"expired": expired, "overflow": overflow}


class EvidenceCare:
    """Looks through the folder once a minute."""

    def __init__(
        self, folder: Path, settings: EvidenceSettings, store: _Store, clock: _Clock
    ) -> None:
        """Store the parts."""
        self._folder = folder
        self._settings = settings
        self._store = store
        self._clock = clock
        self.deleted = {"expired": 0, "overflow": 0}
        self.kept_bytes = 0
        self.kept = 0
        self._noted: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled; trouble with the disk or the store is tried again."""
        while True:
            try:
                await self.step()
            except (StoreError, OSError) as error:
                _log.warning("evidence in %s cannot be cleared up: %s", self._folder, error)
            await asyncio.sleep(_EVERY_S)

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Figures for Prometheus."""
        return [
            ("haidang_evidence_events", {}, self.kept),
            ("haidang_evidence_bytes", {}, self.kept_bytes),
            *(
                ("haidang_evidence_deleted_total", {"why": why}, count)
                for why, count in self.deleted.items()
            ),
        ]

    async def step(self) -> None:
        """Look once: note what goes, then delete it."""
        now_ms = self._clock.now_ms()
        # A clock that is years ahead makes no picture old.
        aged_ms = await self._store.read(lambda c: age.known(c, now_ms))
        events = await asyncio.to_thread(look, self._folder, now_ms)
        self.kept, self.kept_bytes = len(events), sum(event.size_bytes for event in events)
        for reason, chosen in doomed(events, self._settings, aged_ms).items():
            # What could not be deleted before goes last: it must not keep the others.
            chosen.sort(key=lambda event: event.subject in self._noted)
            for event in chosen[:_AT_ONCE]:
                await self._delete(event, reason, now_ms)

    async def _delete(self, event: Kept, reason: str, now_ms: int) -> None:
        if event.subject not in self._noted:
            note = AuditNote(kind=f"evidence_{reason}", subject=event.subject, digest=event.digest)
            counter = {f"evidence_{reason}": 1}
            await self._store.commit(Batch(now_ms=now_ms, audits=(note,), counters=counter))
            self._noted.add(event.subject)
        try:
            await asyncio.to_thread(shutil.rmtree, event.path)
        except OSError as error:
            _log.warning("%s cannot be deleted (%s); check its owner", event.path, error.strerror)
            return
        self._noted.discard(event.subject)
        self.deleted[reason] += 1
        self.kept, self.kept_bytes = self.kept - 1, self.kept_bytes - event.size_bytes


def look(folder: Path, now_ms: int) -> list[Kept]:
    """Return the events below `folder`; what a crash left half written is removed."""
    return list(_events(folder, now_ms)) if folder.is_dir() else []


def _events(folder: Path, now_ms: int) -> Iterator[Kept]:
    for camera in folder.iterdir():
        for path in camera.iterdir() if camera.is_dir() else ():
            # A worker renames what it has written, another command deletes: gone is gone.
            with suppress(FileNotFoundError):
                if path.name.startswith("."):
                    if now_ms - path.stat().st_mtime * 1000 > _STALE_MS:
                        shutil.rmtree(path, ignore_errors=True)
                    continue
                at, _, _ = path.name.partition("-")
                if at.isdigit() and path.is_dir():
                    yield Kept(path, int(at), _size_bytes(path))


def _size_bytes(event: Path) -> int:
    size = 0
    for file in event.iterdir():
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size
