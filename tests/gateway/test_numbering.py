"""When packs are numbered for the centre, and that no alarm waits meanwhile."""

import asyncio
import itertools
from pathlib import Path

import pytest
from fakes import FakeClock
from haidang_gateway.errors import StoreBroken, StoreBusy, StoreError
from haidang_gateway.numbering import Numbering
from haidang_gateway.store.writes import COMPOSED_PACKS, PACKS_PER_MESSAGE
from node_packs import START_MS, pack, smoke
from pipeline_kit import KEY, open_bench
from waiting import DEADLINE_S

_BATCH_S = 3600.0


class Packs:
    """So many packs wait, of which `room` may be numbered; `error` is raised once."""

    def __init__(self, waiting: int, room: int = 1_000_000) -> None:
        self.left = waiting
        self.room = room
        self.told = 0
        self.looks = 0
        self.error: StoreError | None = None
        self.numbering = Numbering(
            self._compose,
            self._waiting,
            clock=FakeClock(START_MS),  # type: ignore[arg-type]
            batch_s=_BATCH_S,
            on_numbered=self._tell,
        )

    async def _compose(self, _now_ms: int) -> int:
        self.looks += 1
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        taken = min(self.left, self.room, COMPOSED_PACKS)
        self.left -= taken
        self.room -= taken
        return taken

    async def _waiting(self) -> int:
        return self.left

    def _tell(self) -> None:
        self.told += 1


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_much_is_numbered_at_once_and_the_rest_in_its_time() -> None:
    async def scenario() -> None:
        packs = Packs(waiting=801)
        pauses = [await packs.numbering.step() for _ in range(4)]
        assert pauses[:2] == [0.001, 0.001]
        assert pauses[2:] == [_BATCH_S, _BATCH_S]
        assert (packs.left, packs.told) == (0, 3)

    asyncio.run(scenario())


def test_what_found_no_room_is_numbered_when_the_centre_has_confirmed() -> None:
    async def scenario() -> None:
        packs = Packs(waiting=1000, room=0)
        task = asyncio.create_task(packs.numbering.run(), name="numbering")
        try:
            await _turns()
            assert (packs.looks, packs.left) == (1, 1000)
            packs.room = 50
            packs.numbering.confirmed()
            await asyncio.sleep(0.01)
            await _turns()
            assert packs.left == 950
        finally:
            task.cancel()

    asyncio.run(scenario())


def test_a_confirmation_that_comes_while_room_is_looked_for_is_not_overheard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        packs = Packs(waiting=1000, room=0)
        compose, looks = packs.numbering._compose, itertools.count()

        async def confirmed_meanwhile(now_ms: int) -> int:
            taken = await compose(now_ms)
            if next(looks) == 0:
                packs.numbering.confirmed()
            return taken

        monkeypatch.setattr(packs.numbering, "_compose", confirmed_meanwhile)
        task = asyncio.create_task(packs.numbering.run(), name="numbering")
        await _turns()
        task.cancel()
        assert packs.looks == 2

    asyncio.run(scenario())


def test_little_that_waits_waits_for_company_whatever_is_confirmed() -> None:
    async def scenario() -> None:
        packs = Packs(waiting=10)
        task = asyncio.create_task(packs.numbering.run(), name="numbering")
        await _turns()
        packs.left = 10
        packs.numbering.confirmed()
        await _turns()
        task.cancel()
        assert (packs.looks, packs.left) == (1, 10)

    asyncio.run(scenario())


def test_a_commit_that_fills_a_message_is_numbered_at_once_smaller_ones_together() -> None:
    async def scenario() -> None:
        packs = Packs(waiting=10)
        task = asyncio.create_task(packs.numbering.run(), name="numbering")
        await _turns()
        packs.left = PACKS_PER_MESSAGE
        packs.numbering.committed(PACKS_PER_MESSAGE - 1)
        await _turns()
        assert (packs.looks, packs.left) == (1, PACKS_PER_MESSAGE), "it waits for company"
        packs.numbering.committed(1)
        await asyncio.sleep(0.01)
        await _turns()
        assert packs.left == 0
        packs.left = 10
        packs.numbering.committed(10)
        await _turns()
        task.cancel()
        assert packs.left == 10, "what was counted once is not counted again"

    asyncio.run(scenario())


def test_a_commit_that_comes_while_packs_are_numbered_is_not_overheard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        packs = Packs(waiting=10)
        compose, looks = packs.numbering._compose, itertools.count()

        async def committed_meanwhile(now_ms: int) -> int:
            taken = await compose(now_ms)
            if next(looks) == 0:
                packs.numbering.committed(PACKS_PER_MESSAGE)
            return taken

        monkeypatch.setattr(packs.numbering, "_compose", committed_meanwhile)
        task = asyncio.create_task(packs.numbering.run(), name="numbering")
        await _turns()
        task.cancel()
        assert packs.looks == 2

    asyncio.run(scenario())


def test_a_store_that_fails_is_asked_again_and_a_broken_one_ends_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        packs = Packs(waiting=10)
        for times in (1, 2):
            for _ in range(3):
                packs.error = StoreBusy("the disk failed")
                assert await packs.numbering.step() == _BATCH_S
            warned = [record for record in caplog.records if record.levelname == "WARNING"]
            assert len(warned) == times, "once for each time that it fails"
            await packs.numbering.step()
            assert packs.left == 0
        packs.left = 1000
        await packs.numbering.step()
        packs.error = StoreBusy("the disk failed")
        await packs.numbering.step()
        packs.left = 500
        await packs.numbering.step()
        packs.error = StoreBusy("the disk failed")
        await packs.numbering.step()
        warned = [record for record in caplog.records if record.levelname == "WARNING"]
        assert len(warned) == 4, "also in the middle of much"
        packs.error = StoreBroken("damaged")
        with pytest.raises(StoreBroken):
            await packs.numbering.step()

    asyncio.run(scenario())


def test_an_alarm_is_answered_while_telemetry_is_numbered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            never = asyncio.Event()

            async def slow(_now_ms: int) -> int:
                await never.wait()
                return 0

            numbering = Packs(0).numbering
            numbering._compose = slow
            tasks = [
                asyncio.create_task(numbering.run(), name="numbering"),
                asyncio.create_task(bench.pipeline.run(), name="pipeline"),
            ]
            await _turns()
            bench.arrive("alarm", pack(1, *smoke("alarm")), 1)
            async with asyncio.timeout(DEADLINE_S):
                while ("puback", 1) not in bench.answers.given:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert ("ack", KEY, [[1, 1]], "alarm") in bench.answers.given
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())
