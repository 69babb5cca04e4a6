"""A rebuilding that a power cut ends leaves all to the next start."""

import asyncio
from pathlib import Path

import pytest
from broken_store import fill, found_at_start
from haidang_gateway.errors import StoreError
from haidang_gateway.store import check, rescue
from store_kit import alarm, open_store


def test_a_power_cut_between_the_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(fill(tmp_path))
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
            asyncio.run(found_at_start(tmp_path))
    assert not (tmp_path / "haidang.db").exists()
    seen = asyncio.run(found_at_start(tmp_path))
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

    asyncio.run(fill(tmp_path, 60))
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
                asyncio.run(found_at_start(tmp_path))
    # A mark may be lost with the power, too.
    check.unmark(tmp_path)
    seen = asyncio.run(found_at_start(tmp_path))
    # The third message has the packs. The fourth was in the log.
    assert [message.seq for message in seen["alarms"]] == [1, 2, 4], renames


def test_a_rebuilding_that_was_cut_short_begins_anew(tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path))
    check.mark(tmp_path, "told so by a test")
    (tmp_path / "haidang.db.new").write_bytes(b"half of it")
    assert len(asyncio.run(found_at_start(tmp_path))["alarms"]) == 2
