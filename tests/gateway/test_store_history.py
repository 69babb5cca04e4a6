"""History for charts: every pack counts once, in its minute and its hour, and old rows go."""

import asyncio
import json
from pathlib import Path

import pytest
from fakes import FakeClock
from haidang_gateway.batch import CENTRE, PackRow
from haidang_gateway.outgoing import data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import history, room
from haidang_gateway.store.care import Care
from haidang_gateway.store.history import HOUR_S, MINUTE_S, Point, Series
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from node_packs import NODE, START_MS
from store_kit import open_store, packs, row

MINUTE_MS = START_MS - START_MS % 60_000
LEVEL = "flood/level"
DAY_MS = 86_400_000


def level(seq: int, at_ms: int, *values: float, name: str = LEVEL, late_ms: int = 0) -> PackRow:
    """A pack with one record per value, a second apart."""
    records = [
        {"bt": at_ms / 1000 + second, "hu": second * 1000, "n": name, "v": value}
        for second, value in enumerate(values)
    ]
    came_ms = at_ms + 1000 * len(values) + late_ms
    return replace(row(seq, json.dumps(records).encode()), received_ms=came_ms)


def chart(folder: Path, span_s: int, name: str = LEVEL) -> list[Point]:
    series = Series(NODE, name, START_MS - DAY_MS, START_MS + 3 * DAY_MS)
    with reading(folder / "haidang.db") as connection:
        return history.chart(connection, series, span_s)


async def roll_up(store: Store, step: int = 100) -> None:
    while await store.care(lambda c: history.roll_up(c, step)):
        pass


def test_readings_become_lowest_mean_highest_and_count_of_minute_and_hour(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(
                packs(level(1, MINUTE_MS, 400, 410.5, 390), level(2, MINUTE_MS + 60_000, 500))
            )
            await roll_up(store)

    asyncio.run(scenario())
    hour_ms = MINUTE_MS - MINUTE_MS % 3_600_000
    assert chart(tmp_path, MINUTE_S) == [
        Point(MINUTE_MS, 390, 1200.5 / 3, 410.5, 3),
        Point(MINUTE_MS + 60_000, 500, 500, 500, 1),
    ]
    assert chart(tmp_path, HOUR_S) == [Point(hour_ms, 390, 1700.5 / 4, 500, 4)]


def test_what_comes_late_counts_in_the_minute_it_was_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(level(1, MINUTE_MS, 400)))
            await roll_up(store)
            await store.commit(packs(level(2, MINUTE_MS + 10_000, 100, late_ms=DAY_MS)))
            await roll_up(store)

    asyncio.run(scenario())
    assert chart(tmp_path, MINUTE_S) == [Point(MINUTE_MS, 100, 250, 400, 2)]


