"""What a destination is told: chosen, thinned, numbered without gaps, bounded; letters buried."""

import asyncio
import functools
import json
from pathlib import Path
from typing import Any

from feed_kit import OTHER, compose, feed_of, revision_of, tell, waiting
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.destination import Filter
from haidang_gateway.formats import cap, ngsi
from haidang_gateway.model import Revision
from haidang_gateway.store import bundles, check
from haidang_gateway.store import feed as store_feed
from haidang_wire import messages
from node_packs import START_MS, resolved_pack
from store_kit import open_store, row


def test_what_is_filtered_out_takes_no_number_and_an_alarm_that_was_told_is_told_to_its_end(
    tmp_path: Path,
) -> None:
    feed = feed_of(filter=Filter(hazards=("fire",), severities=("Severe", "Extreme")))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await tell(
                store,
                feed,
                revision_of(1, number=1, severity="Minor"),
                revision_of(1, number=2, hazard="flood", severity="Extreme"),
                revision_of(2, number=1, severity="Severe"),
                revision_of(3, number=1, severity="Minor", state="cleared"),
            )
            told = [messages.decode("alarm_message", m.payload) for m in await waiting(store)]
            assert [(one["alarm"]["rev"], one["id"][-2:]) for one in told] == [
                (2, "/1"),
                (3, "/2"),
            ]

    asyncio.run(scenario())


def test_each_format_of_a_revision_is_a_message_of_its_own(tmp_path: Path) -> None:
    feed = feed_of(formats=("native", "cap", "ngsi", "ha"))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await tell(store, feed, revision_of(1), revision_of(2))
            found = await waiting(store)
            topics = [message.topic.removeprefix("hd/1/g/gw-01/") for message in found[:5]]
            alarm = "gw-01-5f3a9c1e-0001"
            assert topics == [
                f"alarm/{alarm}",
                f"cap/{alarm}",
                "ngsi",
                "homeassistant/binary_sensor/gw-01-market-3-fire/config",
                "homeassistant/binary_sensor/gw-01-market-3-fire/state",
            ]
            assert [message.seq for message in found] == list(range(1, 11))
            assert cap.message_id_of(found[6].payload) == f"gw-01/{store.epoch}/7"
            assert b"<msgType>Update" in found[6].payload
            assert b"<references>haidang,gw-01-5f3a9c1e-0001.1," in found[6].payload
            assert json.loads(found[4].payload)["state"] == "ON"

    asyncio.run(scenario())


def test_an_exercise_raises_nothing_at_home(tmp_path: Path) -> None:
    assert list(feed_of(formats=("ha",)).of_alarm(revision_of(1, status="Exercise"))) == []


def test_a_format_that_fails_stops_nobody(tmp_path: Path, caplog: Any) -> None:
    feed = feed_of(formats=("native", "cap"))
    broken = Revision(
        alarm_id="gw-01-5f3a9c1e-0001", rev=1, document=b"{}", sha256="0", decided_ms=START_MS
    )

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await tell(store, feed, broken)
            assert [message.seq for message in await waiting(store)] == [1]

    asyncio.run(scenario())
    assert "could not be written" in caplog.text


def test_readings_leave_in_messages_numbered_without_gaps(tmp_path: Path) -> None:
    feed = feed_of(filter=Filter(names=("flood/level",)))
    rows = [
        row(seq, resolved_pack(("flood/level" if seq % 100 < 50 else "smoke/mv", seq), seq=seq))
        for seq in range(1, 301)
    ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, packs=tuple(rows)))
            while await compose(store, feed):
                pass
            found = await waiting(store, "data")
            assert [message.seq for message in found] == list(range(1, len(found) + 1))
            packs = [
                pack
                for message in found
                for pack in messages.decode("data_message", message.payload)["packs"]
            ]
            assert len(packs) == sum(seq % 100 < 50 for seq in range(1, 301))
            assert (await store.backlog(OTHER)).packs == 0

    asyncio.run(scenario())


