"""What further destinations take from the packs, and how much may wait for one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from haidang_gateway.batch import CENTRE, Draft
from haidang_gateway.destination import Filter
from haidang_gateway.model import OutLane
from haidang_gateway.store import bundles
from haidang_gateway.store.bundles import RETIRED, Numbered
from haidang_gateway.store.counters import count_up
from haidang_gateway.store.schema import Connection
from haidang_gateway.store.writes import (
    COMPOSED_AT_ONCE,
    DATA_WINDOW,
    MESSAGE_BYTES,
    audit,
    grouped,
    number,
    waiting,
)

# An alarm's commit waits for one reading of these: 20 ms on a PC.
_THINNED_AT_ONCE = 500
_LOOKED_AT = 50

Makers = Callable[[Sequence[bytes]], Sequence[Draft]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a destination's data messages are made: `drafts` of chosen packs' bodies."""

    destination: str
    rule: Filter
    choose: Callable[[Sequence[tuple[str, bytes]], Filter], list[bytes]]
    drafts: Makers


def compose(
    connection: Connection,
    plan: Plan,
    prefix: str,
    now_ms: int,
    *,
    message_bytes: int = MESSAGE_BYTES,
    ahead: int = DATA_WINDOW,
) -> int:
    """Number what the destination wants of the waiting packs; how many packs were looked at."""
    name = plan.destination
    connection.execute("INSERT INTO destination VALUES (?, 1, 0) ON CONFLICT DO NOTHING", (name,))
    room = min(ahead, DATA_WINDOW) - waiting(connection, name, "data")
    taken = 0
    for _ in range(min(room, 1 if plan.rule.thin_s else COMPOSED_AT_ONCE)):
        rows = _next_rows(connection, plan, now_ms)
        if not rows:
            break
        bodies = plan.choose([(pack.node, pack.body) for _, pack in rows], plan.rule)
        for group in grouped(bodies, message_bytes):
            for index, draft in enumerate(plan.drafts(group)):
                number(connection, draft, prefix, now_ms, packs=0 if index else len(group))
        connection.execute(
            "UPDATE destination SET pack_cursor=? WHERE name=?", (rows[-1][0], name)
        )
        taken += len(rows)
    return taken


def bound(connection: Connection, destination: str, packs: int, alarms: int) -> None:
    """Drop the oldest of what waits beyond the limits, counted by destination."""
    newest, oldest = bundles.newest(connection), bundles.oldest(connection) or 0
    row = connection.execute(
        "SELECT pack_cursor FROM destination WHERE name=?", (destination,)
    ).fetchone()
    cursor = max(row[0] if row else 0, oldest - 1)
    if newest - cursor > packs:
        connection.execute(
            "UPDATE destination SET pack_cursor=? WHERE name=?", (newest - packs, destination)
        )
        count_up(connection, dropped_packs(destination), newest - packs - cursor)
    beyond = waiting(connection, destination, "alarm") - alarms
    if beyond > 0:
        gone = connection.execute(
            "DELETE FROM outgoing WHERE destination=? AND lane='alarm' AND seq IN"
            " (SELECT seq FROM outgoing"
            " WHERE destination=? AND lane='alarm' ORDER BY seq LIMIT ?)",
            (destination, destination, beyond),
        ).rowcount
        count_up(connection, dropped_alarms(destination), gone)


def give_up_for_others(connection: Connection, limit: int) -> int:
    """On a full disk: packs that the centre has are not kept for any other; how many went on."""
    row = connection.execute(
        "SELECT pack_cursor FROM destination WHERE name=?", (CENTRE,)
    ).fetchone()
    oldest = bundles.oldest(connection) or 1
    goal = min(row[0] if row else 0, max(oldest - 1, forwarded_up_to(connection)) + limit)
    gone = 0
    for name, cursor in connection.execute(
        "SELECT name, pack_cursor FROM destination WHERE name<>? AND pack_cursor<?", (CENTRE, goal)
    ).fetchall():
        connection.execute("UPDATE destination SET pack_cursor=? WHERE name=?", (goal, name))
        count_up(connection, dropped_packs(name), goal - max(cursor, oldest - 1))
        gone += goal - max(cursor, oldest - 1)
    return gone


