"""A store with a little of everything, damaged, and what the next start finds."""

from pathlib import Path
from typing import Any

from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.store.schema import reading
from node_packs import EPOCH, NODE, START_MS
from store_kit import DRAFT, alarm, noise, open_store, packs, row, stored

PAGE = 4096
_STATE = {
    "place": "m",
    "alarm": {"document": {"id": "gw-01-5f3a9c1e-0001", "rev": 2}, "sha256": ""},
}


async def fill(folder: Path, waiting: int = 3000) -> str:
    """Alarms, a rule's state, a ledger and packs, of which 50 are in a message."""
    async with open_store(folder) as store:
        await store.commit(
            Batch(
                now_ms=START_MS,
                states={"fire:m": _STATE},
                boots={(NODE, EPOCH, 7): {"received": [[1, waiting]]}},
                counts={(NODE, "2026-11-22", "received"): waiting},
                nodes={NODE: {"heartbeat_s": 30}},
                commands={"c-1": {"id": "c-1"}},
                counters={"orders": 3},
            )
        )
        await store.commit(alarm(1))
        await store.commit(alarm(2))
        await store.commit(packs(*(row(n, b"[%d]" % n) for n in range(50))))
        await store.compose_data(DRAFT, START_MS)
        for start in range(50, waiting, 50):
            end = min(start + 50, waiting)
            await store.commit(packs(*(row(n, noise(n, 300)) for n in range(start, end))))
        return store.epoch


def _damage(path: Path, marker: bytes, count: int = 1) -> None:
    """Overwrite the pages in which a text stands."""
    content = bytearray(path.read_bytes())
    start = content.index(marker) // PAGE * PAGE
    content[start : start + PAGE * count] = b"\xa5" * (PAGE * count)
    path.write_bytes(content)


def damage_packs(path: Path, seq: int, at: int = 0, count: int = 1) -> None:
    """The same where a pack lies, `at` bytes into its bundle."""
    with reading(path) as connection:
        number = next(number for number, pack in stored(connection) if pack.seq == seq)
        (packs,) = connection.execute(
            "SELECT packs FROM bundle WHERE ? BETWEEN first AND last", (number,)
        ).fetchone()
    _damage(path, packs[at : at + 50], count)


async def found_at_start(folder: Path) -> dict[str, Any]:
    """What a gateway finds after its start."""
    async with open_store(folder) as store:
        return {
            "epoch": store.epoch,
            "opened": store.opened,
            "states": await store.rule_states(),
            "sums": await store.ledger_sums(),
            "boots": await store.boots(),
            "alarms": await store.pending(CENTRE, "alarm", 0, 10),
            "data": await store.pending(CENTRE, "data", 0, 10),
            "backlog": await store.backlog(CENTRE),
        }
