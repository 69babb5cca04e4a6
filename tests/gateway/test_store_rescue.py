"""A broken database: found early, set aside, rebuilt from what can be read, and said."""

import asyncio
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.errors import StoreBroken, StoreError
from haidang_gateway.outgoing import data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import check, queries, rescue, room
from haidang_gateway.store.care import Care
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from node_packs import EPOCH, NODE, START_MS
from store_kit import alarm, noise, open_store, packs, revision, row, stored

PAGE = 4096
STATE = {
    "place": "m",
    "alarm": {"document": {"id": "gw-01-5f3a9c1e-0001", "rev": 2}, "sha256": ""},
}


async def _fill(folder: Path, waiting: int = 3000) -> str:
    """Alarms, a rule's state, a ledger and packs, of which 50 are in a message."""
    async with open_store(folder) as store:
        await store.commit(
            Batch(
                now_ms=START_MS,
                states={"fire:m": STATE},
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
        await store.compose_data(data_draft("gw-01", CENTRE), START_MS)
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


def _damage_packs(path: Path, seq: int, at: int = 0, count: int = 1) -> None:
    """The same where a pack lies, `at` bytes into its bundle."""
    with reading(path) as connection:
        number = next(number for number, pack in stored(connection) if pack.seq == seq)
        (packs,) = connection.execute(
            "SELECT packs FROM bundle WHERE ? BETWEEN first AND last", (number,)
        ).fetchone()
    _damage(path, packs[at : at + 50], count)


async def _seen(folder: Path) -> dict[str, Any]:
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


def test_damage_in_the_telemetry_is_found_beside_the_work_and_costs_only_what_it_hit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "haidang.db"

    async def run_on() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside is None, "no start reads all of it"
            with pytest.raises(StoreBroken, match="bundle"):
                await Care(store, store._settings, FakeClock(START_MS)).look_through()  # type: ignore[arg-type]

    epoch = asyncio.run(_fill(tmp_path))
    # Behind what SQLite itself looks at.
    _damage_packs(path, 1500, at=3000)
    asyncio.run(run_on())
    with caplog.at_level(logging.ERROR):
        seen = asyncio.run(_seen(tmp_path))
    assert seen["opened"].set_aside.name == "haidang.db.broken-20251124T160000000Z"
    assert seen["opened"].renewed == f"rebuilt {START_MS}"
    assert seen["epoch"] != epoch
    assert seen["states"]["fire:m"]["place"] == "m"
    with reading(path) as connection:
        kept = len(stored(connection))
    assert seen["sums"] == {"received": 3000, "dropped:database_broken": 3000 - kept}
    assert seen["boots"] == {(NODE, EPOCH, 7): {"received": [[1, 3000]]}}
    assert [m.seq for m in seen["alarms"]] == [1, 2]
    assert [m.seq for m in seen["data"]] == [3]
    assert 2900 <= kept < 3000
    assert "Missing in part: bundle" in caplog.text
    assert "fire" not in caplog.text
    again = asyncio.run(_seen(tmp_path))
    assert again["opened"].set_aside is None
    assert again["epoch"] == seen["epoch"]


def _count(path: Path, table: str) -> int:
    with reading(path) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def test_messages_that_wait_get_numbers_of_the_new_epoch(tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path))
    check.mark(tmp_path, "told so by a test")
    seen = asyncio.run(_seen(tmp_path))
    for message in (*seen["alarms"], *seen["data"]):
        assert json.loads(message.payload)["id"] == f"gw-01/{seen['epoch']}/{message.seq}"
    assert json.loads(seen["alarms"][1].payload)["alarm"] == {"rev": 2}
    assert not (tmp_path / "haidang.db.broken").exists()


@pytest.mark.parametrize("damage", ["header", "torn", "no database", "empty tables"])
def test_whatever_is_left_of_the_file_a_gateway_starts_and_takes_alarms(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "haidang.db"
    asyncio.run(_fill(tmp_path))
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
        await _fill(tmp_path, 60)
        async with open_store(tmp_path) as store:
            await store.commit(alarm(3))

    asyncio.run(first())
    check.mark(tmp_path, "told so by a test")
    seen = asyncio.run(_seen(tmp_path))
    mended = seen["states"]["fire:m"]["alarm"]
    assert mended == {"document": {"rev": 3}, "sha256": revision(3).sha256}


def test_a_power_cut_between_the_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_fill(tmp_path))
    check.mark(tmp_path, "told so by a test")
    moves: list[Path] = []
    move = rescue.move

    def cut(path: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == 2:
            raise OSError(5, "the power was cut")
        move(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(rescue, "move", cut)
        with pytest.raises(StoreError, match="cannot be rebuilt"):
            asyncio.run(_seen(tmp_path))
    assert not (tmp_path / "haidang.db").exists()
    seen = asyncio.run(_seen(tmp_path))
    assert len(seen["alarms"]) == 2
    assert seen["opened"].renewed


@pytest.mark.parametrize("cut_at", range(1, 6))
def test_a_power_cut_between_the_renames_of_one_database_leaves_no_older_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    async def end_as_killed() -> None:
        """What the last run committed stands in the log alone."""
        async with open_store(tmp_path) as store:
            await store.commit(alarm(3))
            for part in ("", "-wal", "-shm"):
                content = (tmp_path / f"haidang.db{part}").read_bytes()
                (tmp_path / f"killed{part}").write_bytes(content)

    asyncio.run(_fill(tmp_path, 60))
    asyncio.run(end_as_killed())
    for part in ("", "-wal", "-shm"):
        (tmp_path / f"killed{part}").rename(tmp_path / f"haidang.db{part}")
    check.mark(tmp_path, "told so by a test")
    renames: list[Path] = []
    rename = Path.rename

    def cut(part: Path, target: Path) -> Path:
        renames.append(target)
        if len(renames) == cut_at:
            raise OSError(5, "the power was cut")
        return rename(part, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        if cut_at <= 4:
            with pytest.raises(StoreError, match="cannot be rebuilt"):
                asyncio.run(_seen(tmp_path))
    # A mark may be lost with the power, too.
    check.unmark(tmp_path)
    seen = asyncio.run(_seen(tmp_path))
    # The third message has the packs. The fourth was in the log.
    assert [message.seq for message in seen["alarms"]] == [1, 2, 4], renames


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
    asyncio.run(_fill(tmp_path, 60))
    check.mark(tmp_path, "told so by a test")
    asyncio.run(_seen(tmp_path))
    path = tmp_path / "haidang.db"
    content = path.read_bytes()
    assert sound in content
    path.write_bytes(content.replace(sound, rotten))
    seen = asyncio.run(_seen(tmp_path))
    assert seen["opened"].set_aside
    assert seen["opened"].created_ms == START_MS
    assert [m.seq for m in seen["alarms"]] == [1, 2]


def test_a_rotten_text_in_what_waits_ends_the_gateway_and_costs_one_message(
    tmp_path: Path,
) -> None:
    async def fill() -> None:
        async with open_store(tmp_path) as store:
            for rev in range(1, 61):
                await store.commit(alarm(rev))

    async def meet_it() -> None:
        async with open_store(tmp_path) as store:
            with pytest.raises(StoreBroken, match="UTF-8"):
                await store.pending(CENTRE, "alarm", 0, 100)
            assert store.broken

    asyncio.run(fill())
    path = tmp_path / "haidang.db"
    content = bytearray(path.read_bytes())
    document = content.index(b'{"rev":30}', content.index(b"hd/1/g/gw-01/alarm"))
    content[content.rindex(b"hd/1/g/gw-01/alarm", 0, document)] = 0xFF
    path.write_bytes(content)
    asyncio.run(meet_it())

    async def seen_again() -> int:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside
            return len(await store.pending(CENTRE, "alarm", 0, 100))

    assert asyncio.run(seen_again()) == 59


def test_a_rebuilding_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path))
    check.mark(tmp_path, "told so by a test")
    (tmp_path / "haidang.db.new").write_bytes(b"half of it")
    assert len(asyncio.run(_seen(tmp_path))["alarms"]) == 2


def test_at_most_two_broken_databases_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"haidang.db.broken-2025010{number}T000000000Z").write_bytes(b"x")
    asyncio.run(_fill(tmp_path, 60))
    check.mark(tmp_path, "told so by a test")
    aside = asyncio.run(_seen(tmp_path))["opened"].set_aside
    kept = sorted(path.name for path in tmp_path.glob("haidang.db.broken-*Z"))
    assert kept == ["haidang.db.broken-20250103T000000000Z", aside.name]


def test_damage_that_shows_while_the_gateway_works_ends_it_and_the_next_start_rebuilds(
    tmp_path: Path,
) -> None:
    asyncio.run(_fill(tmp_path))
    _damage_packs(tmp_path / "haidang.db", 1500, count=3)

    async def read_on() -> None:
        async with open_store(tmp_path) as store:
            with pytest.raises(StoreBroken, match="the next start rebuilds it"):
                await _read_everything(store)
            care = Care(store, store._settings, FakeClock(START_MS))  # type: ignore[arg-type]
            with pytest.raises(StoreBroken, match="start again"):
                await care.run()

    asyncio.run(read_on())
    assert asyncio.run(_seen(tmp_path))["opened"].set_aside


async def _read_everything(store: Store) -> None:
    def read(connection: sqlite3.Connection) -> None:
        stored(connection)
        queries.revisions(connection)

    await store.read(read)


def test_a_look_through_the_database_ends_with_the_gateway(tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path, 60))
    look = check.Look(tmp_path / "haidang.db")
    look.stop()
    assert look.run() == ""
    _damage_packs(tmp_path / "haidang.db", 20)
    assert check.Look(tmp_path / "haidang.db").run() != ""
    assert look.run() == "", "an ended look accuses nobody"


