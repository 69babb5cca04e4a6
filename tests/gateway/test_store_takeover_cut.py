"""A takeover of an older database that is cut short, killed or broken midway keeps all it held."""

import asyncio
import contextlib
import functools
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE, PackRow
from haidang_gateway.errors import StoreError
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import (
    bundles,
    check,
    messages,
    rescue,
    schema,
)
from haidang_gateway.store.store import Store
from haidang_gateway.store.tables import SCHEMA_VERSION
from node_packs import START_MS
from old_database import VERSION_1, database, full_of_messages, full_of_packs, version_of
from store_kit import open_store, packs, row, stored


def test_a_takeover_that_is_cut_short_goes_on_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = full_of_packs(tmp_path, ["data"] * 300)
    with contextlib.closing(sqlite3.connect(path)) as old:
        before = old.execute("SELECT * FROM pack ORDER BY id").fetchall()
    monkeypatch.setattr(bundles, "_MOVED_AT_ONCE", 50)
    real = bundles.move_some
    moved: list[bool] = []

    def cut(connection: sqlite3.Connection) -> bool:
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(real(connection))
        return moved[-1]

    with monkeypatch.context() as patch:
        patch.setattr(bundles, "move_some", cut)
        with pytest.raises(KeyboardInterrupt):
            schema.connect(path, START_MS)
    assert version_of(path) == SCHEMA_VERSION

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert await store.read(stored) == [(n, PackRow(*pack)) for n, *pack in before]

    asyncio.run(scenario())


class _Dying(sqlite3.Connection):
    """Its program is killed before one of its statements."""

    left = 1 << 30

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        _Dying.left -= 1
        if _Dying.left < 0:
            raise KeyboardInterrupt
        return super().execute(*arguments)


def _held(path: Path) -> tuple[list[object], list[object]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT destination, seq, lane, topic, payload, packs, created_ms FROM outgoing"
        waiting = connection.execute(f"{query} ORDER BY 1, 2").fetchall()
        return waiting, [*stored(connection)]


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_a_takeover_that_is_killed_before_any_statement_keeps_every_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_rebuilt: bool
) -> None:
    old = full_of_messages(tmp_path, 12, b"{}")
    monkeypatch.setattr(bundles, "_MOVED_AT_ONCE", 4)
    monkeypatch.setattr(messages, "_MOVED_AT_ONCE", 4)
    # What stays of what was written is the disk's part.
    monkeypatch.setattr(schema, "_make_durable", lambda c: c.execute("PRAGMA synchronous=OFF"))
    connect = functools.partial(sqlite3.connect, factory=_Dying)
    whole, path = tmp_path / "whole.db", tmp_path / "cut" / "haidang.db"
    path.parent.mkdir()
    shutil.copy(old, whole)
    schema.connect(whole, START_MS).close()
    expected = _held(whole)
    assert len(expected[0]) == 14
    cuts = 0
    while True:
        shutil.copy(old, path)
        _Dying.left = cuts
        with monkeypatch.context() as patch:
            patch.setattr(schema.sqlite3, "connect", connect)
            try:
                schema.connect(path, START_MS).close()
                break
            except KeyboardInterrupt:
                cuts += 1
        if is_rebuilt:
            aside = rescue.rescue(path, "told so by a test", START_MS).aside
            found, kept = _held(path)
            assert [message[2:4] for message in found] == [m[2:4] for m in expected[0]], cuts
            assert [n for n, _ in kept if n > 42] == [n for n, _ in expected[1] if n > 42], cuts
            aside.unlink()
        else:
            schema.connect(path, START_MS).close()
            assert _held(path) == expected, cuts
        _remove(path)
    assert cuts > 40


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def test_what_is_broken_in_the_middle_of_a_takeover_gives_its_packs_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = full_of_packs(tmp_path, ["data"] * 300)
    monkeypatch.setattr(bundles, "_MOVED_AT_ONCE", 100)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as half:
        schema.transaction(half, lambda c: schema._steps(c, 5, START_MS))
        assert schema.transaction(half, bundles.move_some)
    check.mark(tmp_path, "told so by a test")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            kept = await store.read(stored)
            assert [n for n, _ in kept if n > 42] == list(range(43, 341))
            assert "dropped:database_broken" not in await store.ledger_sums()
            await store.commit(packs(row(900)))
            assert [n for n, _ in (await store.read(stored))[-2:]] == [340, 341]

    asyncio.run(scenario())


def test_a_broken_database_of_version_5_gives_its_packs_to_one_of_this_version(
    tmp_path: Path,
) -> None:
    path = full_of_packs(tmp_path, ["data"] * 300)
    check.mark(tmp_path, "told so by a test")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            kept = await store.read(stored)
            assert [number for number, _ in kept] == list(range(43, 341))
            assert "dropped:database_broken" not in await store.ledger_sums()
            assert [m.seq for m in await store.pending(CENTRE, "data", 0, 9)] == [2]

    asyncio.run(scenario())
    assert version_of(path) == SCHEMA_VERSION


def test_a_migration_that_fails_leaves_the_old_version_whole(tmp_path: Path) -> None:
    path = database(tmp_path, VERSION_1 + "CREATE TABLE counter (other TEXT);", 1)

    async def scenario() -> None:
        store = Store(tmp_path, "gw-01", StoreSettings())
        with pytest.raises(StoreError, match="cannot be opened"):
            await store.open(START_MS)
        await store.close()

    asyncio.run(scenario())
    assert version_of(path) == 1
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "node" not in names
