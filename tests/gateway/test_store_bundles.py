"""Packs lie deflated in bundles: what that costs a memory card, and what must hold anyway."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from feed_kit import OTHER, compose, feed_of, waiting
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreBroken
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import bundles, drop, history, room
from haidang_gateway.store import feed as store_feed
from haidang_gateway.store.schema import reading
from haidang_tools.fleet_node import SimNode
from haidang_tools.fleet_sim import readings
from node_packs import EPOCH, NODE, START_MS, resolved_pack
from store_kit import DRAFT, noise, open_store, packs, row, stored


def test_a_pack_that_was_stored_numbered_and_confirmed_cost_few_written_bytes(
    tmp_path: Path,
) -> None:
    """Pages of the log; the figure that wears a memory card out."""

    node = SimNode(NODE, EPOCH, 7, began_ms=START_MS - 60_000)

    async def scenario() -> int:
        async with open_store(tmp_path) as store:
            await store.carry_over()
            for group in range(10):
                seqs = range(group * 500, group * 500 + 500)
                await store.commit(
                    packs(*(row(n, readings(node, n, START_MS + n * 1000)) for n in seqs))
                )
                while await store.compose_data(DRAFT, START_MS):
                    pass
                numbers = [m.seq for m in await store.pending(CENTRE, "data", 0, 100)]
                await store.confirm(CENTRE, store.epoch, [[numbers[0], numbers[-1]]])
            return await store.log_pages()

    # As rows of their own, and as messages to be sent, they took 1,300.
    assert asyncio.run(scenario()) <= 150


def test_packs_come_back_as_they_were_those_of_the_alarm_lane_first(tmp_path: Path) -> None:
    rows = [row(n, noise(n, 50), lane="alarm" if n % 100 == 7 else "data") for n in range(450)]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*rows))
            kept = await store.read(stored)
            assert [number for number, _ in kept] == list(range(1, 451))
            alarms = [pack for pack in rows if pack.lane == "alarm"]
            assert [pack for _, pack in kept] == alarms + [
                pack for pack in rows if pack.lane == "data"
            ]
            assert await store.read(lambda c: bundles.after(c, 198, 3)) == kept[198:201]
            assert await store.read(lambda c: bundles.after(c, 450, 3)) == []

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        sizes = connection.execute("SELECT lane, last - first + 1 FROM bundle").fetchall()
    assert sizes == [("alarm", 5), ("data", 200), ("data", 200), ("data", 45)]


def test_large_packs_make_smaller_bundles(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(row(n, bytes(100_000)) for n in range(5))))
            sizes = await store.read(
                lambda c: c.execute("SELECT last - first + 1 FROM bundle").fetchall()
            )
            assert sizes == [(2,), (2,), (1,)]

    asyncio.run(scenario())


def test_a_bundle_stays_until_all_of_it_is_forwarded_and_no_id_is_given_twice(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        limits = StoreSettings(keep_packs=1)
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(row(n) for n in range(60))))
            await store.care(
                lambda c: c.execute("INSERT INTO destination VALUES ('centre', 1, 59)")
            )
            await store.care(lambda c: history.roll_up(c, 100))
            assert await store.care(lambda c: room.forget_old(c, limits, START_MS)) == 0
            await store.care(lambda c: c.execute("UPDATE destination SET pack_cursor=60"))
            await store.commit(packs(row(60)))
            assert await store.care(lambda c: room.forget_old(c, limits, START_MS)) == 60
            await store.care(lambda c: c.execute("DELETE FROM bundle"))
            await store.commit(packs(row(61)))
            assert [number for number, _ in await store.read(stored)] == [61]

    asyncio.run(scenario())


def test_what_every_destination_has_is_not_called_dropped_with_the_rest_of_its_bundle(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(row(n, lane="alarm") for n in range(4))))
            await store.commit(packs(*(row(n) for n in range(10, 20))))
            await store.care(
                lambda c: c.execute("INSERT INTO destination VALUES ('centre', 1, 6)")
            )
            assert await store.care(lambda c: drop.drop_waiting(c, "data", "2026-11-25", 5)) == 8
            names = await store.read(drop.dropped)
            assert [(one.low, one.high) for one in names] == [(12, 19)]
            assert [n for n, _ in await store.read(stored)] == [1, 2, 3, 4, 5, 6]
            assert (await store.backlog(CENTRE)).packs == 0

    asyncio.run(scenario())


def _spoil(path: Path, table: str, column: str, where: str) -> None:
    """Turn one bit over in the midst of what is deflated."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        query = f"SELECT {column} FROM {table} WHERE {where}"  # noqa: S608
        (blob,) = connection.execute(query).fetchone()
        bad = blob[:30] + bytes([blob[30] ^ 1]) + blob[31:]
        connection.execute(f"UPDATE {table} SET {column}=? WHERE {where}", (bad,))  # noqa: S608


def test_damage_inside_a_bundle_ends_the_gateway_and_the_next_start_goes_on(
    tmp_path: Path,
) -> None:
    body = resolved_pack(("flood/level", 1))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for first in (0, 50, 100):
                await store.commit(packs(*(row(n, body) for n in range(first, first + 50))))
            assert await store.compose_data(DRAFT, START_MS) == 150
            await store.commit(packs(*(row(n, body) for n in range(150, 170))))
        for first in (51, 151):
            _spoil(tmp_path / "haidang.db", "bundle", "packs", f"first={first}")
        async with open_store(tmp_path) as store:
            for broken in (
                store.pending(CENTRE, "data", 0, 9),
                store.compose_data(DRAFT, START_MS),
            ):
                with pytest.raises(StoreBroken, match="a bundle of packs cannot be inflated"):
                    await broken
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            assert (await store.ledger_sums())["dropped:database_broken"] == 70
            told = [json.loads(m.payload) for m in await store.pending(CENTRE, "data", 0, 9)]
            assert [one["packs"][0][0]["hs"] for one in told] == [1, 1]
            assert [len(one["packs"]) for one in told] == [50, 50]
            await store.commit(packs(row(170, body)))
            assert await store.compose_data(DRAFT, START_MS) == 1

    asyncio.run(scenario())


def test_a_damaged_message_for_another_destination_is_found_too(tmp_path: Path) -> None:
    feed = feed_of()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            body = resolved_pack(("flood/level", 1))
            await store.commit(packs(*(row(n, body) for n in range(50))))
            assert await compose(store, feed) == 50
            assert json.loads((await waiting(store, "data"))[0].payload)
        _spoil(tmp_path / "haidang.db", "outgoing", "payload", "lane='data'")
        async with open_store(tmp_path) as store:
            with pytest.raises(StoreBroken, match="a message cannot be inflated"):
                await waiting(store, "data")
        async with open_store(tmp_path) as store:
            assert await waiting(store, "data") == []

    asyncio.run(scenario())
