"""Which readings of waiting packs a destination gets; pure functions on resolved SenML."""

import json
from collections.abc import Sequence
from typing import Any

from haidang_gateway.destination import Filter

Records = list[dict[str, Any]]

# Fields that stand once in a pack, and those that hold from a record on.
_ONCE = ("bver", "bn", "he", "hb", "hs")
_FROM_HERE = ("bt", "hu")


def chosen(packs: Sequence[tuple[str, bytes]], rule: Filter) -> list[bytes]:
    """What remains of packs, each as (node, body) in rising order; unchanged ones byte by byte.

    With a `thin_s` only the newest value of each node's names among these packs stays.
    """
    ours = [(node, body) for node, body in packs if not rule.nodes or node in rule.nodes]
    if not rule.names and not rule.thin_s:
        return [body for _, body in ours]
    read = [(node, body, json.loads(body)) for node, body in ours]
    newest = _newest(read) if rule.thin_s else None
    remaining = []
    for index, (node, body, records) in enumerate(read):
        kept = [
            place
            for place, record in enumerate(records)
            if (not rule.names or record.get("n") in rule.names)
            and (newest is None or newest[node, record.get("n")] == (index, place))
        ]
        if len(kept) == len(records):
            remaining.append(body)
        elif kept:
            remaining.append(_written(only(records, kept)))
    return remaining


def only(records: Records, places: Sequence[int]) -> Records:
    """A pack of the records at `places`, at least one, each with the time that it had."""
    once = {name: records[0][name] for name in _ONCE if name in records[0]}
    now: dict[str, Any] = {}
    told: dict[str, Any] = {}
    result: Records = []
    for place, record in enumerate(records):
        now = now | {name: record[name] for name in _FROM_HERE if name in record}
        if place not in places:
            continue
        head = {} if result else once
        time = {} if now == told else now
        own = {name: value for name, value in record.items() if name not in (*_ONCE, *_FROM_HERE)}
        result.append(_ordered({**head, **time, **own}))
        told = now
    return result


def _newest(read: Sequence[tuple[str, bytes, Records]]) -> dict[tuple[str, Any], tuple[int, int]]:
    return {
        (node, record.get("n")): (index, place)
        for index, (node, _, records) in enumerate(read)
        for place, record in enumerate(records)
    }


def _ordered(record: dict[str, Any]) -> dict[str, Any]:
    """As a node writes it: the base time before the name of the boot."""
    order = ("bver", "bn", "bt", "he", "hb", "hs", "hu")
    head = {name: record[name] for name in order if name in record}
    return head | {name: value for name, value in record.items() if name not in head}


def _written(records: Records) -> bytes:
    return json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()
