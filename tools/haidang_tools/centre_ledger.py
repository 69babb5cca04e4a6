"""The stand-in centre's own memory: what it has committed, in SQLite, before it acknowledges."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from haidang_wire import ranges

from haidang_tools import centre_tables
from haidang_tools.centre_check import Message, Refusal, Revision
from haidang_tools.centre_heads import ChainHead
from haidang_tools.errors import ToolError

Number = tuple[str, str, int]
"""Gateway, epoch and sequence of a message."""

_SCHEMA_VERSION = 1
_BUSY_S = 1.0


@dataclass(slots=True)
class Counts:
    """What the ledger has seen since it was opened; `broken_chains` are wrong `prev` hashes."""

    alarms: int = 0
    data: int = 0
    packs: int = 0
    replies: int = 0
    duplicates: int = 0
    refused: int = 0
    broken_chains: int = 0


@dataclass(slots=True)
class Committed:
    """What one commit brought, in order of arrival."""

    numbers: list[Number]
    new: list[Message]
    refused: list[Refusal]
    broken: list[Revision]


class Ledger:
    """One SQLite file, written through to the disk (synchronous FULL) by every commit."""

    def __init__(self, path: Path) -> None:
        """Keep the path; `open` does the rest."""
        self.counts = Counts()
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._received: dict[tuple[str, str], list[list[int]]] = {}

    def open(self) -> None:
        """Open or make the file; ToolError when it is not such a ledger."""
        try:
            # Opened and closed by whoever runs the centre, used by its worker thread alone.
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                connection.executescript(centre_tables.TABLES)
                connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
            if version in (0, _SCHEMA_VERSION):
                connection.executescript(centre_tables.HEADS)
        except sqlite3.Error as error:
            message = f"{self._path}: {error}; move the file away or name another"
            raise ToolError(message) from error
        if version not in (0, _SCHEMA_VERSION):
            connection.close()
            message = f"{self._path}: a ledger of version {version}; name another file"
            raise ToolError(message)
        self._connection = connection
        self._received = _received(connection)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def commit(self, arrivals: Sequence[Message | Refusal]) -> Committed:
        """Put numbered arrivals in, durably, as one transaction.

        A second copy of a message is counted and dropped; the same id with other bytes is
        refused. Raises ToolError when the disk fails: then nothing was taken.
        """
        connection = self._open_connection()
        counts = Counts(**asdict(self.counts))
        committed = Committed([], [], [], [])
        try:
            connection.execute("BEGIN IMMEDIATE")
            for arrival in arrivals:
                if isinstance(arrival, Refusal):
                    _refuse(connection, arrival, committed, counts)
                else:
                    _take(connection, arrival, committed, counts)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            message = f"{self._path}: {error}; nothing was acknowledged, free the disk"
            raise ToolError(message) from error
        self.counts = counts
        self._note(committed)
        return committed

    def compare(self, head: ChainHead) -> ChainHead | None:
        """Keep the end of an audit chain; the one kept before, which stays, where it goes back."""
        connection = self._open_connection()
        try:
            row = connection.execute(
                centre_tables.READ_HEAD, (head.gateway, head.epoch)
            ).fetchone()
            kept = ChainHead(*row) if row else None
            if kept is None or head.n > kept.n:
                connection.execute(centre_tables.WRITE_HEAD, astuple(head))
                return None
        except sqlite3.Error as error:
            raise ToolError(f"{self._path}: {error}; free the disk") from error
        return None if head == kept else kept

    def gaps(self) -> dict[tuple[str, str], list[list[int]]]:
        """Missing sequences of each (gateway, epoch) below the highest one received."""
        missing = {
            key: ranges.gaps(received, 1, received[-1][1] + 1)
            for key, received in self._received.items()
        }
        return {key: value for key, value in missing.items() if value}

    def missing(self) -> int:
        """How many messages are missing below the highest received ones."""
        return sum(ranges.count(missing) for missing in self.gaps().values())

    def latest(self) -> list[tuple[str, int]]:
        """Every alarm's id and its highest revision."""
        rows = self._open_connection().execute(
            "SELECT alarm_id, max(rev) FROM revision GROUP BY alarm_id ORDER BY alarm_id"
        )
        return [(alarm, int(rev)) for alarm, rev in rows]

    def payload(self, number: Number) -> bytes | None:
        """The exact bytes of a committed message."""
        return _payload(self._open_connection(), number)

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ToolError(f"{self._path}: the ledger is not open")
        return self._connection

    def _note(self, committed: Committed) -> None:
        for gateway, epoch, seq in committed.numbers:
            ranges.add(self._received.setdefault((gateway, epoch), []), seq)


