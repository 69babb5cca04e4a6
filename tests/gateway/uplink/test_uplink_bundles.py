"""Messages as long as the line wants them, and no more numbered ahead than it can use."""

import asyncio
from pathlib import Path

from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.outgoing import data_draft
from haidang_gateway.uplink.pace import MOST_BYTES, bundle_of
from haidang_wire import messages
from specimens import pack
from store_kit import START_MS, open_store, row

_DRAFT = data_draft("gw-01", CENTRE)


def _packs(count: int) -> Batch:
    return Batch(now_ms=START_MS, packs=tuple(row(n, pack(n)) for n in range(count)))


def test_a_slow_line_gets_short_messages_and_few_of_them_ahead(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(_packs(200))
            while await store.compose_data(_DRAFT, START_MS, message_bytes=1000, ahead=20):
                pass
            found = await store.pending(CENTRE, "data", 0, 100)
            assert len(found) == 20
            sizes = [len(one.payload) for one in found]
            assert max(sizes) < 1100
            assert min(sizes) > 500
            held = [messages.decode("data_message", one.payload)["packs"] for one in found]
            assert [one[0]["hs"] for packs in held for one in packs] == list(
                range(sum(map(len, held)))
            )

    asyncio.run(scenario())


def test_what_was_numbered_on_a_faster_line_keeps_no_alarm_waiting_for_long(
    tmp_path: Path,
) -> None:
    fast_bytes_per_s, slow_bytes_per_s = 125_000, 8_000

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for first in range(0, 1000, 200):
                rows = (row(n, b'"%s"' % (b"x" * 1300)) for n in range(first, first + 200))
                await store.commit(Batch(now_ms=START_MS, packs=tuple(rows)))
            bundle = bundle_of(MOST_BYTES, 1, 0, fast_bytes_per_s)
            while await store.compose_data(
                _DRAFT, START_MS, message_bytes=bundle.bytes, ahead=bundle.ahead
            ):
                pass
            sizes = [len(one.payload) for one in await store.pending(CENTRE, "data", 0, 300)]
            assert max(sizes) / slow_bytes_per_s < 2
            assert sum(sizes) / fast_bytes_per_s < 4
            assert len(sizes) == 32

    asyncio.run(scenario())


def test_a_pack_longer_than_that_goes_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(_packs(3))
            taken = await store.compose_data(_DRAFT, START_MS, message_bytes=10)
            assert taken == 3
            assert len(await store.pending(CENTRE, "data", 0, 100)) == 3

    asyncio.run(scenario())
