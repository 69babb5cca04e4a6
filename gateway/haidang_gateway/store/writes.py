"""Everything that changes the database, as functions on the writer's connection."""

import dataclasses
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from haidang_gateway.audit import GENESIS, chain_link
from haidang_gateway.batch import Batch, Confirmed, Draft
from haidang_gateway.errors import StoreError
from haidang_gateway.model import OutLane
from haidang_gateway.store import bundles, dead_letters
from haidang_gateway.store.counters import count_up
from haidang_gateway.store.payloads import kept
from haidang_gateway.store.schema import Connection
from haidang_gateway.store.tables import ANY_LANE

# A bounded window of numbered data messages: what waits beyond it stays as unnumbered packs, so
# that a full disk can drop the oldest without tearing a gap into the sequence.
DATA_WINDOW = 200
# Each message is numbered, sent, acknowledged and deleted by itself: in a backlog many packs share
# that.
PACKS_PER_MESSAGE = 100
# So many are numbered without waiting for company.
READY_PACKS = 50
# No alarm waits behind more in one step.
COMPOSED_AT_ONCE = 8
COMPOSED_PACKS = 400
# Half of mosquitto's packet limit in deploy/mosquitto/centre.conf leaves room for the envelope.
MESSAGE_BYTES = 64 * 1024
# Shorter ones are read a little later: no more are inflated than there is room for.
_LEAST_PACK_BYTES = 80
KEEP_QUARANTINE = 1000
# A centre that commands and never acknowledges must not fill the disk.
KEEP_REPLIES = 1000
# The same for one that asks for all open alarms again and again; it may when it has taken these.
KEEP_REPEATS = 1000
REPEATS_DROPPED = "repeats_dropped"
REPLIES_DROPPED = "replies_dropped"
QUARANTINE_FORGOTTEN = "quarantine_forgotten"
# How a document is put and how it is deleted, by table.
_STATE = (
    "INSERT OR REPLACE INTO rule_state VALUES (?, ?)",
    "DELETE FROM rule_state WHERE key=?",
)
_NODE = ("INSERT OR REPLACE INTO node VALUES (?, ?)", "DELETE FROM node WHERE id=?")
_COMMAND = ("INSERT OR REPLACE INTO command VALUES (?, ?)", "DELETE FROM command WHERE id=?")
_ROWS_AT_ONCE = 50
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def write_batch(connection: Connection, batch: Batch, prefix: str) -> None:
    """Put a batch in; the caller owns the transaction. `prefix` is "<gateway>/<epoch>"."""
    bundles.put(connection, batch.packs)
    _boots(connection, batch)
    _count(connection, batch)
    _documents(connection, _STATE, batch.states)
    _documents(connection, _NODE, batch.nodes)
    _documents(connection, _COMMAND, batch.commands)
    _revisions(connection, batch)
    for note in batch.audits:
        audit(connection, batch.now_ms, note.kind, note.subject, note.digest)
    for name, count in batch.counters.items():
        count_up(connection, name, count)
    for draft in batch.drafts:
        number(connection, draft, prefix, batch.now_ms)
    for name in batch.resend:
        dead_letters.resend(connection, name, prefix.rpartition("/")[2], batch.now_ms)
    _quarantine(connection, batch)