def _take(
    connection: sqlite3.Connection, message: Message, committed: Committed, counts: Counts
) -> None:
    known = _payload(connection, (message.gateway, message.epoch, message.seq))
    if known == message.payload:
        counts.duplicates += 1
        return
    revision = message.revision
    same = _hash_of(connection, revision.alarm_id, revision.rev) if revision else None
    if known is not None:
        _refuse(connection, _conflict(message, "message id"), committed, counts)
    elif revision is None:
        _insert(connection, message, committed)
        committed.new.append(message)
        counts.data += message.kind == "data"
        counts.replies += message.kind == "reply"
        counts.packs += len(message.document.get("packs", ()))
    elif same is None:
        _insert(connection, message, committed)
        _link(connection, message, revision, committed, counts)
    elif same == revision.sha256:
        # The answer to `resync`: an old revision under a new number.
        _insert(connection, message, committed)
        counts.duplicates += 1
    else:
        _refuse(connection, _conflict(message, "alarm revision"), committed, counts)


def _insert(connection: sqlite3.Connection, message: Message, committed: Committed) -> None:
    revision = message.revision
    number = (message.gateway, message.epoch, message.seq)
    connection.execute(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *number,
            message.kind,
            message.topic,
            message.received_ms,
            revision.alarm_id if revision else None,
            revision.rev if revision else None,
            message.payload,
        ),
    )
    committed.numbers.append(number)


def _link(
    connection: sqlite3.Connection,
    message: Message,
    revision: Revision,
    committed: Committed,
    counts: Counts,
) -> None:
    """Add a revision and compare its hashes with its neighbours, which may come in any order."""
    connection.execute(
        "INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            revision.alarm_id,
            revision.rev,
            revision.prev,
            revision.sha256,
            message.gateway,
            message.epoch,
            message.seq,
        ),
    )
    committed.new.append(message)
    counts.alarms += 1
    before = _hash_of(connection, revision.alarm_id, revision.rev - 1)
    after = connection.execute(
        "SELECT prev FROM revision WHERE alarm_id=? AND rev=?",
        (revision.alarm_id, revision.rev + 1),
    ).fetchone()
    if before not in (None, revision.prev) or (after and after[0] != revision.sha256):
        counts.broken_chains += 1
        committed.broken.append(revision)


def _refuse(
    connection: sqlite3.Connection, refusal: Refusal, committed: Committed, counts: Counts
) -> None:
    number = refusal.number or (None, None, None)
    known = connection.execute(
        "SELECT 1 FROM refused WHERE gateway IS ? AND epoch IS ? AND seq IS ?"
        " AND topic=? AND payload=?",
        (*number, refusal.topic, refusal.payload),
    ).fetchone()
    if known:
        counts.duplicates += 1
        return
    connection.execute(
        "INSERT INTO refused VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
        (refusal.received_ms, refusal.topic, refusal.reason, *number, refusal.payload),
    )
    counts.refused += 1
    committed.refused.append(refusal)
    if refusal.number is not None:
        committed.numbers.append(refusal.number)


def _conflict(message: Message, what: str) -> Refusal:
    return Refusal(
        topic=message.topic,
        payload=message.payload,
        received_ms=message.received_ms,
        reason=f"this {what} was used before for other bytes",
        number=(message.gateway, message.epoch, message.seq),
    )


def _payload(connection: sqlite3.Connection, number: Number) -> bytes | None:
    row = connection.execute(
        "SELECT payload FROM message WHERE gateway=? AND epoch=? AND seq=?", number
    ).fetchone()
    return None if row is None else bytes(row[0])


def _hash_of(connection: sqlite3.Connection, alarm_id: str, rev: int) -> str | None:
    row = connection.execute(
        "SELECT sha256 FROM revision WHERE alarm_id=? AND rev=?", (alarm_id, rev)
    ).fetchone()
    return None if row is None else str(row[0])


def _received(connection: sqlite3.Connection) -> dict[tuple[str, str], list[list[int]]]:
    received: dict[tuple[str, str], list[list[int]]] = {}
    rows = connection.execute(
        "SELECT gateway, epoch, seq FROM message UNION"
        " SELECT gateway, epoch, seq FROM refused WHERE seq IS NOT NULL ORDER BY 1, 2, 3"
    )
    for gateway, epoch, seq in rows:
        ranges.add(received.setdefault((gateway, epoch), []), seq)
    return received
