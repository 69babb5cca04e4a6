"""Everything that is read from the database, as functions on a connection."""

import json
import sqlite3
from typing import Any

from haidang_gateway.audit import GENESIS, Head
from haidang_gateway.batch import Backlog, BootKey
from haidang_gateway.store import bundles

_LAST_PACKS = 20_000


def meta(connection: sqlite3.Connection) -> dict[str, str]:
    """The database's own facts: epoch, created_ms."""
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def rule_states(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """All states of the alarm rules by key."""
    return _documents(connection, "SELECT key, doc FROM rule_state")


def boots(connection: sqlite3.Connection) -> dict[BootKey, dict[str, Any]]:
    """What the ledger knows of every boot."""
    rows = connection.execute("SELECT node, epoch, boot, doc FROM boot").fetchall()
    return {(node, epoch, boot): json.loads(doc) for node, epoch, boot, doc in rows}


def nodes(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """What each node last declared of itself."""
    return _documents(connection, "SELECT id, doc FROM node ORDER BY id")


def commands(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Commands for nodes by their id, finished ones of late too."""
    return _documents(connection, "SELECT id, doc FROM command")


def counters(connection: sqlite3.Connection) -> dict[str, int]:
    """What was counted since the database exists, by name."""
    return dict(connection.execute("SELECT name, count FROM counter ORDER BY name").fetchall())


def backlog(connection: sqlite3.Connection, destination: str) -> Backlog:
    """How much waits for a destination and since when."""
    lanes = {
        lane: (count, oldest)
        for lane, count, oldest in connection.execute(
            "SELECT lane, count(*), min(created_ms) FROM outgoing WHERE destination=?"
            " GROUP BY lane",
            (destination,),
        )
    }
    packs, packs_oldest = _unnumbered(connection, destination)
    ages = [age for _, age in lanes.values()] + ([packs_oldest] if packs else [])
    return Backlog(
        alarms=lanes.get("alarm", (0, 0))[0],
        replies=lanes.get("reply", (0, 0))[0],
        data=lanes.get("data", (0, 0))[0],
        packs=packs,
        oldest_ms=min(ages, default=None),
    )


def packs_waiting(connection: sqlite3.Connection, destination: str) -> int:
    """How many packs wait for a destination without a number."""
    oldest = bundles.oldest_above(connection, _cursor(connection, destination))
    return 0 if oldest is None else bundles.newest(connection) - oldest + 1


def _unnumbered(connection: sqlite3.Connection, destination: str) -> tuple[int, int | None]:
    """How many packs wait behind the cursor and since when.

    Ids have no gaps but below the lowest, so nothing is counted one by one: a million waiting
    packs read from a memory card would hold up the next alarm's commit for seconds.
    """
    first = bundles.after(connection, _cursor(connection, destination), 1)
    if not first:
        return 0, None
    ((number, pack),) = first
    return bundles.newest(connection) - number + 1, pack.received_ms


def _cursor(connection: sqlite3.Connection, destination: str) -> int:
    row = connection.execute(
        "SELECT pack_cursor FROM destination WHERE name=?", (destination,)
    ).fetchone()
    return int(row[0]) if row else 0


def ledger_sums(connection: sqlite3.Connection) -> dict[str, int]:
    """Counts of all nodes and days by what was counted."""
    return dict(
        connection.execute("SELECT what, sum(count) FROM ledger_day GROUP BY what").fetchall()
    )


def ledger_days(connection: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
    """Rows of (node, day, what, count), newest day first."""
    return connection.execute(
        "SELECT node, day, what, count FROM ledger_day ORDER BY day DESC, node, what"
    ).fetchall()


def last_packs(connection: sqlite3.Connection) -> dict[str, int]:
    """Unix ms at which each node's newest pack came, among the newest 20,000."""
    heard: dict[str, int] = {}
    for _, pack in bundles.every(connection, bundles.newest(connection) - _LAST_PACKS):
        heard[pack.node] = max(heard.get(pack.node, 0), pack.received_ms)
    return heard


def quarantined(connection: sqlite3.Connection, limit: int) -> list[tuple[int, str, str, bytes]]:
    """The newest rows of (received_ms, topic, reason, payload)."""
    return connection.execute(
        "SELECT received_ms, topic, reason, payload FROM quarantine ORDER BY id DESC LIMIT ?",
        (limit,),
    ).fetchall()


def quarantine(connection: sqlite3.Connection) -> list[tuple[int, int, str, str, bytes]]:
    """Rows of (id, received_ms, topic, reason, payload) from the oldest."""
    return connection.execute(
        "SELECT id, received_ms, topic, reason, payload FROM quarantine ORDER BY id"
    ).fetchall()


def audit_rows(connection: sqlite3.Connection) -> list[tuple[int, int, str, str, str, str]]:
    """The audit chain from its first row: n, at_ms, kind, subject, digest, chain."""
    return connection.execute(
        "SELECT n, at_ms, kind, subject, digest, chain FROM audit ORDER BY n"
    ).fetchall()


def audit_head(connection: sqlite3.Connection) -> Head:
    """Where the audit chain ends now."""
    row = connection.execute("SELECT n, chain FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head(0, GENESIS)


def revisions(connection: sqlite3.Connection) -> list[tuple[str, int, bytes]]:
    """All revisions in the order they were decided: alarm id, rev, document."""
    return connection.execute(
        "SELECT alarm_id, rev, document FROM revision ORDER BY decided_ms, alarm_id, rev"
    ).fetchall()


def _documents(connection: sqlite3.Connection, query: str) -> dict[str, dict[str, Any]]:
    return {key: json.loads(doc) for key, doc in connection.execute(query).fetchall()}
