"""A copy while the gateway works, and a gateway that goes on from it."""

import asyncio
import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.errors import StoreError
from haidang_gateway.store import backup, queries, rescue
from haidang_gateway.store.backup import back_up, restore
from haidang_gateway.store.schema import reading
from node_packs import EPOCH, NODE, START_MS, pack, smoke
from pipeline_kit import open_bench
from store_kit import alarm, noise, open_store, packs, row, stored

LATER_MS = START_MS + 3_600_000


def _fill(folder: Path, count: int = 200) -> str:
    async def scenario() -> str:
        async with open_store(folder) as store:
            boots = {(NODE, EPOCH, 7): {"received": [[0, 9]], "first": 0}}
            await store.commit(Batch(now_ms=START_MS, boots=boots))
            await store.commit(packs(*(row(n, bytes(1000)) for n in range(count))))
            await store.commit(alarm(1))
            return store.epoch

    return asyncio.run(scenario())


def test_a_backup_is_one_moment_however_much_is_committed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_PAGES", 4)
    monkeypatch.setattr(backup, "_PAUSE_S", 0.001)
    target = tmp_path / "copy.db"

    async def scenario() -> int:
        async with open_store(tmp_path / "data") as store:
            await store.commit(packs(*(row(n, noise(n)) for n in range(1000))))
            copying = asyncio.create_task(
                asyncio.to_thread(back_up, tmp_path / "data" / "haidang.db", target, START_MS)
            )
            rev = 0
            while not copying.done():
                rev += 1
                await store.commit(
                    Batch(
                        now_ms=START_MS,
                        packs=(row(2000 + rev),),
                        states={"n": {"n": rev}},
                        counts={(NODE, "d", "received"): 1},
                    )
                )
            await copying
            return rev

    commits = asyncio.run(scenario())
    assert commits > 2, "the gateway went on"
    with reading(target) as copy:
        taken = queries.rule_states(copy).get("n", {"n": 0})["n"]
        assert len(stored(copy)) == 1000 + taken
        assert queries.ledger_sums(copy).get("received", 0) == taken
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.db"]


def test_a_restored_gateway_has_a_new_epoch_and_counts_nothing_as_lost_that_it_cannot_know(
    tmp_path: Path,
) -> None:
    path = tmp_path / "haidang.db"
    epoch = _fill(tmp_path)
    back_up(path, tmp_path / "copy.db", START_MS)

    async def more() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(2))

    asyncio.run(more())
    kept = restore(tmp_path / "copy.db", path, LATER_MS)
    assert kept is not None
    with reading(kept) as replaced:
        assert len(queries.revisions(replaced)) == 2

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.epoch != epoch
            assert store.opened.renewed == f"restored {LATER_MS}"
            assert store.created_ms == LATER_MS
            assert (await store.boots())[NODE, EPOCH, 7]["first"] is None
            (waiting,) = await store.pending(CENTRE, "alarm", 0, 9)
            assert json.loads(waiting.payload)["id"] == f"gw-01/{store.epoch}/1"
            assert (await store.backlog(CENTRE)).packs == 200

    asyncio.run(scenario())
    with reading(path) as connection:
        assert [line[2] for line in queries.audit_rows(connection)] == ["revision", "restored"]


def test_an_open_alarm_goes_on_with_revisions_that_the_centre_cannot_have(tmp_path: Path) -> None:
    path = tmp_path / "haidang.db"

    async def fires(*arrivals: bytes, step_ms: int = 0) -> list[int]:
        async with open_bench(tmp_path) as bench:
            bench.clock.advance(step_ms)
            for number, payload in enumerate(arrivals):
                bench.arrive("alarm", payload, number)
            await bench.pipeline.step()
            sent = await bench.store.pending(CENTRE, "alarm", 0, 9)
            alarms = [json.loads(message.payload)["alarm"] for message in sent]
            return [alarm["rev"] for alarm in alarms if alarm["hazard"] == "fire"]

    assert asyncio.run(fires(pack(1, *smoke("alarm")))) == [1]
    back_up(path, tmp_path / "copy.db", START_MS)
    restore(tmp_path / "copy.db", path, LATER_MS)
    assert asyncio.run(fires(step_ms=120_000)) == [1, 1002]