def test_names_that_are_not_the_contracts_and_unreadable_packs_leave_no_trace(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            strange = level(1, MINUTE_MS, 1, name="spam/1")
            words = row(2, b'[{"bt":1764000000,"n":"smoke/state","vs":"normal"}]')
            await store.commit(packs(strange, words, row(3, b"\xff"), row(4, b"[]")))
            await store.commit(packs(row(5, b'[{"bt":1764000000,"n":"flood/float","vb":true}]')))
            await roll_up(store)

    asyncio.run(scenario())
    assert chart(tmp_path, MINUTE_S, "spam/1") == []
    assert chart(tmp_path, MINUTE_S, "smoke/state") == []
    assert [point.mean for point in chart(tmp_path, MINUTE_S, "flood/float")] == [1]


def test_a_node_that_sends_nothing_but_the_largest_number_stops_no_chart(tmp_path: Path) -> None:
    largest = 2**53 - 1

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(level(n, MINUTE_MS, largest) for n in range(3000))))
            await roll_up(store, 500)

    asyncio.run(scenario())
    (hour,) = chart(tmp_path, HOUR_S)
    assert (hour.low, hour.high, hour.count) == (largest, largest, 3000)
    assert hour.mean == pytest.approx(largest)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    readings=st.lists(st.tuples(st.integers(0, 200_000), st.integers(-50, 5000)), max_size=30),
    step=st.integers(1, 40),
)
def test_however_the_steps_fall_every_reading_counts_once(
    tmp_path_factory: pytest.TempPathFactory, readings: list[tuple[int, int]], step: int
) -> None:
    folder = tmp_path_factory.mktemp("history")
    rows = [level(n, MINUTE_MS + at_ms, value) for n, (at_ms, value) in enumerate(readings)]

    async def scenario() -> None:
        async with open_store(folder) as store:
            for some in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
                await store.commit(packs(*some))
                await roll_up(store, step)

    asyncio.run(scenario())
    assert sum(point.count for point in chart(folder, HOUR_S)) == len(readings)
    wanted: dict[int, list[int]] = {}
    for at_ms, value in readings:
        wanted.setdefault((MINUTE_MS + at_ms) // 60_000 * 60_000, []).append(value)
    assert {p.at_ms: (p.low, p.mean, p.high, p.count) for p in chart(folder, MINUTE_S)} == {
        at_ms: (min(some), sum(some) / len(some), max(some), len(some))
        for at_ms, some in wanted.items()
    }


def test_a_raw_chart_reads_only_the_packs_of_its_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for n in range(10):
                some = (
                    level(n * 500 + k, MINUTE_MS + (n * 500 + k) * 60_000, k) for k in range(500)
                )
                await store.commit(packs(*some))

    asyncio.run(scenario())
    wanted = Series(NODE, LEVEL, MINUTE_MS + 600_000, MINUTE_MS + 720_000)
    with reading(tmp_path / "haidang.db") as connection:
        steps: list[None] = []
        connection.set_progress_handler(lambda: steps.append(None), 100)
        points = history.raw(connection, wanted)
    assert [(p.at_ms - MINUTE_MS, p.mean, p.count) for p in points] == [
        (600_000, 10, 1),
        (660_000, 11, 1),
    ]
    assert len(steps) < 40


def test_packs_go_when_they_are_old_forwarded_and_in_the_history(tmp_path: Path) -> None:
    limits = StoreSettings(raw_days=7, minute_days=10, hour_days=20)

    async def forget(store: Store, now_ms: int) -> int:
        return await store.care(lambda c: room.forget_old(c, limits, now_ms))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(level(n, MINUTE_MS + n * 1000, n) for n in range(700))))
            later_ms = START_MS + 8 * DAY_MS
            assert await forget(store, later_ms) == 0
            await store.compose_data(data_draft("gw-01", CENTRE), START_MS)
            await store.confirm(CENTRE, store.epoch, [[1, 8]])
            assert await forget(store, later_ms) == 0, "not in the history yet"
            await roll_up(store)
            assert await forget(store, START_MS + 6 * DAY_MS) == 0
            # Eight messages of fifty are numbered at once.
            assert await forget(store, later_ms) == 400
            assert await forget(store, later_ms) == 0, "the others still wait"
            assert await forget(store, START_MS + 11 * DAY_MS) == 12, "minutes"
            assert await forget(store, START_MS + 21 * DAY_MS) == 1, "the hour"

    asyncio.run(scenario())


def test_at_most_so_many_forwarded_packs_are_kept(tmp_path: Path) -> None:
    limits = StoreSettings(keep_packs=100)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(level(n, START_MS, n) for n in range(300))))
            await store.compose_data(data_draft("gw-01", CENTRE), START_MS)
            await store.confirm(CENTRE, store.epoch, [[1, 6]])
            await roll_up(store)
            gone = await store.care(lambda c: room.forget_old(c, limits, START_MS))
            assert gone == 200

    asyncio.run(scenario())


def test_the_caretaker_rolls_up_in_small_steps_and_at_the_latest_every_five_minutes(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        clock = FakeClock(START_MS)
        async with open_store(tmp_path) as store:
            care = Care(store, StoreSettings(), clock)  # type: ignore[arg-type]
            await store.commit(packs(level(0, MINUTE_MS, 7)))
            assert not await care.step()
            assert chart(tmp_path, MINUTE_S) == []
            clock.advance(300_000)
            assert not await care.step()
            assert len(chart(tmp_path, MINUTE_S)) == 1
            await store.commit(packs(*(level(n, MINUTE_MS, n) for n in range(1, 5_000))))
            assert not await care.step()
            assert chart(tmp_path, MINUTE_S)[0].count == 1, "few wait: seldom writes less"
            await store.commit(packs(*(level(n, MINUTE_MS, n) for n in range(5_000, 5_601))))
            assert await care.step(), "there is more to do"
            assert chart(tmp_path, MINUTE_S)[0].count == 501

    asyncio.run(scenario())


def test_an_error_in_the_caretakers_program_ends_no_gateway_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock(START_MS)

    def wrong(*_: object) -> int:
        raise OverflowError("a fault of this program")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(packs(level(1, MINUTE_MS, 1)))
            care = Care(store, StoreSettings(), clock)  # type: ignore[arg-type]
            clock.advance(301_000)
            with monkeypatch.context() as patch:
                patch.setattr(history, "roll_up", wrong)
                for _ in range(3):
                    assert not await care._try_step()
            assert care.word() == "failing"
            await care._try_step()
            assert care.word() == "ok"

    asyncio.run(scenario())
    assert caplog.text.count("an error in the program") == 1
