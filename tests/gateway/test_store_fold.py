"""The ledger's old days become years: the file stays bounded, and no sum changes."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fakes import FakeClock
from haidang_gateway import ledger_view
from haidang_gateway.batch import Batch, DayKey
from haidang_gateway.errors import StoreFull
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import fold, queries
from haidang_gateway.store.care import Care
from haidang_gateway.store.store import Store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_packs import START_MS
from store_kit import open_store

TODAY = datetime.fromtimestamp(START_MS / 1000, UTC).date()


def _day(ago: int) -> str:
    return (TODAY - timedelta(days=ago)).isoformat()


async def _days(store: Store) -> list[tuple[str, str, str, int]]:
    return await store.read(queries.ledger_days)


async def _look_after(store: Store, keep_days: int) -> int:
    """Steps until nothing is left to do at once; how many."""
    clock = FakeClock(START_MS)
    care = Care(store, StoreSettings(ledger_days=keep_days), clock)  # type: ignore[arg-type]
    care.check_due = False
    steps = 1
    while await care.step():
        steps += 1
    return steps


def _sums(rows: list[tuple[str, str, str, int]]) -> Counter[tuple[str, str, str]]:
    sums: Counter[tuple[str, str, str]] = Counter()
    for node, day, what, count in rows:
        sums[node, day[:4], what] += count
    return sums


_KEYS = st.tuples(
    st.sampled_from(["n-240ac4000001", "n-240ac4000002", "-"]),
    st.integers(0, 1500).map(_day),
    st.sampled_from(["received", "late", "dropped:gateway_full"]),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lives=st.lists(
        st.tuples(st.dictionaries(_KEYS, st.integers(-3, 10**9)), st.integers(1, 1000)),
        min_size=1,
        max_size=3,
    )
)
def test_no_sum_of_a_node_and_year_changes(
    tmp_path: Path, lives: list[tuple[dict[DayKey, int], int]]
) -> None:
    folder = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"

    async def scenario() -> None:
        async with open_store(folder) as store:
            for counts, keep_days in lives:
                await store.commit(Batch(now_ms=START_MS, counts=counts))
                before, sums = await _days(store), await store.ledger_sums()
                await _look_after(store, keep_days)
                after = await _days(store)
                assert _sums(after) == _sums(before)
                assert await store.ledger_sums() == sums
                assert all(len(day) == 4 or day >= _day(keep_days) for _, day, _, _ in after)
                young = {row for row in before if row[1] >= _day(keep_days)}
                assert young <= set(after)

    asyncio.run(scenario())


def test_much_is_folded_a_little_at_a_time(tmp_path: Path) -> None:
    counts = {
        (f"n-240ac4{n:06x}", _day(ago), "received"): 1
        for n in range(30)
        for ago in range(400, 440)
    }

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, counts=counts))
            assert await _look_after(store, 400) == 3
            assert await store.read(lambda c: fold.old_days(c, 400, START_MS)) == []
            days = await _days(store)
            assert len(days) == 30 * (1 + len({_day(ago)[:4] for ago in range(401, 440)}))
            assert sum(count for *_, count in days) == 1200

    asyncio.run(scenario())


def test_what_is_looked_for_costs_by_nodes_and_not_by_days(tmp_path: Path) -> None:
    counts = {
        (f"n-240ac4{n:06x}", _day(ago), "received"): 1 for n in range(20) for ago in range(400)
    }

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, counts=counts))
            steps: list[None] = []

            def count(connection: object) -> list[DayKey]:
                connection.set_progress_handler(lambda: steps.append(None), 100)  # type: ignore[attr-defined]
                return fold.old_days(connection, 400, START_MS)  # type: ignore[arg-type]

            assert await store.read(count) == []
            assert len(steps) < 20

    asyncio.run(scenario())


def test_on_a_full_disk_it_waits_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {("-", _day(ago), "received"): 1 for ago in range(1000)}
    tries: list[None] = []

    def full(*_: object) -> None:
        tries.append(None)
        raise StoreFull("full")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, counts=counts))
            clock = FakeClock(START_MS)
            care = Care(store, StoreSettings(), clock)  # type: ignore[arg-type]
            with monkeypatch.context() as patch:
                patch.setattr(fold, "fold", full)
                for _ in range(3):
                    assert not await care.step()
            assert len(tries) == 1
            clock.advance(3_600_000)
            assert await care.step()
            assert not await care.step()
            clock.advance(3_500_000)
            await store.commit(Batch(now_ms=START_MS, counts={("-", _day(999), "received"): 1}))
            assert not await care.step()
            assert ("-", _day(999), "received", 1) in await _days(store)
            clock.advance(100_000)
            assert not await care.step()
            assert ("-", _day(999), "received", 1) not in await _days(store)
            await care._stop_looking()

    asyncio.run(scenario())


def test_a_row_that_is_gone_meanwhile_is_not_folded(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            days = [("n-240ac4000001", "2020-01-01", "received")]
            await store.care(lambda c: fold.fold(c, days))
            assert await _days(store) == []

    asyncio.run(scenario())


def test_the_ledger_tells_years_behind_the_days(tmp_path: Path) -> None:
    node, old = "n-240ac4000001", date(TODAY.year - 3, 5, 5)
    counts = {
        (node, _day(0), "received"): 7,
        (node, old.isoformat(), "received"): 5,
        (node, (old + timedelta(days=1)).isoformat(), "received"): 6,
    }

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, counts=counts))
            await _look_after(store, 400)

    asyncio.run(scenario())
    table = [line.split()[:3] for line in ledger_view.lines(tmp_path)][1:3]
    assert table == [[_day(0), node, "7"], [str(old.year), node, "11"]]
    assert [row["day"] for row in ledger_view.by_day(tmp_path, 1)] == [_day(0)]
    assert ledger_view.sums(tmp_path)["received"] == 18