def test_an_interval_leaves_when_it_is_over(tmp_path: Path) -> None:
    feed = feed_of(filter=Filter(thin_s=60))
    start_ms = START_MS // 60_000 * 60_000
    rows = [
        row(seq, resolved_pack(("flood/level", seq), seq=seq), received_ms=start_ms + seq * 10_000)
        for seq in range(1, 9)
    ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=start_ms, packs=tuple(rows)))
            assert await compose(store, feed, start_ms + 59_000) == 0
            assert await compose(store, feed, start_ms + 61_000) == 5
            assert await compose(store, feed, start_ms + 61_000) == 0
            (message,) = await waiting(store, "data")
            (pack,) = messages.decode("data_message", message.payload)["packs"]
            assert pack[0]["v"] == 5

    asyncio.run(scenario())


def test_entities_of_readings_are_messages_where_there_are_any(tmp_path: Path) -> None:
    feed = feed_of(formats=("ngsi",))
    rows = (
        row(1, resolved_pack(("flood/level", 412))),
        row(2, resolved_pack(("smoke/mv", 3), seq=2)),
    )

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            assert await compose(store, feed) == 2
            (message,) = await waiting(store, "data")
            document = json.loads(message.payload)
            assert ngsi.message_id_of(document) == f"gw-01/{store.epoch}/1"
            assert [entity["currentLevel"] for entity in document["data"]] == [0.412]

    asyncio.run(scenario())


def test_a_dead_destination_costs_its_oldest_telemetry_and_no_alarm(tmp_path: Path) -> None:
    feed = feed_of()
    bound = functools.partial(store_feed.bound, destination=OTHER, packs=100, alarms=3)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            rows = tuple(
                row(seq, resolved_pack(("flood/level", seq), seq=seq)) for seq in range(1, 501)
            )
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            await tell(store, feed, *(revision_of(1, number=number) for number in (1, 2, 3)))
            await store.care(bound)
            assert (await store.backlog(OTHER)).packs == 100
            assert [message.seq for message in await waiting(store)] == [1, 2, 3]
            assert await store.counters() == {f"dropped_packs:{OTHER}": 400}
            await tell(store, feed, revision_of(1, number=4))
            await store.care(bound)
            assert [message.seq for message in await waiting(store)] == [2, 3, 4]
            assert (await store.counters())[f"dropped_alarms:{OTHER}"] == 1

    asyncio.run(scenario())


def test_a_new_destination_begins_now_and_a_removed_one_never_uses_a_number_twice(
    tmp_path: Path,
) -> None:
    feed = feed_of()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            rows = tuple(
                row(seq, resolved_pack(("flood/level", seq), seq=seq)) for seq in range(1, 11)
            )
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            assert await compose(store, feed) == 0
            await tell(store, feed, revision_of(1))
            rows = tuple(
                row(seq, resolved_pack(("flood/level", seq), seq=seq)) for seq in range(11, 14)
            )
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            await store.care(lambda c: store_feed.adopt(c, (CENTRE,), START_MS))
            assert await waiting(store) == []
            assert await store.counters() == {
                f"dropped_alarms:{OTHER}": 1,
                f"dropped_packs:{OTHER}": 3,
            }
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            await tell(store, feed, revision_of(1, number=2))
            assert [message.seq for message in await waiting(store)] == [2]

    asyncio.run(scenario())


def test_a_removed_destination_takes_no_numbers_along_into_a_rebuilt_database(
    tmp_path: Path,
) -> None:
    feed = feed_of()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for names in ((CENTRE, OTHER, "gone"), (CENTRE, OTHER)):
                await store.care(lambda c, names=names: store_feed.adopt(c, names, START_MS))
            await store.commit(Batch(now_ms=START_MS, packs=(row(1), row(2))))
            assert await compose(store, feed) == 2
        check.mark(tmp_path, "told so by a test")
        async with open_store(tmp_path) as store:
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER, "gone"), START_MS))
            await store.commit(Batch(now_ms=START_MS, packs=(row(3),)))
            newest = await store.read(bundles.newest)
            assert newest == 3
            assert await compose(store, feed) == 1
            assert (await store.backlog(OTHER)).packs == 0
            assert (await store.backlog("gone")).packs == 1

    asyncio.run(scenario())