def compose_data(
    connection: Connection,
    draft: Draft,
    now_ms: int,
    *,
    message_bytes: int = MESSAGE_BYTES,
    ahead: int = DATA_WINDOW,
) -> int:
    """Number waiting packs into data messages of `draft`'s destination; how many packs.

    `message_bytes` of them at most are in each, `ahead` messages at most wait.
    A number stands for the packs, which stay until it is confirmed: their bytes are written once.
    At most 8 messages, and 400 packs in all: call it again while it takes many.
    """
    name = draft.destination
    room = min(min(ahead, DATA_WINDOW) - waiting(connection, name, "data"), COMPOSED_AT_ONCE)
    if room <= 0:
        return 0
    seq, cursor = connection.execute(
        "SELECT next_seq, pack_cursor FROM destination WHERE name=?", (name,)
    ).fetchone() or (1, 0)
    most = min(PACKS_PER_MESSAGE, message_bytes // _LEAST_PACK_BYTES + 1)
    packs = bundles.after(connection, cursor, min(room * most, COMPOSED_PACKS))
    taken = 0
    for bodies in grouped([pack.body for _, pack in packs], message_bytes)[:room]:
        low, high = packs[taken][0], packs[taken + len(bodies) - 1][0]
        connection.execute(
            "INSERT INTO outgoing VALUES (?, ?, 'data', ?, x'', ?, ?, ?, ?)",
            (name, seq, draft.topic, len(bodies), now_ms, low, high),
        )
        seq += 1
        taken += len(bodies)
    if taken:
        connection.execute(
            "INSERT INTO destination VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
            " SET next_seq=excluded.next_seq, pack_cursor=excluded.pack_cursor",
            (name, seq, packs[taken - 1][0]),
        )
    return taken


def grouped(bodies: Sequence[bytes], message_bytes: int = MESSAGE_BYTES) -> list[list[bytes]]:
    """Messages of at most 100 packs and so many bytes of them; a longer pack is alone."""
    groups: list[list[bytes]] = []
    size = 0
    for body in bodies:
        size += len(body)
        if not groups or len(groups[-1]) == PACKS_PER_MESSAGE or size > message_bytes:
            groups.append([])
            size = len(body)
        groups[-1].append(body)
    return groups


def number(connection: Connection, draft: Draft, prefix: str, now_ms: int, packs: int = 0) -> None:
    """Give a draft the next number of its destination; one that is not wanted takes none."""
    name = draft.destination
    if draft.lane == "reply" and waiting(connection, name, "reply") >= KEEP_REPLIES:
        count_up(connection, REPLIES_DROPPED, 1)
        return
    if draft.again and waiting(connection, name, "alarm") >= KEEP_REPEATS:
        count_up(connection, REPEATS_DROPPED, 1)
        return
    connection.execute("INSERT INTO destination VALUES (?, 1, 0) ON CONFLICT DO NOTHING", (name,))
    (seq,) = connection.execute(
        "SELECT next_seq FROM destination WHERE name=?", (name,)
    ).fetchone()
    before = [] if draft.chain is None else [_earlier(connection, *draft.chain)]
    payload = draft.compose(f"{prefix}/{seq}", *before)
    if payload is None:
        return
    connection.execute("UPDATE destination SET next_seq=? WHERE name=?", (seq + 1, name))
    connection.execute(
        "INSERT INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        (name, seq, draft.lane, draft.topic, kept(draft.lane, payload), packs, now_ms),
    )


def waiting(connection: Connection, destination: str, lane: OutLane) -> int:
    """How many numbered messages of a lane wait for a destination."""
    (count,) = connection.execute(
        "SELECT count(*) FROM outgoing WHERE destination=? AND lane=?", (destination, lane)
    ).fetchone()
    return int(count)


def confirm(
    connection: Connection, destination: str, ranges: Sequence[Sequence[int]]
) -> Confirmed:
    """Delete the messages the destination has committed; what they were."""
    gone = [
        row
        for low, high in ranges
        for row in connection.execute(
            f"DELETE FROM outgoing WHERE destination=? AND {ANY_LANE}"  # noqa: S608 (our words)
            " AND seq BETWEEN ? AND ? RETURNING lane = 'alarm', packs",
            (destination, low, high),
        ).fetchall()
    ]
    return Confirmed(
        messages=len(gone),
        alarms=sum(is_alarm for is_alarm, _ in gone),
        packs=sum(packs for _, packs in gone),
    )


def forget_revisions(connection: Connection, now_ms: int, limit: int) -> int:
    """Delete the oldest revisions, each with a line in the audit chain; how many."""
    rows = connection.execute(
        "SELECT rowid, alarm_id, rev, sha256 FROM revision ORDER BY rowid LIMIT ?", (limit,)
    ).fetchall()
    for row_id, alarm_id, rev, sha256 in rows:
        connection.execute("DELETE FROM revision WHERE rowid=?", (row_id,))
        audit(connection, now_ms, "deletion", f"{alarm_id}/{rev}", sha256)
    return len(rows)


def audit(connection: Connection, at_ms: int, kind: str, subject: str, digest: str) -> None:
    """Add a line to the chain."""
    last = connection.execute("SELECT n, chain FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    n, chain = (last[0] + 1, last[1]) if last else (1, GENESIS)
    link = chain_link(chain, n, at_ms=at_ms, kind=kind, subject=subject, digest=digest)
    connection.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", (n, at_ms, kind, subject, digest, link)
    )


def _boots(connection: Connection, batch: Batch) -> None:
    gone = [key for key, doc in batch.boots.items() if doc is None]
    connection.executemany("DELETE FROM boot WHERE node=? AND epoch=? AND boot=?", gone)
    known = [(*key, _json(doc)) for key, doc in batch.boots.items() if doc is not None]
    _insert(connection, "INSERT OR REPLACE INTO boot", known)


def _count(connection: Connection, batch: Batch) -> None:
    _insert(
        connection,
        "INSERT INTO ledger_day",
        [(*key, count) for key, count in batch.counts.items()],
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )


def _insert(
    connection: Connection, into: str, rows: Sequence[tuple[Any, ...]], after: str = ""
) -> None:
    """Many rows with few statements: for each one the other threads must hand Python over."""
    if not rows:
        return
    whole = len(rows) - len(rows) % _ROWS_AT_ONCE
    places = f"({', '.join('?' * len(rows[0]))})"
    many = f"{into} VALUES {', '.join([places] * _ROWS_AT_ONCE)}{after}"
    for at in range(0, whole, _ROWS_AT_ONCE):
        values = [value for row in rows[at : at + _ROWS_AT_ONCE] for value in row]
        connection.execute(many, values)
    connection.executemany(f"{into} VALUES {places}{after}", rows[whole:])


def _documents(
    connection: Connection,
    statements: tuple[str, str],
    documents: Mapping[str, object | None],
) -> None:
    put, delete = statements
    for key, doc in documents.items():
        if doc is None:
            connection.execute(delete, (key,))
        else:
            connection.execute(put, (key, _json(doc)))


def _revisions(connection: Connection, batch: Batch) -> None:
    for revision in batch.revisions:
        try:
            connection.execute(
                "INSERT INTO revision VALUES (:alarm_id, :rev, :sha256, :decided_ms, :document)",
                dataclasses.asdict(revision),
            )
        except sqlite3.IntegrityError as error:
            raise StoreError(
                f"alarm {revision.alarm_id} has a revision {revision.rev} already; "
                "the rules' state is older than the alarms: restore both from one backup"
            ) from error
        subject = f"{revision.alarm_id}/{revision.rev}"
        audit(connection, batch.now_ms, "revision", subject, revision.sha256)


def _earlier(connection: Connection, alarm_id: str, rev: int) -> list[bytes]:
    rows = connection.execute(
        "SELECT document FROM revision WHERE alarm_id=? AND rev<? ORDER BY rev", (alarm_id, rev)
    ).fetchall()
    return [document for (document,) in rows]


def _quarantine(connection: Connection, batch: Batch) -> None:
    connection.executemany("DELETE FROM quarantine WHERE id=?", [(n,) for n in batch.released])
    if not batch.quarantine:
        return
    connection.executemany(
        "INSERT INTO quarantine (received_ms, topic, reason, payload) VALUES (?, ?, ?, ?)",
        [(q.received_ms, q.topic, q.reason, q.payload) for q in batch.quarantine],
    )
    ((kept,),) = connection.execute("SELECT count(*) FROM quarantine").fetchall()
    excess = kept - KEEP_QUARANTINE
    count_up(connection, QUARANTINE_FORGOTTEN, max(excess, 0))
    while excess > 0:
        # A node that says much nonsense takes no room from what another said once.
        ((topic, count),) = connection.execute(
            "SELECT topic, count(*) AS n FROM quarantine GROUP BY topic ORDER BY n DESC LIMIT 1"
        ).fetchall()
        excess -= connection.execute(
            "DELETE FROM quarantine WHERE id IN "
            "(SELECT id FROM quarantine WHERE topic=? ORDER BY id LIMIT ?)",
            (topic, min(excess, max(count // 2, 1))),
        ).rowcount


def _json(doc: object) -> str:
    return _ENCODER.encode(doc)