def test_the_look_runs_beside_the_other_care_and_is_due_until_it_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        clock = FakeClock(START_MS)
        async with open_store(tmp_path) as store:
            never = asyncio.Event()
            care = Care(store, StoreSettings(), clock)  # type: ignore[arg-type]
            await care.step()
            assert care._look is None, "not in the first minute"
            clock.advance(60_000)
            with monkeypatch.context() as patch:
                patch.setattr(store, "look_through", never.wait)
                await care.step()
                await care.step()
                assert care._look is not None, "the other care goes on"
                patch.setattr(room, "log_bytes", lambda _path: 1 << 40)
                await care.step()
                assert care._look is None, "a long log ends it"
            assert care.check_due
            clock.advance(3_600_000)
            await care.step()
            assert care._look is not None
            await care._look
            await care.step()
            assert not care.check_due
        async with open_store(tmp_path) as store:
            assert store.opened.checked_ms == START_MS + 3_660_000

    asyncio.run(scenario())


def test_a_check_is_due_after_a_kill_and_not_after_an_orderly_end(tmp_path: Path) -> None:
    async def opened(orderly: bool) -> bool:
        store = Store(tmp_path, "gw-01", StoreSettings())
        await store.open(START_MS)
        unclean = store.opened.unclean
        if not orderly:
            store._connection.close()  # type: ignore[union-attr]
            store._connection = None
        await store.close()
        return unclean

    assert [asyncio.run(opened(orderly)) for orderly in (True, False, True, True)] == [
        False,
        False,
        True,
        False,
    ]


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
