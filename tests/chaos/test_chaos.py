"""A short storm on real processes, the control that must lose, and how drops are read."""

import asyncio
import json
import random
import sqlite3
from functools import partial
from pathlib import Path

from bench import chaos
from haidang_gateway.store.drop import drop_waiting
from haidang_gateway.store.schema import FILE
from node_packs import EPOCH, NODE
from store_kit import open_store, packs, row

from chaos import faults
from chaos.boards import SMOKE
from chaos.drops import Drops
from chaos.orders import Orders

_KINDS = (
    faults.gateway_killed,
    faults.near_broker_killed,
    faults.far_broker_killed,
    faults.nodes_killed,
)


def test_drops_are_taken_by_name_and_a_count_that_differs_is_seen(tmp_path: Path) -> None:
    async def fill() -> None:
        async with open_store(tmp_path) as store:
            # Packs of one commit lie together and go together.
            for n in range(20):
                await store.commit(packs(row(n, lane="data" if n % 5 else "alarm")))
            await store.care(partial(drop_waiting, lane="data", day="2026-11-25", limit=9))
            await store.care(partial(drop_waiting, lane="alarm", day="2026-11-25", limit=1))

    asyncio.run(fill())
    drops = Drops(tmp_path)
    drops.look()
    assert {seq for _, _, _, seq in drops.names} == {1, 2, 3, 4, 6, 7, 8, 9, 10}
    assert drops.alarms == {(NODE, EPOCH, 7, 10)}
    assert (drops.miscounted, drops.queue) == (0, 11)
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("UPDATE ledger_day SET count = count + 2")
    database.close()
    drops.look()
    assert drops.miscounted == 2


def test_an_outcome_that_is_lost_or_comes_in_two_versions_is_counted(tmp_path: Path) -> None:
    done = {"ok": True, "out": {}, "at": "1"}
    cut = {"ok": False, "err": "the node restarted while it was at it", "at": "2"}
    replies = (
        ("e", "o-1", done),
        ("e", "o-2", done | {"more": True}),
        ("e", "o-2", cut),
        ("e", "o-3", done),
        # The command came twice: the same answer under another number, and a database of its own.
        ("e", "o-3", done),
        ("f", "o-3", cut),
        ("e", "o-4", done),
        ("e", "o-4", cut),
        ("e", "o-5", done | {"out": {"again": True}}),
    )
    ledger = tmp_path / "centre.db"
    with sqlite3.connect(ledger) as database:
        database.execute("CREATE TABLE message (epoch, kind, payload)")
        for epoch, name, said in replies:
            row = (epoch, "reply", json.dumps({"cmd": name, "id": epoch, **said}))
            database.execute("INSERT INTO message VALUES (?, ?, ?)", row)
    database.close()
    orders = Orders([SMOKE], lambda _: None)
    for _ in range(6):
        orders.give(random.Random(1))
    assert orders.unanswered(ledger) == {"o-5", "o-6"}
    found = orders.figures(ledger)
    assert (found["orders"], found["outcomes_lost"]) == (6, 2)
    assert (found["outcomes_twice"], found["outcomes_repeated"]) == (1, 1)
    assert found["outcomes_cut_by_power"] == 3


def test_killed_processes_lose_nothing_and_the_control_does() -> None:
    found = chaos.storm(5, seed=1, kinds=_KINDS, boards=(SMOKE,))
    found |= chaos.control(seed=1, count=2)

    assert found["faults"] == 5
    assert found["accepted"], "no node kept a pack"
    assert found["delivered"] == found["accepted"], found
    assert found["board_cuts"] > 1
    assert found["board_delivered"] == found["board_accepted"] > 0, found
    assert chaos.passed(found), found
