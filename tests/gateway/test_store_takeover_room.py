"""An older database is taken over although its disk has hardly any room left."""

import asyncio
import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.store import (
    schema,
)
from node_packs import START_MS
from old_database import full_of_messages, full_of_packs
from store_kit import alarm, open_store, stored


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 60 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("left_bytes", [300_000, 0])
def test_a_version_5_database_is_taken_over_on_a_disk_that_others_have_filled(
    small_disk: Path, left_bytes: int
) -> None:
    full_of_packs(small_disk, ["data"] * 60_000)
    (small_disk / "ballast").write_bytes(bytes(8 * 1024 * 1024))
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free - left_bytes))

    async def scenario() -> None:
        async with open_store(small_disk) as store:
            kept = await store.read(stored)
            assert [number for number, _ in kept] == list(range(41, 60_041))
            await store.commit(alarm(1))

    asyncio.run(scenario())


@pytest.mark.parametrize(("count", "payload_bytes"), [(200_000, 2), (16_000, 900), (160, 90_000)])
def test_messages_larger_than_the_room_that_is_left_are_taken_over(
    small_disk: Path, count: int, payload_bytes: int
) -> None:
    full_of_messages(small_disk, count, bytes(payload_bytes))
    (small_disk / "ballast").write_bytes(bytes(8 * 1024 * 1024))
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free))

    async def scenario() -> None:
        async with open_store(small_disk) as store:
            alarms = [(await store.backlog(name)).alarms for name in (CENTRE, "fire")]
            assert alarms == [count // 2 + 1, count // 2]
            await store.commit(alarm(1))

    asyncio.run(scenario())


def test_what_waits_for_the_takeover_lies_in_one_tree_so_that_a_step_writes_few_pages(
    tmp_path: Path,
) -> None:
    path = full_of_messages(tmp_path, 12, b"{}")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as half:
        schema.transaction(half, lambda c: schema._steps(c, 5, START_MS))
        indices = "SELECT name FROM sqlite_master WHERE type='index' AND sql IS NOT NULL"
        assert half.execute(indices).fetchall() == []
        assert half.execute("SELECT count(*) FROM outgoing_before").fetchone()[0] > 0
