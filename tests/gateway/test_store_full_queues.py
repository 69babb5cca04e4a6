"""A full database in which one of several destinations is dead: it gives up its own first."""

import asyncio
import dataclasses
import functools
from base64 import b85encode
from pathlib import Path

from feed_kit import OTHER, compose, feed_of
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.outgoing import alarm_draft, data_draft
from haidang_gateway.store import dead_letters, queries, room
from haidang_gateway.store import feed as store_feed
from haidang_gateway.store.schema import reading
from node_packs import START_MS, resolved_pack
from store_kit import alarm, noise, open_store, packs, revision, row


def test_a_dead_destinations_messages_go_before_the_record_and_before_alarms_of_others(
    tmp_path: Path,
) -> None:
    def both(rev: int) -> Batch:
        news = dataclasses.replace(revision(rev), document=b"x" * 200_000)
        drafts = (alarm_draft("gw-01", name, news) for name in (CENTRE, "fire", "river"))
        # One in ten minutes: the oldest have waited for a day.
        return Batch(now_ms=START_MS + rev * 600_000, revisions=(news,), drafts=tuple(drafts))

    last = 48

    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            names = (CENTRE, "fire", "river")
            await store.care(lambda c: store_feed.adopt(c, names, START_MS))
            for rev in range(1, last + 1):
                await store.commit(both(rev))
                for living in (CENTRE, "river"):
                    await store.confirm(living, store.epoch, [[rev, rev]])
            dropped = (await store.counters())[store_feed.dropped_alarms("fire")]
            kept = await store.pending("fire", "alarm", 0, last)
            assert [message.seq for message in kept] == list(range(dropped + 1, last + 1))
            assert store_feed.dropped_alarms("river") not in await store.counters()

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        assert len(queries.revisions(connection)) == last


def test_telemetry_numbered_for_a_dead_destination_goes_before_the_centres(
    tmp_path: Path,
) -> None:
    feed = feed_of()
    hours = 3_600_000

    def body(seq: int) -> bytes:
        # A field that no format knows.
        noisy = b',"x":"%s"}]' % b85encode(noise(seq, 800))
        return resolved_pack(("flood/level", 1))[:-2] + noisy

    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            await store.commit(packs(*(row(n, body(n)) for n in range(6000))))
            while await compose(store, feed):
                pass
            numbered = (await store.backlog(OTHER)).data
            assert numbered == 120
            gone, start = 0, 6000
            while not gone and start < 40_000:
                later = packs(*(row(n, body(n)) for n in range(start, start + 200)))
                await store.commit(dataclasses.replace(later, now_ms=START_MS + 2 * hours))
                start += 200
                gone = numbered - (await store.backlog(OTHER)).data
            counters = await store.counters()
            assert gone > 0
            assert counters[store_feed.dropped_packs(OTHER)] >= 50 * gone
            assert (await store.backlog(CENTRE)).packs == start

    asyncio.run(scenario())


def test_telemetry_that_was_refused_goes_on_a_full_disk_and_alarms_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path, max_mb=16) as store:
            await store.commit(alarm(1))
            await store.commit(packs(row(1)))
            await store.compose_data(data_draft("gw-01", CENTRE), START_MS)
            for seq in (1, 2):
                await store.care(
                    functools.partial(
                        dead_letters.bury, destination=CENTRE, seq=seq, reason="", now_ms=START_MS
                    )
                )
            while await store.care(lambda c: room.make_room(c, "2026-11-25", START_MS)):
                pass
            letters = await store.read(dead_letters.letters)
            assert [(seq, lane) for _, seq, lane, *_ in letters] == [(1, "alarm")]
            assert (await store.counters())[dead_letters.FORGOTTEN] == 1

    asyncio.run(scenario())


def test_a_pack_that_the_centre_never_had_is_not_called_forwarded(tmp_path: Path) -> None:
    """Before the centre's first message, too."""
    feed = feed_of()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            await store.commit(packs(row(1, resolved_pack(("flood/level", 1)))))
            assert await compose(store, feed) == 1
            await store.care(lambda c: room.make_room(c, "2026-11-25", START_MS))
            counters = await store.counters()
            assert "room_packs" not in counters
            assert counters["room_waiting_packs"] == 1

    asyncio.run(scenario())
