"""Over days of faults the sums of node, gateway and centre agree, for each node and day."""

import asyncio
import contextlib
import functools
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.ledger_view import by_day, lines
from haidang_gateway.store import drop, fold
from node_packs import EPOCH, NODE, START_MS, pack, status
from pipeline_kit import Bench, open_bench
from store_kit import open_store, packs, row

DAY_MS = 86_400_000
STRANGER = "n-240ac4000099"


class _Node:
    """A node's outbox in numbers: what it holds, what it had to drop, what a power cut took."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.next = 0
        self.held: set[int] = set()
        self.dropped: set[int] = set()
        self.cut = 0

    def measure(self) -> None:
        seq, self.next = self.next, self.next + 1
        fate = self.dice.random()
        if fate < 0.1:
            self.dropped.add(seq)
        elif fate < 0.2:
            self.cut += 1
        else:
            self.held.add(seq)

    def status(self, up_ms: int) -> bytes:
        held = [[seq, seq] for seq in sorted(self.held)]
        dropped = [[seq, seq, "full"] for seq in sorted(self.dropped)]
        row = {"hb": 7, "next": self.next, "held": held, "dropped": dropped}
        return status(boots=[row], up_ms=up_ms)


async def _send(bench: Bench, node: _Node, share: float, up_ms: int) -> None:
    """Some of what is held, now and then twice; some acks get lost on their way back."""
    sent = [seq for seq in sorted(node.held) if node.dice.random() < share]
    if not sent:
        return
    for seq in sent:
        for _ in range(node.dice.choice((1, 1, 2))):
            bench.arrive("data", pack(seq, up_ms=up_ms, unix_ms=None), 1)
    bench.answers.given.clear()
    bench.clock.advance(1000)
    await bench.pipeline.step()
    acks = [answer for answer in bench.answers.given if answer[0] == "ack"]
    for _, _, ranges, _ in acks:
        for low, high in ranges:
            acked = {seq for seq in range(low, high + 1) if node.dice.random() < 0.8}
            node.held -= acked


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_node_made_is_received_held_dropped_or_lost_on_some_day(
    tmp_path: Path, seed: int
) -> None:
    node = _Node(seed)

    async def scenario() -> int:
        async with open_bench(tmp_path) as bench:
            ledger: Any = bench.pipeline._intake._ledger
            ledger._day_of = lambda ms: f"2026-11-{22 + (ms - START_MS) // DAY_MS}"
            for day in range(3):
                for hour in range(0, 24, 3):
                    for _ in range(12):
                        node.measure()
                    up_ms = day * DAY_MS + hour * 3_600_000 + 60_000
                    await _send(bench, node, 0.7, up_ms)
                    bench.arrive("status", node.status(up_ms), 2)
                    bench.clock.advance(3 * 3_600_000 - 1000)
                    while bench.inbox.data_count:
                        await bench.pipeline.step()
            waiting = (await bench.store.backlog(CENTRE)).packs
        with contextlib.closing(sqlite3.connect(tmp_path / "haidang.db")) as database:
            ((numbered,),) = database.execute("SELECT sum(packs) FROM outgoing").fetchall()
        return int(waiting + numbered)

    at_centre = asyncio.run(scenario())
    rows = by_day(tmp_path, 0)
    assert [row["day"] for row in rows] == ["2026-11-24", "2026-11-23", "2026-11-22"]
    assert by_day(tmp_path, 2) == rows[:2]
    sums = {name: sum(row[name] for row in rows) for name in ("received", "lost", "dropped")}
    assert at_centre == sums["received"]
    assert sums["dropped"] == len(node.dropped) > 0
    assert sums["lost"] == node.cut > 0
    # Held are those that never came, and those whose ack got lost.
    assert node.next == sums["received"] + sums["lost"] + sums["dropped"] + _unheard(node, sums)
    assert all(row["causes"] == {"full": row["dropped"]} for row in rows)
    assert all(min(row[name] for name in sums) >= 0 for row in rows)


def _unheard(node: _Node, sums: dict[str, int]) -> int:
    made = node.next - node.cut - len(node.dropped)
    unheard = made - sums["received"]
    assert 0 <= unheard <= len(node.held)
    return unheard


def test_a_node_that_nobody_configured_and_one_that_floods_are_listed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            bench.pipeline._intake._refused_by = lambda: {NODE: 5}
            bench.arrive("data", pack(1), 1)
            bench.node = STRANGER
            await bench.hear("data", pack(1, node_source="urn:dev:mac:240ac4fffe000099"), 2)

    asyncio.run(scenario())
    (row,) = [row for row in by_day(tmp_path, 1) if row["node"] == NODE]
    assert (row["received"], row["refused"]) == (1, 5)
    shown = list(lines(tmp_path))
    assert any(f"{STRANGER} is not configured, 1 messages of it" in line for line in shown)


def test_what_was_dropped_keeps_its_name_when_its_day_has_become_a_year(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for start in (0, 10, 20):
                await store.commit(packs(*(row(seq) for seq in range(start, start + 10))))
            for day in ("2024-06-01", "2024-06-02", "2025-11-24"):
                await store.care(
                    functools.partial(drop.drop_waiting, lane="data", day=day, limit=10)
                )
            old = await store.read(lambda c: fold.old_days(c, 1, START_MS))
            await store.care(lambda c: fold.fold(c, old))

    asyncio.run(scenario())
    new, old = by_day(tmp_path, 0)
    assert (new["day"], new["names"]) == ("2025-11-24", [[EPOCH, 7, 20, 29]])
    assert (old["day"], old["dropped"]) == ("2024", 20)
    assert old["names"] == [[EPOCH, 7, 0, 9], [EPOCH, 7, 10, 19]]
    told = [line.split()[0] for line in lines(tmp_path) if "were dropped here" in line]
    assert told == ["2024-06-01", "2024-06-02", "2025-11-24"]
    told = [line.split()[0] for line in lines(tmp_path, 1) if "were dropped here" in line]
    assert told == ["2025-11-24"]
