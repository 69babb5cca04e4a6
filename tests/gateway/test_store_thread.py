"""The store's thread: order, precedence, errors, cancelling and the end."""

import asyncio
import threading

import pytest
from haidang_gateway.store.thread import StoreThread


def test_what_alarms_wait_for_overtakes_what_waits_and_nothing_else_changes_order() -> None:
    async def scenario() -> list[str]:
        thread = StoreThread("test")
        done: list[str] = []
        gate = threading.Event()
        held = asyncio.create_task(thread.call(gate.wait))
        await asyncio.sleep(0)
        jobs = [
            asyncio.create_task(call(lambda name=name: done.append(name)))  # type: ignore[misc]
            for call, name in (
                (thread.call, "confirm 1"),
                (thread.call, "status 2"),
                (thread.call_first, "alarm 3"),
                (thread.call, "care 4"),
                (thread.call_first, "alarm 5"),
            )
        ]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(held, *jobs)
        thread.shutdown()
        return done

    assert asyncio.run(scenario()) == ["alarm 3", "alarm 5", "confirm 1", "status 2", "care 4"]


def test_an_error_goes_to_its_caller_and_the_thread_goes_on() -> None:
    async def scenario() -> None:
        thread = StoreThread("test")
        with pytest.raises(ZeroDivisionError):
            await thread.call(lambda: 1 // 0)
        assert await thread.call(lambda: 7) == 7
        thread.shutdown()
        with pytest.raises(RuntimeError, match="has ended"):
            await thread.call(lambda: 7)

    asyncio.run(scenario())


def test_a_job_that_nobody_wants_any_more_is_not_done_and_the_end_waits_for_the_rest() -> None:
    async def scenario() -> list[int]:
        thread = StoreThread("test")
        done: list[int] = []
        gate = threading.Event()
        held = asyncio.create_task(thread.call(gate.wait))
        await asyncio.sleep(0)
        unwanted = asyncio.create_task(thread.call(lambda: done.append(1)))
        wanted = asyncio.create_task(thread.call(lambda: done.append(2)))
        await asyncio.sleep(0)
        unwanted.cancel()
        await asyncio.sleep(0)
        gate.set()
        thread.shutdown()
        await asyncio.gather(held, wanted)
        return done

    assert asyncio.run(scenario()) == [2]


def test_a_thread_that_had_no_job_ends_at_once() -> None:
    thread = StoreThread("idle store")
    thread.shutdown()
    assert "idle store" not in {one.name for one in threading.enumerate()}
