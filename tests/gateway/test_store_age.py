"""What age may delete: a clock that is far ahead for an hour costs a day, not everything."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from fakes import FakeClock
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.outgoing import data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import age, check, history, queries
from haidang_gateway.store.age import Age
from haidang_gateway.store.care import Care
from haidang_gateway.store.schema import FILE, second
from haidang_gateway.store.store import Store
from hypothesis import given
from hypothesis import strategies as st
from node_packs import NODE, START_MS
from store_kit import open_store, packs, row, stored

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEARS_MS = 14 * 365 * DAY_MS
_TODAY = datetime.fromtimestamp(START_MS / 1000, UTC).date().isoformat()
_READING = b'[{"bt":1764000000,"hu":0,"n":"flood/level","v":5}]'


@given(
    known_ms=st.integers(0, 2 * YEARS_MS),
    looks=st.lists(st.tuples(st.integers(0, YEARS_MS), st.integers(0, DAY_MS)), min_size=1),
)
def test_age_never_runs_ahead_of_the_clock_nor_goes_faster_than_a_day_in_an_hour(
    known_ms: int, looks: list[tuple[int, int]]
) -> None:
    steady_ms = 1_000
    at = Age(known_ms, steady_ms)
    for now_ms, later_ms in looks:
        before_ms, steady_ms = at.mark_ms, steady_ms + later_ms
        assert at.look(now_ms, steady_ms) == min(at.mark_ms, now_ms)
        assert abs(at.mark_ms - before_ms) == min(24 * later_ms, abs(now_ms - before_ms))
        assert abs(now_ms - at.mark_ms) <= abs(now_ms - before_ms)


def test_after_a_week_without_power_age_is_that_of_the_clock_in_seven_hours() -> None:
    at = Age(START_MS, 0)
    now_ms = START_MS + 7 * DAY_MS
    assert at.look(now_ms, 0) == START_MS
    assert at.look(now_ms + 6 * HOUR_MS, 6 * HOUR_MS) < now_ms
    assert at.look(now_ms + 8 * HOUR_MS, 8 * HOUR_MS) == now_ms + 8 * HOUR_MS


async def _kept(store: Store) -> tuple[int, int]:
    """Packs and rows of charts; the ledger's day is there in any case."""
    assert (NODE, _TODAY, "received", 20) in await store.read(queries.ledger_days)
    return await store.read(
        lambda c: (
            len(stored(c)),
            c.execute("SELECT count(*) FROM history").fetchone()[0],
        )
    )


async def _look_after(store: Store, clock: FakeClock, hours: int = 0) -> None:
    care = Care(store, StoreSettings(), clock)  # type: ignore[arg-type]
    care.check_due = False
    await care.step()
    for _ in range(hours):
        clock.advance(HOUR_MS)
        await care.step()


async def _fill(store: Store) -> None:
    await store.commit(Batch(now_ms=START_MS, counts={(NODE, _TODAY, "received"): 20}))
    await store.commit(packs(*(row(n, _READING, START_MS + n) for n in range(20))))
    await store.compose_data(data_draft("gw-01", CENTRE), START_MS)
    await store.confirm(CENTRE, store.epoch, [[1, 1]])
    await store.care(lambda c: history.roll_up(c, 100))


def test_a_clock_that_is_years_ahead_for_two_hours_deletes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store)
            kept = await _kept(store)
            assert kept == (20, 2)
            await _look_after(store, FakeClock(START_MS + HOUR_MS), hours=1)
        # The gateway starts anew with every step of the clock.
        for _ in range(3):
            async with open_store(tmp_path) as store:
                clock = FakeClock(START_MS + YEARS_MS)
                await store.commit(packs(row(100, _READING, clock.now_ms())))
                await _look_after(store, clock)
        async with open_store(tmp_path) as store:
            await _look_after(store, FakeClock(START_MS + YEARS_MS), hours=2)
            assert (await _kept(store))[1] == kept[1]
        async with open_store(tmp_path) as store:
            await _look_after(store, FakeClock(START_MS + 3 * HOUR_MS), hours=1)
            assert (await _kept(store))[0] >= kept[0]

    asyncio.run(scenario())


def test_where_no_age_was_noted_yet_that_of_the_newest_pack_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store)
        async with open_store(tmp_path) as store:
            await _look_after(store, FakeClock(START_MS + YEARS_MS), hours=2)
            assert await _kept(store) == (20, 2)

    asyncio.run(scenario())


def test_what_is_old_goes_although_the_gateway_starts_anew_every_hour(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock(START_MS)
        async with open_store(tmp_path) as store:
            await _fill(store)
        clock.advance(8 * DAY_MS)
        for _ in range(11):
            async with open_store(tmp_path) as store:
                await _look_after(store, clock, hours=1)
                left, _ = await _kept(store)
        assert left == 0

    asyncio.run(scenario())


def test_a_clock_that_was_set_back_is_followed_a_little_at_a_time(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with open_store(tmp_path) as store:
            await _look_after(store, FakeClock(START_MS + YEARS_MS))
            await _look_after(store, FakeClock(START_MS), hours=1)
            return await store.read(lambda c: age.known(c, START_MS + YEARS_MS))

    assert asyncio.run(scenario()) == START_MS + YEARS_MS - DAY_MS
    with second(tmp_path / FILE) as connection:
        assert age.known(connection, START_MS - 1) == START_MS - 1


def test_a_machine_that_begins_in_1970_again_and_again_deletes_in_time_once_it_knows_better(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _fill(store)
            await _look_after(store, FakeClock(START_MS + HOUR_MS), hours=1)
        for _ in range(3):
            async with open_store(tmp_path) as store:
                await _look_after(store, FakeClock(60_000), hours=1)
                assert await store.read(lambda c: age.known(c, 60_000)) == 60_000
        clock = FakeClock(START_MS + 8 * DAY_MS)
        async with open_store(tmp_path) as store:
            await _look_after(store, clock, hours=12)
            assert await store.read(lambda c: age.known(c, clock.now_ms())) == clock.now_ms()
            assert (await _kept(store))[0] == 0

    asyncio.run(scenario())


def test_an_age_that_is_no_number_is_a_broken_database(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.care(
                lambda c: c.execute("INSERT INTO meta VALUES ('aged_ms', 'long ago')").fetchall()
            )

    asyncio.run(scenario())
    assert "aged_ms" in check.glance(tmp_path / FILE)