def test_a_running_gateway_a_damaged_file_and_a_later_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "haidang.db"
    _fill(tmp_path)
    back_up(path, tmp_path / "copy.db", START_MS)

    async def running() -> None:
        async with open_store(tmp_path):
            with pytest.raises(StoreError, match="another gateway runs"):
                restore(tmp_path / "copy.db", path, LATER_MS)

    asyncio.run(running())
    damaged = bytearray((tmp_path / "copy.db").read_bytes())
    damaged[-40_000:-10_000] = b"\xa5" * 30_000
    (tmp_path / "damaged.db").write_bytes(damaged)
    with pytest.raises(StoreError, match=r"is damaged: [^\n]+; take another file$"):
        restore(tmp_path / "damaged.db", path, LATER_MS)
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match="has schema 99"):
        restore(tmp_path / "copy.db", path, LATER_MS)
    with pytest.raises(StoreError, match=r"cannot be (restored|read)"):
        restore(tmp_path / "absent.db", path, LATER_MS)
    (tmp_path / "text.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be"):
        restore(tmp_path / "text.db", path, LATER_MS)
    with reading(path) as connection:
        assert len(queries.revisions(connection)) == 1
    assert not list(tmp_path.glob("haidang.db.*"))


def test_a_restoring_that_the_power_cut_short_leaves_the_old_or_the_new_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "haidang.db"
    epoch = _fill(tmp_path)
    back_up(path, tmp_path / "copy.db", START_MS)
    moves: list[Path] = []
    for cut_at in (1, 2, 3):
        moves.clear()

        def cut(source: Path, target: Path, cut_at: int = cut_at) -> None:
            moves.append(target)
            if len(moves) == cut_at:
                raise OSError(5, "the power was cut")
            rescue.move(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(backup, "move", cut)
            with pytest.raises(StoreError):
                restore(tmp_path / "copy.db", path, LATER_MS + cut_at)

        async def started() -> str:
            async with open_store(tmp_path) as store:
                assert len(await store.pending(CENTRE, "alarm", 0, 9)) == 1
                return store.opened.renewed

        renewed = asyncio.run(started())
        assert renewed == (f"restored {LATER_MS + 3}" if cut_at == 3 else ""), epoch


def test_a_copy_that_was_put_in_place_by_hand_uses_no_number_twice(tmp_path: Path) -> None:
    path = tmp_path / "haidang.db"
    epoch = _fill(tmp_path)
    back_up(path, tmp_path / "copy.db", START_MS)
    path.unlink()
    (tmp_path / "copy.db").rename(path)

    async def started() -> tuple[str, str]:
        async with open_store(tmp_path) as store:
            (message,) = await store.pending(CENTRE, "alarm", 0, 9)
            assert json.loads(message.payload)["id"] == f"gw-01/{store.epoch}/1"
            return store.epoch, store.opened.renewed

    first, renewed = asyncio.run(started())
    assert first != epoch
    assert renewed == f"restored {START_MS}"
    assert asyncio.run(started()) == (first, renewed)
    with reading(path) as connection:
        assert [row[2] for row in queries.audit_rows(connection)][-1] == "restored"


def test_a_backup_needs_a_new_file_and_room_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "haidang.db"
    _fill(tmp_path)
    (tmp_path / "there.db").write_bytes(b"")
    with pytest.raises(StoreError, match="exists already"):
        back_up(path, tmp_path / "there.db", START_MS)
    monkeypatch.setattr(backup, "_ROOM_BYTES", 1 << 60)
    with pytest.raises(StoreError, match="name a file on another disk"):
        back_up(path, tmp_path / "copy.db", START_MS)
    with pytest.raises(StoreError, match="cannot be written"):
        back_up(tmp_path / "absent" / "haidang.db", tmp_path / "copy.db", START_MS)
    assert not list(tmp_path.glob("copy*"))


def test_what_is_no_copy_is_refused_with_the_reason_and_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "haidang.db"
    _fill(tmp_path)
    other = tmp_path / "picture.jpg"
    other.write_bytes(b"no database")
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.executescript("CREATE TABLE meta (key, value); PRAGMA user_version=5")
    connection.close()
    for wrong, said in (
        (foreign, "is no database of a gateway .tables are missing: destination, pack, rule_st"),
        (other, "it is no database; name a file"),
        (tmp_path, "cannot be read: Is a directory; name a file"),
        (tmp_path / "absent.db", "cannot be read: No such file or directory; name a file"),
    ):
        with pytest.raises(StoreError, match=said):
            restore(wrong, path, LATER_MS)
    assert not list(tmp_path.glob("haidang.db.*"))
    assert path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_restores_for_the_services_user(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    _fill(folder)
    back_up(folder / "haidang.db", tmp_path / "copy.db", START_MS)
    os.chown(folder, 4711, 4712)
    restore(tmp_path / "copy.db", folder / "haidang.db", LATER_MS)
    owner = (folder / "haidang.db").stat()
    assert (owner.st_uid, owner.st_gid) == (4711, 4712)
