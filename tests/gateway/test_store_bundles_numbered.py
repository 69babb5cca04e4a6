"""Packs that a numbered message stands for stay in their bundles until it is confirmed."""

import asyncio
import functools
import json
import re
from pathlib import Path

from haidang_gateway.batch import CENTRE, Batch, Outgoing
from haidang_gateway.model import Lane
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import dead_letters, drop, history, room
from node_packs import START_MS, resolved_pack
from store_kit import DRAFT, noise, open_store, packs, row, stored


def test_packs_of_a_numbered_message_stay_on_a_full_disk_until_it_is_confirmed(
    tmp_path: Path,
) -> None:
    body = resolved_pack(("flood/level", 1))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(row(n, body) for n in range(50))))
            assert await store.compose_data(DRAFT, START_MS) == 50
            await store.commit(packs(*(row(n, body) for n in range(50, 180))))
            before = await store.pending(CENTRE, "data", 0, 9)
            while await store.care(lambda c: room.make_room(c, "2026-11-25", START_MS)):
                pass
            assert len(await store.read(stored)) == 50
            assert (await store.backlog(CENTRE)).packs == 0
            assert (await store.ledger_sums())["dropped:gateway_full"] == 130
            assert await store.pending(CENTRE, "data", 0, 9) == before
            await store.confirm(CENTRE, store.epoch, [[1, 1]])
            assert await store.care(lambda c: room.make_room(c, "2026-11-25", START_MS)) == 50
            assert await store.read(stored) == []

    asyncio.run(scenario())


def test_a_bundle_that_is_numbered_in_part_gives_up_the_rest_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            bodies = [noise(n, 2000).hex().encode() for n in range(60)]
            await store.commit(packs(*(row(n, body) for n, body in enumerate(bodies))))
            # Of 64 KiB, as long as there is room for more messages.
            assert await store.compose_data(DRAFT, START_MS) == 60
            await store.care(lambda c: c.execute("DELETE FROM outgoing WHERE seq > 2"))
            await store.care(lambda c: c.execute("UPDATE destination SET pack_cursor=32"))
            before = await store.pending(CENTRE, "data", 0, 9)
            assert await store.care(lambda c: drop.drop_waiting(c, "data", "2026-11-25", 5)) == 28
            assert await store.pending(CENTRE, "data", 0, 9) == before
            await store.commit(packs(row(60)))
            assert (await store.backlog(CENTRE)).packs == 1

    asyncio.run(scenario())


def test_a_message_of_which_packs_were_lost_takes_none_of_the_next_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            # A bundle for each commit, and messages of 64 KiB: two bundles and a half.
            for group in range(6):
                seqs = range(group * 12, group * 12 + 12)
                await store.commit(packs(*(row(n, b"%d" % n * 1000) for n in seqs)))
            await store.compose_data(DRAFT, START_MS)
            first, second = (await store.pending(CENTRE, "data", 0, 9))[:2]
            await store.care(lambda c: c.execute("DELETE FROM bundle WHERE first=13"))
            torn, whole = (await store.pending(CENTRE, "data", 0, 9))[:2]
            assert _numbers(torn) == _numbers(first) - set(range(12, 24))
            assert whole == second

    asyncio.run(scenario())


def _numbers(message: Outgoing) -> set[int]:
    found = {int(text[: len(text) // 1000]) for text in re.findall(rb"\d{1000,}", message.payload)}
    assert found, "packs"
    return found


def test_a_message_that_is_buried_takes_its_packs_along(tmp_path: Path) -> None:
    limits = StoreSettings(keep_packs=1)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            body = resolved_pack(("flood/level", 1))
            await store.commit(packs(*(row(n, body) for n in range(110))))
            assert await store.compose_data(DRAFT, START_MS) == 110
            (first, second) = await store.pending(CENTRE, "data", 0, 9)
            await store.confirm(CENTRE, store.epoch, [[2, 2]])
            bury = functools.partial(
                dead_letters.bury, destination=CENTRE, seq=1, reason="no", now_ms=START_MS
            )
            await store.care(bury)
            await store.care(lambda c: history.roll_up(c, 200))
            await store.commit(packs(row(110)))
            assert await store.care(lambda c: room.forget_old(c, limits, START_MS)) == 110
            await store.commit(Batch(now_ms=START_MS, resend=(CENTRE,)))
            (again,) = await store.pending(CENTRE, "data", 0, 9)
            assert again.seq == 3
            assert again.payload == first.payload.replace(b'/1"', b'/3"', 1)
            assert len(json.loads(second.payload)["packs"]) == 10

    asyncio.run(scenario())


def test_what_is_confirmed_behind_a_message_that_waits_is_neither_dropped_nor_sent_again(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for start in range(0, 500, 10):
                lane: Lane = "alarm" if start % 20 else "data"
                await store.commit(packs(*(row(start + n, lane=lane) for n in range(10))))
            assert await store.compose_data(DRAFT, START_MS) == 400
            assert await store.compose_data(DRAFT, START_MS) == 100
            await store.commit(packs(*(row(500 + n) for n in range(10))))
            await store.confirm(CENTRE, store.epoch, [[2, 5]])
            waiting = await store.pending(CENTRE, "data", 0, 99)
            assert [message.seq for message in waiting] == [1]
            for _ in range(3):
                give_up = functools.partial(
                    drop.drop_waiting, lane="alarm", day="2025-11-24", limit=50
                )
                assert await store.care(give_up) == 0, "the centre has all of that lane"
            assert await store.care(room._forwarded) == 400, "but for what message 1 stands for"
            assert await store.pending(CENTRE, "data", 0, 99) == waiting
            assert (await store.backlog(CENTRE)).packs == 10

    asyncio.run(scenario())
