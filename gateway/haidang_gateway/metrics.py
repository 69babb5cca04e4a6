"""The gateway's own status for the operations centre: what waits, who is up, what was lost."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from haidang_gateway.audit import Head
from haidang_gateway.batch import Backlog

_EVENTS = ("received", "duplicates", "late", "lost", "quarantined")
# The contract's bound: with more, the longest figures would not fit into 8 KiB.
_NAMED = 16


def gateway_status(
    *,
    version: str,
    epoch: str,
    backlog: Backlog,
    nodes: tuple[int, int],
    nodes_safe: int,
    cameras: tuple[int, int],
    ledger: Mapping[str, int],
    sent: Mapping[str, int],
    overflow: Mapping[str, int],
    acks: Mapping[str, int],
    orders: Mapping[str, int],
    destinations: Sequence[Mapping[str, Any]] = (),
    audit: Head,
    storms: Mapping[str, int],
    now_ms: int,
) -> dict[str, Any]:
    """The document of the contract's `gateway_status`; pairs are (up, down)."""
    oldest_ms = now_ms if backlog.oldest_ms is None else backlog.oldest_ms
    return {
        "v": 1,
        "state": "online",
        "version": version,
        "epoch": epoch,
        "queue": backlog.alarms + backlog.replies + backlog.data + backlog.packs,
        "queue_alarms": backlog.alarms,
        "oldest_s": max(0, now_ms - oldest_ms) // 1000,
        "nodes_up": nodes[0],
        "nodes_down": nodes[1],
        "cameras_up": cameras[0],
        "cameras_down": cameras[1],
        "ledger": ledger_document(ledger),
        "sent": dict(sent),
        "overflow": dict(overflow),
        "nodes_safe": nodes_safe,
        "acks": dict(acks),
        "orders": dict(orders),
        "destinations": [dict(one) for one in destinations],
        "audit": {"n": audit.n, "chain": f"sha256:{audit.chain}"},
        "storms": dict(storms),
        "at": iso_utc(now_ms),
    }


def ledger_document(sums: Mapping[str, int]) -> dict[str, int]:
    """The contract's sums; losses that turned up late are already taken off `lost`."""
    document = {name: max(0, sums.get(name, 0)) for name in _EVENTS}
    document["dropped"] = sum(count for what, count in sums.items() if what.startswith("dropped:"))
    return document


def iso_utc(unix_ms: int) -> str:
    """ISO 8601 with milliseconds."""
    moment = datetime.datetime.fromtimestamp(unix_ms / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds")


def fitting(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status as its message has room for it: of many destinations those with trouble."""
    destinations = status.get("destinations", ())
    if len(destinations) <= _NAMED:
        return dict(status)
    centre, *others = destinations
    named = [centre, *sorted(others, key=_calm)[: _NAMED - 1]]
    more = len(destinations) - _NAMED
    return {**status, "destinations": named, "destinations_more": more}


def _calm(destination: Mapping[str, Any]) -> tuple[bool, int, int, int]:
    """Sorts those first of whom an operator must hear."""
    wants = ("queue_alarms", "oldest_s", "dead")
    alarms, oldest, dead = (-destination[name] for name in wants)
    return destination["connected"], alarms, oldest, dead
