"""What a rebuilt database says that it has lost is what it has lost: no pack more, none fewer."""

import asyncio
import functools
import json
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.store import check, drop, feed
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from node_packs import START_MS
from store_kit import DRAFT, alarm, noise, open_store, packs, row, stored

PAGE = 4096
LOST = "dropped:database_broken"


def _body(seq: int) -> bytes:
    """Nothing makes it smaller; its number can be found in a message."""
    return b'"#%04d:%s"' % (seq, noise(seq, 75).hex().encode())


_FIFTY_BYTES = 50 * len(_body(1))


async def _fill(
    store: Store, count: int, acknowledged: Sequence[Sequence[int]] = (), bundle: int = 20
) -> None:
    """Bundles of packs with ids from 1; messages of 50, then 100 packs without a number."""
    for first in range(1, count + 1, bundle):
        await store.commit(packs(*(row(n, _body(n)) for n in range(first, first + bundle))))
    while await store.compose_data(DRAFT, START_MS, message_bytes=_FIFTY_BYTES):
        pass
    await store.confirm(CENTRE, store.epoch, acknowledged)
    for first in range(count + 1, count + 101, 20):
        await store.commit(packs(*(row(n, _body(n)) for n in range(first, first + 20))))


def _overwrite(path: Path, *markers: bytes) -> None:
    """Damage the pages in which these bytes stand."""
    content = bytearray(path.read_bytes())
    for marker in markers:
        start = content.index(marker) // PAGE * PAGE
        content[start : start + PAGE] = b"\xa5" * PAGE
    path.write_bytes(content)


def _damage(folder: Path, *ids: int) -> None:
    """Damage the pages where the bundles with these packs begin."""
    path = folder / "haidang.db"
    with reading(path) as connection:
        found = [
            connection.execute(
                "SELECT packs FROM bundle WHERE ? BETWEEN first AND last", (number,)
            ).fetchone()[0][:50]
            for number in ids
        ]
    _overwrite(path, *found)
    check.mark(folder, "told so by a test")


async def _after(folder: Path) -> tuple[set[int], set[int], int]:
    """The packs left, those of which the centre is told, and how many are said to be lost."""
    async with open_store(folder) as store:
        assert store.opened.set_aside
        left = {pack.seq for _, pack in await store.read(stored)}
        said = (await store.ledger_sums()).get(LOST, 0)
        while await store.compose_data(DRAFT, START_MS, message_bytes=_FIFTY_BYTES):
            pass
        told = set()
        for message in await store.pending(CENTRE, "data", 0, 999):
            seqs = {int(number) for number in re.findall(rb"#(\d+):", message.payload)}
            assert seqs, "no message is empty"
            told |= seqs
        return left, told, said


def test_what_was_acknowledged_out_of_order_is_not_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            # The first and the last of 40 messages wait.
            await _fill(store, 2000, [[2, 39]])
        _damage(tmp_path, 700, 1400)
        left, told, said = await _after(tmp_path)
        waited = {*range(1, 51), *range(1951, 2101)}
        assert set(range(1, 2101)) - left, "something was hit"
        assert waited <= left
        assert said == 0
        assert told == waited

    asyncio.run(scenario())


def test_of_what_waited_exactly_what_is_missing_is_called_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store, 2000, [[1, 9], [11, 39]])
        _damage(tmp_path, 455, 1000, 1980, 2050)
        left, told, said = await _after(tmp_path)
        waited = {*range(451, 501), *range(1951, 2101)}
        assert len(set(range(451, 2101)) - left) > said > 0
        assert said == len(waited - left)
        assert told == waited & left

    asyncio.run(scenario())


def test_where_the_list_of_what_waits_is_torn_packs_are_sent_again_rather_than_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store, 9000, [[2, 3]], bundle=200)
            await store.commit(alarm(1))
        path = tmp_path / "haidang.db"
        with reading(path) as connection:
            rows = connection.execute(
                "SELECT low, high FROM outgoing WHERE lane='data'"
            ).fetchall()
        # A page in the middle of the list, known by its rows' words.
        _overwrite(path, _row_bytes(path, rows[len(rows) // 2]))
        check.mark(tmp_path, "told so by a test")
        left, told, said = await _after(tmp_path)
        assert "Missing in part: outgoing" in caplog.text
        assert said == 0
        waited = {*range(1, 51), *range(151, 9101)}
        assert waited <= left
        assert waited <= told

    asyncio.run(scenario())


def _row_bytes(path: Path, found: tuple[int, int]) -> bytes:
    """How SQLite writes the numbers of a waiting message, which stand nowhere else."""
    low, high = found
    marker = low.to_bytes(2, "big") + high.to_bytes(2, "big")
    assert path.read_bytes().count(marker) == 1
    return marker


def test_where_nobody_can_read_how_far_the_centre_is_all_that_is_missing_counts(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store, 400, [[1, 4]])
        path = tmp_path / "haidang.db"
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE destination")
        connection.close()
        _damage(tmp_path, 90, 450)
        left, told, said = await _after(tmp_path)
        assert said == len(set(range(1, 501)) - left) > 0
        assert told == left

    asyncio.run(scenario())


def test_what_a_full_disk_dropped_with_its_name_is_not_lost_once_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store, 100, [[2, 2]])
            give_up = functools.partial(drop.drop_waiting, lane="data", day="2025-11-24", limit=40)
            assert await store.care(give_up) == 40
        check.mark(tmp_path, "told so by a test")
        left, told, said = await _after(tmp_path)
        assert said == 0
        assert left >= told == {*range(1, 51), *range(141, 201)}

    asyncio.run(scenario())


def test_packs_that_are_put_behind_are_told_all_the_same(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.care(lambda c: feed.adopt(c, (CENTRE,), START_MS))
            for first in range(0, 40, 10):
                lane = "alarm" if first % 20 else "data"
                await store.commit(
                    packs(*(row(first + n, b"[%d]" % n, lane=lane) for n in range(10)))  # type: ignore[arg-type]
                )
            give_up = functools.partial(drop.drop_waiting, lane="data", day="2025-11-24", limit=99)
            assert await store.care(give_up) == 20
            assert (await store.backlog(CENTRE)).packs == 20
            assert await store.compose_data(DRAFT, START_MS) == 20
            (message,) = await store.pending(CENTRE, "data", 0, 9)
            assert len(json.loads(message.payload)["packs"]) == 20

    asyncio.run(scenario())


@pytest.mark.parametrize("acknowledged", [[[1, 4]], [[2, 3]], [[1, 1], [4, 4]], [[1, 8]]])
def test_a_rebuilding_of_a_sound_database_loses_nothing(
    tmp_path: Path, acknowledged: list[list[int]]
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store, 400, acknowledged)
        check.mark(tmp_path, "told so by a test")
        _, told, said = await _after(tmp_path)
        done = {n for low, high in acknowledged for n in range(low * 50 - 49, high * 50 + 1)}
        assert said == 0
        assert told == set(range(1, 501)) - done

    asyncio.run(scenario())
