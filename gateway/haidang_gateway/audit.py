"""Checks the audit chain: which row was changed, removed, moved or never written. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

GENESIS = "0" * 64
# Moved rows are searched for among so many suspicious ones; beyond, they are called changed.
_SEARCHED = 64

AuditRow = tuple[int, int, str, str, str, str]
"""n, at_ms, kind, subject, digest, chain: as the store reads them."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last row's number and link: noted elsewhere, it shows a chain whose end was cut off."""

    n: int
    chain: str

    def __str__(self) -> str:
        """As it is printed and given back: `N:CHAIN`."""
        return f"{self.n}:{self.chain}"


def chain_link(chain: str, n: int, *, at_ms: int, kind: str, subject: str, digest: str) -> str:
    """SHA-256 that ties an audit row to the one before it."""
    text = "|".join((chain, str(n), str(at_ms), kind, subject, digest))
    return hashlib.sha256(text.encode()).hexdigest()


def head_of(rows: Sequence[AuditRow]) -> Head:
    """The end of the chain as it is now."""
    return Head(rows[-1][0], rows[-1][5]) if rows else Head(0, GENESIS)


def problems(
    rows: Sequence[AuditRow],
    revisions: Iterable[tuple[str, int, bytes]],
    noted: Sequence[Head] = (),
) -> list[str]:
    """One sentence for everything that does not fit; empty where the chain is whole.

    `rows` rise by number, `revisions` are (alarm id, rev, document), `noted` are heads that were
    written down earlier: without them nobody can tell that the newest rows were cut off.
    """
    found = list(_links(rows))
    found += _documents(rows, {(name, rev): document for name, rev, document in revisions})
    by_number = {row[0]: row[5] for row in rows}
    for head in noted:
        if head.n and by_number.get(head.n) != head.chain:
            what = "is missing" if head.n not in by_number else "is another one"
            found.append(f"row {head.n}, noted earlier as {head.chain[:12]}..., {what}")
    return found


def _links(rows: Sequence[AuditRow]) -> Iterator[str]:
    last_n, chain = 0, GENESIS
    wrong: list[tuple[AuditRow, str]] = []
    for row in rows:
        n = row[0]
        if n > last_n + 1:
            gap = (
                f"row {last_n + 1} is" if n == last_n + 2 else f"rows {last_n + 1} to {n - 1} are"
            )
            yield f"{gap} missing before row {_name(row)}"
        elif _link(chain, n, row) != row[5]:
            wrong.append((row, chain))
        last_n, chain = n, row[5]
    yield from _wrong(wrong)


def _wrong(wrong: Sequence[tuple[AuditRow, str]]) -> Iterator[str]:
    """A row that still fits behind another one, under another number, was moved there."""
    befores = {chain for _, chain in wrong} | {row[5] for row, _ in wrong}
    numbers = {row[0] for row, _ in wrong[:_SEARCHED]}
    numbers |= {n + 1 for n in numbers}
    for row, chain in wrong:
        behind = befores if len(wrong) <= _SEARCHED else {chain}
        tries = sorted(numbers | {row[0] + 1})
        was = next((n for n in tries for c in behind if _link(c, n, row) == row[5]), None)
        if was is None:
            yield f"row {_name(row)} was changed, or the row before it was changed or removed"
        else:
            yield f"row {_name(row)} was moved: it was written as row {was}"


def _documents(
    rows: Sequence[AuditRow], documents: Mapping[tuple[str, int], bytes]
) -> Iterator[str]:
    digests: dict[tuple[str, int], str] = {}
    deleted: set[tuple[str, int]] = set()
    for _, _, kind, subject, digest, _ in rows:
        name, _, rev = subject.rpartition("/")
        if kind == "revision":
            digests[name, int(rev)] = digest
        elif kind == "deletion":
            deleted.add((name, int(rev)))
    for key, digest in digests.items():
        document = documents.get(key)
        if document is None and key not in deleted:
            yield f"revision {key[1]} of alarm {key[0]} is missing, and no deletion is noted"
        elif document is not None and hashlib.sha256(document).hexdigest() != digest:
            yield f"the document of alarm {key[0]}, revision {key[1]}, was changed"
    for (alarm, number), written in documents.items():
        if (alarm, number) not in digests:
            yield f"revision {number} of alarm {alarm} is not in the chain: it was put in by hand"
        elif (alarm, number - 1) in digests and _prev(written) != digests[alarm, number - 1]:
            yield f"revision {number} of alarm {alarm} does not name the revision before it"


def _prev(document: bytes) -> str | None:
    try:
        return str(json.loads(document).get("prev")).removeprefix("sha256:")
    except (ValueError, AttributeError):
        return None


def _link(chain: str, n: int, row: AuditRow) -> str:
    _, at_ms, kind, subject, digest, _ = row
    return chain_link(chain, n, at_ms=at_ms, kind=kind, subject=subject, digest=digest)


def _name(row: AuditRow) -> str:
    return f"{row[0]} ({row[2]} {row[3]})"