def forwarded_up_to(connection: Connection) -> int:
    """Up to which pack every destination has them, or a message that stands for them."""
    row = connection.execute("SELECT coalesce(min(pack_cursor), 0) FROM destination").fetchone()
    return int(row[0])


def give_up_messages(connection: Connection, lane: OutLane, before_ms: int, limit: int) -> int:
    """On a full disk: what has waited since `before_ms` for any destination but the centre goes.

    The oldest `limit` messages of each; how many went, counted by destination.
    """
    gone = 0
    for (name,) in connection.execute(
        "SELECT name FROM destination WHERE name<>? ORDER BY name", (CENTRE,)
    ).fetchall():
        oldest = connection.execute(
            "SELECT seq, created_ms, packs FROM outgoing WHERE destination=? AND lane=?"
            " ORDER BY seq LIMIT ?",
            (name, lane, limit),
        ).fetchall()
        rows = [(seq, packs) for seq, created_ms, packs in oldest if created_ms < before_ms]
        connection.executemany(
            "DELETE FROM outgoing WHERE destination=? AND lane=? AND seq=?",
            [(name, lane, seq) for seq, _ in rows],
        )
        if lane == "data":
            count_up(connection, dropped_packs(name), sum(packs for _, packs in rows))
        else:
            count_up(connection, dropped_alarms(name), len(rows))
        gone += len(rows)
    return gone


def adopt(connection: Connection, names: Sequence[str], now_ms: int) -> None:
    """Make the configuration's destinations the ones for which something is kept.

    A new one begins with what comes from now on; what waited for a removed one is deleted, but
    its numbers go on if it comes back: a used number never means something else.
    """
    newest = bundles.given(connection)
    known = dict(connection.execute("SELECT name, pack_cursor FROM destination").fetchall())
    for name in names:
        if name not in known:
            # The centre gets all there is, and what it does not have is kept from the start.
            begin = 0 if name == CENTRE else newest
            connection.execute("INSERT INTO destination VALUES (?, 1, ?)", (name, begin))
        elif known.get(name) == RETIRED:
            connection.execute("UPDATE destination SET pack_cursor=? WHERE name=?", (newest, name))
    for name, cursor in known.items():
        if name in names or cursor == RETIRED:
            continue
        _retire(connection, name, newest - cursor)
        audit(connection, now_ms, "destination_removed", name, "")


def dropped_packs(destination: str) -> str:
    """The counter of readings that did not wait for a destination."""
    return f"dropped_packs:{destination}"


def dropped_alarms(destination: str) -> str:
    """The counter of alarm messages that did not wait for a destination."""
    return f"dropped_alarms:{destination}"


def _retire(connection: Connection, name: str, unnumbered: int) -> None:
    """Delete what waits for a removed destination, counted; `unnumbered` packs at most."""
    for lane, count, packs in connection.execute(
        "SELECT lane, count(*), sum(packs) FROM outgoing WHERE destination=? GROUP BY lane",
        (name,),
    ).fetchall():
        if lane == "alarm":
            count_up(connection, dropped_alarms(name), count)
        unnumbered += packs
    count_up(connection, dropped_packs(name), max(unnumbered, 0))
    for table in ("outgoing", "dead_letter"):
        connection.execute(f"DELETE FROM {table} WHERE destination=?", (name,))  # noqa: S608
    connection.execute("UPDATE destination SET pack_cursor=? WHERE name=?", (RETIRED, name))


def _next_rows(connection: Connection, plan: Plan, now_ms: int) -> list[Numbered]:
    """The next packs; with thinning those of one interval, as soon as it is over."""
    limit = _THINNED_AT_ONCE if plan.rule.thin_s else _LOOKED_AT
    (cursor,) = connection.execute(
        "SELECT pack_cursor FROM destination WHERE name=?", (plan.destination,)
    ).fetchone()
    rows = bundles.after(connection, cursor, limit)
    if not rows or not plan.rule.thin_s:
        return rows
    span_ms = round(plan.rule.thin_s * 1000)
    end_ms = (rows[0][1].received_ms // span_ms + 1) * span_ms
    # A clock that was set back must not hold readings up until it has caught up.
    if now_ms < end_ms <= now_ms + span_ms and len(rows) < limit:
        return []
    later = next((i for i, (_, pack) in enumerate(rows) if pack.received_ms >= end_ms), len(rows))
    return rows[: max(1, later)]
