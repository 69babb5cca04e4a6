"""The loss ledger as a technician reads it: per day and node, counted while the gateway runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from haidang_gateway import store_read
from haidang_gateway.batch import CENTRE
from haidang_gateway.fleet.nodes import NORMAL, SAFE
from haidang_gateway.store_schema import reading
from haidang_gateway.store_write import KEEP_QUARANTINE, QUARANTINE_FORGOTTEN
from haidang_gateway.text import printable

_COLUMNS = ("received", "duplicates", "late", "lost", "dropped", "quarantined")
_NEWEST = 20


def sums(folder: Path) -> dict[str, int]:
    """All days and nodes together, with the revisions made and the messages not yet confirmed."""
    with reading(folder / "haidang.db") as connection:
        totals: dict[str, int] = dict.fromkeys(_COLUMNS, 0)
        for what, count in store_read.ledger_sums(connection).items():
            totals[what.partition(":")[0]] += count
        backlog = store_read.backlog(connection, CENTRE)
        totals["revisions"] = len(store_read.revisions(connection))
    return totals | {"queue": backlog.alarms + backlog.replies + backlog.data + backlog.packs}


def lines(folder: Path) -> Iterator[str]:
    """The table's lines, then the newest quarantined messages; StoreError without a database."""
    with reading(folder / "haidang.db") as connection:
        nodes = store_read.nodes(connection)
        forgotten = store_read.counters(connection).get(QUARANTINE_FORGOTTEN, 0)
        days = store_read.ledger_days(connection)
        quarantined = store_read.quarantined(connection, _NEWEST)
    rows: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    causes: list[str] = []
    for node, day, what, count in days:
        kind, _, cause = what.partition(":")
        rows[day, node][kind] += count
        if cause:
            causes.append(f"{day}  {node}  {count} dropped, cause: {cause}")
    yield f"{'day':<10}  {'node':<14}" + "".join(f"{name:>12}" for name in _COLUMNS)
    for (day, node), counts in rows.items():
        yield f"{day:<10}  {node:<14}" + "".join(f"{counts[name]:>12}" for name in _COLUMNS)
    yield from causes
    yield from (printable(_node_line(node, doc)) for node, doc in nodes.items())
    if forgotten:
        yield f"{forgotten} quarantined messages were forgotten: {KEEP_QUARANTINE} are kept"
    for _, topic, reason, payload in quarantined:
        yield printable(f"quarantined: {topic}: {reason} ({len(payload)} bytes)")


def _node_line(node: str, doc: Mapping[str, Any]) -> str:
    """What a node last said of itself, its troubles in plain words."""
    line = f"{node}  firmware {doc.get('fw', '?')}, every {doc['heartbeat_s']} s"
    if "cfg" in doc:
        line += f", configuration {doc['cfg']}"
    if (mode := doc.get("mode", NORMAL)) != NORMAL:
        line += f", mode: {mode}" + (" (its sensors are not read)" if mode == SAFE else "")
    if doc.get("fails"):
        line += f", {doc['fails']} failed starts in a row"
    if doc.get("corrupt"):
        line += f", {doc['corrupt']} corrupt records in its flash"
    if doc.get("steps"):
        line += f", its clock was set {doc['steps']} times by more than 30 s"
    if doc.get("why"):
        line += f", last restart: {doc['why']}"
    return line
