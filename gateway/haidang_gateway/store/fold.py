"""Old days of the ledger become one row for each node and year: the sums stay."""

import datetime

from haidang_gateway.batch import DayKey
from haidang_gateway.store.schema import Connection

ROWS = 500
_YEAR = len("2026")
_DAY = len("2026-11-23")
# Node by node, by the key alone: the table may have a million rows, and few or none of them are
# old. A year sorts before its days.
_OLD = """
WITH RECURSIVE one(node) AS (
 SELECT min(node) FROM ledger_day
 UNION ALL SELECT (SELECT min(node) FROM ledger_day WHERE node > one.node) FROM one
 WHERE one.node IS NOT NULL)
SELECT ledger_day.node, day, what FROM one CROSS JOIN ledger_day
 ON ledger_day.node = one.node AND day < ? WHERE length(day) = ? LIMIT ?
"""


def old_days(connection: Connection, keep_days: int, now_ms: int) -> list[DayKey]:
    """Some of the rows for days that are older than `keep_days`, at most 500; only read."""
    today = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).date()
    before = (today - datetime.timedelta(days=keep_days)).isoformat()
    return connection.execute(_OLD, (before, _DAY, ROWS)).fetchall()


def fold(connection: Connection, days: list[DayKey]) -> None:
    """Add these rows to those of their years; the caller owns the transaction."""
    for node, day, what in days:
        row = connection.execute(
            "DELETE FROM ledger_day WHERE node=? AND day=? AND what=? RETURNING count",
            (node, day, what),
        ).fetchone()
        if row:
            connection.execute(
                "INSERT INTO ledger_day VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (node, day[:_YEAR], what, row[0]),
            )
