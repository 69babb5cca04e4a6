"""The loss ledger as a technician reads it: per day and node, counted while the gateway runs."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from haidang_gateway.batch import CENTRE
from haidang_gateway.fleet.nodes import NORMAL, SAFE
from haidang_gateway.metrics import iso_utc
from haidang_gateway.store import drop, queries
from haidang_gateway.store.schema import reading
from haidang_gateway.store.writes import KEEP_QUARANTINE, QUARANTINE_FORGOTTEN
from haidang_gateway.text import printable

_COLUMNS = ("received", "duplicates", "late", "lost", "dropped", "quarantined", "refused")
_STRANGER = re.compile(r"node (n-[0-9a-f]{12}) is not configured")
_NEWEST = 20


def sums(folder: Path) -> dict[str, int]:
    """All days and nodes together, with the revisions made and the messages not yet confirmed."""
    with reading(folder / "haidang.db") as connection:
        totals: dict[str, int] = dict.fromkeys(_COLUMNS, 0)
        for what, count in queries.ledger_sums(connection).items():
            totals[what.partition(":")[0]] += count
        backlog = queries.backlog(connection, CENTRE)
        totals["revisions"] = len(queries.revisions(connection))
    return totals | {"queue": backlog.alarms + backlog.replies + backlog.data + backlog.packs}


def by_day(folder: Path, days: int) -> list[dict[str, Any]]:
    """What came of each node on each of the newest `days` (0: all), the newest day first.

    `dropped` is the sum of `causes`; `names` are the packs that this gateway dropped on a full
    disk: epoch, boot, first and last number. StoreError without a database.
    """
    with reading(folder / "haidang.db") as connection:
        rows = list(_rows(queries.ledger_days(connection), days))
        shown = {(row["day"], row["node"]) for row in rows}
        names = defaultdict(list)
        for one in drop.dropped(connection):
            day = one.day if (one.day, one.node) in shown else _year(one.day)
            names[day, one.node].append([one.epoch, one.boot, one.low, one.high])
    return [row | {"names": names[row["day"], row["node"]]} for row in rows]


def lines(folder: Path, days: int = 0) -> Iterator[str]:
    """The table's lines, then the newest quarantined messages; StoreError without a database."""
    with reading(folder / "haidang.db") as connection:
        nodes = queries.nodes(connection)
        counted = queries.counters(connection)
        rows = list(_rows(queries.ledger_days(connection), days))
        heard = queries.last_packs(connection)
        reasons = [row[3] for row in queries.quarantine(connection)]
        quarantined = queries.quarantined(connection, _NEWEST)
        dropped = drop.dropped(connection)
    yield f"{'day':<10}  {'node':<14}" + "".join(f"{name:>12}" for name in _COLUMNS)
    for row in rows:
        head = f"{row['day']:<10}  {row['node']:<14}"
        yield head + "".join(f"{row[name]:>12}" for name in _COLUMNS)
    for row in rows:
        for cause, count in row["causes"].items():
            yield f"{row['day']}  {row['node']}  {count} dropped, cause: {cause}"
    shown = {row["day"] for row in rows}
    yield from _dropped_lines(
        [one for one in dropped if not days or one.day in shown or _year(one.day) in shown]
    )
    if unnamed := counted.get(drop.FORGOTTEN, 0):
        yield f"{unnamed} dropped packs have lost their names: {drop.KEEP_RANGES} ranges are kept"
    for node, doc in nodes.items():
        yield printable(_node_line(node, doc) + _last_pack(heard.get(node)))
    strangers = Counter(m.group(1) for m in map(_STRANGER.match, reasons) if m)
    for node, count in strangers.items():
        yield (
            f"{node} is not configured, {count} messages of it lie in quarantine: add a [[node]], "
            "or lock it out with `haidang-gateway ca revoke`"
        )
    if forgotten := counted.get(QUARANTINE_FORGOTTEN, 0):
        yield f"{forgotten} quarantined messages were forgotten: {KEEP_QUARANTINE} are kept"
    for _, topic, reason, payload in quarantined:
        yield printable(f"quarantined: {topic}: {reason} ({len(payload)} bytes)")


def _rows(counted: Iterable[tuple[str, str, str, int]], days: int) -> Iterator[dict[str, Any]]:
    shown: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    causes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for node, day, what, count in counted:
        kind, _, cause = what.partition(":")
        shown[day, node][kind] += count
        if cause:
            causes[day, node][cause] += count
    newest = set(sorted({day for day, _ in shown}, reverse=True)[: days or None])
    for (day, node), counts in shown.items():
        if day in newest:
            sums = {name: counts[name] for name in _COLUMNS}
            yield {"day": day, "node": node, **sums, "causes": dict(causes[day, node])}


def _year(day: str) -> str:
    """Where an old day has gone (`store/fold.py`)."""
    return day[:4]


def _dropped_lines(dropped: Sequence[drop.Dropped]) -> Iterator[str]:
    for one in dropped[-_NEWEST:]:
        kind = "alarm packs" if one.lane == "alarm" else "packs"
        yield (
            f"{one.day}  {one.node}  {kind} {one.low} to {one.high} of boot {one.boot} "
            f"(epoch {one.epoch}) were dropped here on a full disk"
        )
    if len(dropped) > _NEWEST:
        yield f"and {len(dropped) - _NEWEST} more such ranges: `ledger --json --days N` has all"


def _last_pack(received_ms: int | None) -> str:
    return "" if received_ms is None else f", last pack {iso_utc(received_ms)}"


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
