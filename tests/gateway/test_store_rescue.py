"""A broken database is set aside and rebuilt from what can be read, and that is said."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from broken_store import PAGE, fill, found_at_start
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.outgoing import data_draft
from haidang_gateway.store import check
from haidang_gateway.store.schema import reading
from node_packs import START_MS
from store_kit import alarm, open_store, packs, revision, row


def _count(path: Path, table: str) -> int:
    with reading(path) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def test_messages_that_wait_get_numbers_of_the_new_epoch(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path))
    check.mark(tmp_path, "told so by a test")
    seen = asyncio.run(found_at_start(tmp_path))
    for message in (*seen["alarms"], *seen["data"]):
        assert json.loads(message.payload)["id"] == f"gw-01/{seen['epoch']}/{message.seq}"
    assert json.loads(seen["alarms"][1].payload)["alarm"] == {"rev": 2}
    assert not (tmp_path / "haidang.db.broken").exists()


@pytest.mark.parametrize("damage", ["header", "torn", "no database", "empty tables"])
def test_whatever_is_left_of_the_file_a_gateway_starts_and_takes_alarms(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "haidang.db"
    asyncio.run(fill(tmp_path))
    content = path.read_bytes()
    if damage == "header":
        path.write_bytes(b"\0" * PAGE + content[PAGE:])
    elif damage == "torn":
        path.write_bytes(content[: len(content) // 3 // PAGE * PAGE])
    elif damage == "no database":
        path.write_bytes(b"this is a text\n" * 1000)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE rule_state")
            connection.execute("DELETE FROM meta")
        connection.close()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside is not None
            await store.commit(Batch(now_ms=START_MS, states={"fire:x": {}}))
            await store.commit(alarm(9))
            assert len(await store.pending(CENTRE, "alarm", 0, 10)) >= 1

    asyncio.run(scenario())
    assert _count(path, "meta") >= 3


def test_a_rule_that_is_older_than_its_alarm_goes_on_after_the_alarm(tmp_path: Path) -> None:
    async def first() -> None:
        await fill(tmp_path, 60)
        async with open_store(tmp_path) as store:
            await store.commit(alarm(3))

    asyncio.run(first())
    check.mark(tmp_path, "told so by a test")
    seen = asyncio.run(found_at_start(tmp_path))
    mended = seen["states"]["fire:m"]["alarm"]
    assert mended == {"document": {"rev": 3}, "sha256": revision(3).sha256}


@pytest.mark.parametrize(
    ("sound", "rotten"),
    [
        (b'"place":"m"', b'"place":"\xff"'),
        (b"created_ms17", b"created_ms1x"),
        (b"renewedrebuilt 17", b"renewedrebuilt 1x"),
    ],
)
def test_a_text_or_a_number_that_is_none_any_more_keeps_no_gateway_from_starting(
    tmp_path: Path, sound: bytes, rotten: bytes
) -> None:
    asyncio.run(fill(tmp_path, 60))
    check.mark(tmp_path, "told so by a test")
    asyncio.run(found_at_start(tmp_path))
    path = tmp_path / "haidang.db"
    content = path.read_bytes()
    assert sound in content
    path.write_bytes(content.replace(sound, rotten))
    seen = asyncio.run(found_at_start(tmp_path))
    assert seen["opened"].set_aside
    assert seen["opened"].created_ms == START_MS
    assert [m.seq for m in seen["alarms"]] == [1, 2]


def test_at_most_two_broken_databases_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"haidang.db.broken-2025010{number}T000000000Z").write_bytes(b"x")
    asyncio.run(fill(tmp_path, 60))
    check.mark(tmp_path, "told so by a test")
    aside = asyncio.run(found_at_start(tmp_path))["opened"].set_aside
    kept = sorted(path.name for path in tmp_path.glob("haidang.db.broken-*Z"))
    assert kept == ["haidang.db.broken-20250103T000000000Z", aside.name]


def test_packs_after_a_rebuild_are_forwarded_though_none_came_over(tmp_path: Path) -> None:
    async def forwarded_all() -> None:
        draft = data_draft("gw-01", CENTRE)
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(row(n) for n in range(40))))
            assert await store.compose_data(draft, START_MS) == 40
            await store.confirm(CENTRE, store.epoch, [[1, 1]])
        check.mark(tmp_path, "damage that a test made up")
        async with open_store(tmp_path) as store:
            await store.commit(packs(row(40), row(41)))
            assert await store.compose_data(draft, START_MS) == 2

    asyncio.run(forwarded_all())
