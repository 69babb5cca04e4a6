"""What a destination is told: chosen, thinned, numbered without gaps, bounded; letters buried."""

import asyncio
import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from haidang_gateway import destinations_view, store_dead, store_feed, thinning
from haidang_gateway.batch import CENTRE, Batch, Draft, Outgoing
from haidang_gateway.commands import Resend, Wish
from haidang_gateway.control_request import asked
from haidang_gateway.destination import DestinationSettings, Filter
from haidang_gateway.feed import Feed
from haidang_gateway.formats import cap, ngsi
from haidang_gateway.model import OutLane, Revision
from haidang_gateway.store import Store
from haidang_wire import documents, messages
from haidang_wire.senml_reading import decode
from hypothesis import given, settings
from hypothesis import strategies as st
from node_packs import NODE, SOURCE, START_MS
from pipeline_kit import city_settings
from specimens import alarm_document
from store_kit import open_store, row

OTHER = "fire-service"
_FILE = Path("unused.pem")
_STATION = ngsi.Station(node=NODE, name="Chợ", lat=19.7, lon=105.9)


def _settings(**more: Any) -> DestinationSettings:
    more = {"name": OTHER, **more}
    return DestinationSettings(
        host="h", port=1, server_name="h", ca=_FILE, cert=_FILE, key=_FILE, batch_s=5, **more
    )


def _feed(**more: Any) -> Feed:
    return Feed("gw-01", _settings(**more), {SOURCE: _STATION})


def _revision(rev: int, **fields: Any) -> Revision:
    document = alarm_document(rev=rev, **fields)
    alarm_id = json.loads(document)["id"]
    digest = hashlib.sha256(document).hexdigest()
    return Revision(
        alarm_id=alarm_id, rev=rev, document=document, sha256=digest, decided_ms=START_MS
    )


async def _tell(store: Store, feed: Feed, *revisions: Revision) -> None:
    for revision in revisions:
        drafts = tuple(feed.of_alarm(revision))
        await store.commit(Batch(now_ms=START_MS, revisions=(revision,), drafts=drafts))


async def _waiting(store: Store, lane: OutLane = "alarm") -> list[Outgoing]:
    return await store.pending(OTHER, lane, 0, 1000)


async def _compose(store: Store, feed: Feed, now_ms: int = START_MS) -> int:
    plan = feed.plan()
    taken: int = await store.care(
        lambda c: store_feed.compose(c, plan, f"gw-01/{store.epoch}", now_ms)
    )
    return taken


def test_what_is_filtered_out_takes_no_number_and_an_alarm_that_was_told_is_told_to_its_end(
    tmp_path: Path,
) -> None:
    feed = _feed(filter=Filter(hazards=("fire",), severities=("Severe", "Extreme")))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _tell(
                store,
                feed,
                _revision(1, number=1, severity="Minor"),
                _revision(1, number=2, hazard="flood", severity="Extreme"),
                _revision(2, number=1, severity="Severe"),
                _revision(3, number=1, severity="Minor", state="cleared"),
            )
            told = [messages.decode("alarm_message", m.payload) for m in await _waiting(store)]
            assert [(one["alarm"]["rev"], one["id"][-2:]) for one in told] == [
                (2, "/1"),
                (3, "/2"),
            ]

    asyncio.run(scenario())


def test_each_format_of_a_revision_is_a_message_of_its_own(tmp_path: Path) -> None:
    feed = _feed(formats=("native", "cap", "ngsi", "ha"))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _tell(store, feed, _revision(1), _revision(2))
            found = await _waiting(store)
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
    assert list(_feed(formats=("ha",)).of_alarm(_revision(1, status="Exercise"))) == []


def test_a_format_that_fails_stops_nobody(tmp_path: Path, caplog: Any) -> None:
    feed = _feed(formats=("native", "cap"))
    broken = Revision(
        alarm_id="gw-01-5f3a9c1e-0001", rev=1, document=b"{}", sha256="0", decided_ms=START_MS
    )

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _tell(store, feed, broken)
            assert [message.seq for message in await _waiting(store)] == [1]

    asyncio.run(scenario())
    assert "could not be written" in caplog.text


def _pack(*records: tuple[str, float], seq: int = 1) -> bytes:
    first = {"bver": 26, "bn": f"{SOURCE}:", "bt": 1764000000.25 + seq, "he": "9f3c01aa"}
    first |= {"hb": 7, "hs": seq, "hu": 1000 * seq}
    items: list[dict[str, Any]] = [{"n": name, "v": value} for name, value in records]
    return json.dumps([first | items[0], *items[1:]], separators=(",", ":")).encode()


def test_names_and_nodes_are_chosen_and_a_pack_of_the_rest_stays_a_pack() -> None:
    body = _pack(("flood/level", 412), ("flood/rate", 3), ("node/heap_free", 9))
    rule = Filter(names=("flood/rate", "node/heap_free"))
    (rest,) = thinning.chosen([(NODE, body)], rule)
    pack = decode(rest)
    assert [record.name for record in pack.records] == ["flood/rate", "node/heap_free"]
    assert (pack.seq, pack.unix_ms) == (1, decode(body).unix_ms)
    assert thinning.chosen([(NODE, body)], Filter(nodes=("n-240ac4000009",))) == []
    assert thinning.chosen([(NODE, body)], Filter(nodes=(NODE,))) == [body]


def test_of_an_interval_the_newest_value_of_each_name_stays() -> None:
    packs = [
        (NODE, _pack(("flood/level", 1), ("flood/rate", 1), seq=1)),
        (NODE, _pack(("flood/level", 2), seq=2)),
        ("n-240ac4000002", _pack(("flood/level", 9), seq=3)),
    ]
    rest = [json.loads(body) for body in thinning.chosen(packs, Filter(thin_s=60))]
    assert [(pack[0]["n"], pack[0]["v"], pack[0]["hs"]) for pack in rest] == [
        ("flood/rate", 1, 1),
        ("flood/level", 2, 2),
        ("flood/level", 9, 3),
    ]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_a_kept_record_keeps_its_time(marks: list[tuple[bool, bool]], data: st.DataObject) -> None:
    records: thinning.Records = []
    for index, (timed, _) in enumerate(marks):
        head = {"bver": 26, "bn": f"{SOURCE}:", "he": "9f3c01aa", "hb": 1, "hs": 2}
        time = {"bt": 1764000000 + index, "hu": 1000 + 1000 * index}
        own = {"n": f"x/{index}", "v": index}
        records.append((head if not index else {}) | (time if timed or not index else {}) | own)
    places = [index for index, (_, kept) in enumerate(marks) if kept] or [len(marks) - 1]
    rest = thinning.only(records, places)
    before = {record.name: record for record in decode(json.dumps(records).encode()).records}
    after = decode(json.dumps(rest).encode()).records
    assert [record.name for record in after] == [f"x/{place}" for place in places]
    assert all(record.up_ms == before[record.name].up_ms for record in after)


def test_readings_leave_in_messages_numbered_without_gaps(tmp_path: Path) -> None:
    feed = _feed(filter=Filter(names=("flood/level",)))
    rows = [
        row(seq, _pack(("flood/level" if seq % 100 < 50 else "smoke/mv", seq), seq=seq))
        for seq in range(1, 301)
    ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, packs=tuple(rows)))
            while await _compose(store, feed):
                pass
            found = await _waiting(store, "data")
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
    feed = _feed(filter=Filter(thin_s=60))
    start_ms = START_MS // 60_000 * 60_000
    rows = [
        row(seq, _pack(("flood/level", seq), seq=seq), received_ms=start_ms + seq * 10_000)
        for seq in range(1, 9)
    ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=start_ms, packs=tuple(rows)))
            assert await _compose(store, feed, start_ms + 59_000) == 0
            assert await _compose(store, feed, start_ms + 61_000) == 5
            assert await _compose(store, feed, start_ms + 61_000) == 0
            (message,) = await _waiting(store, "data")
            (pack,) = messages.decode("data_message", message.payload)["packs"]
            assert pack[0]["v"] == 5

    asyncio.run(scenario())


def test_entities_of_readings_are_messages_where_there_are_any(tmp_path: Path) -> None:
    feed = _feed(formats=("ngsi",))
    rows = (row(1, _pack(("flood/level", 412))), row(2, _pack(("smoke/mv", 3), seq=2)))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            assert await _compose(store, feed) == 2
            (message,) = await _waiting(store, "data")
            document = json.loads(message.payload)
            assert ngsi.message_id_of(document) == f"gw-01/{store.epoch}/1"
            assert [entity["currentLevel"] for entity in document["data"]] == [0.412]

    asyncio.run(scenario())


def test_a_dead_destination_costs_its_oldest_telemetry_and_no_alarm(tmp_path: Path) -> None:
    feed = _feed()
    bound = functools.partial(store_feed.bound, destination=OTHER, packs=100, alarms=3)

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            rows = tuple(row(seq, _pack(("flood/level", seq), seq=seq)) for seq in range(1, 501))
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            await _tell(store, feed, *(_revision(1, number=number) for number in (1, 2, 3)))
            await store.care(bound)
            assert (await store.backlog(OTHER)).packs == 100
            assert [message.seq for message in await _waiting(store)] == [1, 2, 3]
            assert await store.counters() == {f"dropped_packs:{OTHER}": 400}
            await _tell(store, feed, _revision(1, number=4))
            await store.care(bound)
            assert [message.seq for message in await _waiting(store)] == [2, 3, 4]
            assert (await store.counters())[f"dropped_alarms:{OTHER}"] == 1

    asyncio.run(scenario())


def test_a_new_destination_begins_now_and_a_removed_one_never_uses_a_number_twice(
    tmp_path: Path,
) -> None:
    feed = _feed()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            rows = tuple(row(seq, _pack(("flood/level", seq), seq=seq)) for seq in range(1, 11))
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            assert await _compose(store, feed) == 0
            await _tell(store, feed, _revision(1))
            await store.care(lambda c: store_feed.adopt(c, (CENTRE,), START_MS))
            assert await _waiting(store) == []
            await store.care(lambda c: store_feed.adopt(c, (CENTRE, OTHER), START_MS))
            await _tell(store, feed, _revision(1, number=2))
            assert [message.seq for message in await _waiting(store)] == [2]

    asyncio.run(scenario())


def test_a_dead_letter_is_listed_and_sent_again_under_a_new_number(tmp_path: Path) -> None:
    feed = _feed(formats=("native", "cap"))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _tell(store, feed, _revision(1))
            bury = functools.partial(store_dead.bury, destination=OTHER, now_ms=START_MS)
            await store.care(lambda c: bury(c, seq=1, reason="refused"))
            await store.care(lambda c: bury(c, seq=2, reason="refused"))
            letters = await store.read(store_dead.letters)
            assert [(letter[1], letter[4]) for letter in letters] == [
                (1, "refused"),
                (2, "refused"),
            ]
            assert await _waiting(store) == []
            epoch = store.epoch
            assert await store.care(lambda c: store_dead.resend(c, OTHER, epoch, START_MS)) == 2
            native, xml = await _waiting(store)
            assert documents.unwrap_alarm(native.payload)[0] == f"gw-01/{epoch}/3"
            assert cap.message_id_of(xml.payload) == f"gw-01/{epoch}/4"
            assert await store.read(store_dead.letters) == []

    asyncio.run(scenario())


def test_letters_beyond_the_limit_go_telemetry_first(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(store_dead, "KEPT", 2)
    feed = _feed()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _tell(store, feed, _revision(1))
            data = [
                Draft(destination=OTHER, lane="data", topic="t", compose=str.encode)
                for _ in range(3)
            ]
            await store.commit(Batch(now_ms=START_MS, drafts=tuple(data)))
            for seq in range(1, 5):
                bury = functools.partial(
                    store_dead.bury, destination=OTHER, seq=seq, reason="r", now_ms=START_MS
                )
                await store.care(bury)
            assert [letter[1] for letter in await store.read(store_dead.letters)] == [1, 4]
            assert (await store.counters())[store_dead.FORGOTTEN] == 2

    asyncio.run(scenario())


def test_the_ledger_names_each_destination_and_resend_at_the_gateway_empties_the_letters(
    tmp_path: Path,
) -> None:
    line = b'{"act":"resend","id":"t-1","wait_s":5,"args":{"destination":"fire-service"}}'
    wish = asked(line, "account root", START_MS)
    assert isinstance(wish, Wish)
    assert isinstance(wish.what, Resend)
    assert wish.local
    there = _settings(mode="broker-only")
    city = dataclasses.replace(city_settings(), data_dir=tmp_path, destinations=(there,))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await _tell(store, _feed(), _revision(1))
            bury = functools.partial(store_dead.bury, destination=OTHER, now_ms=START_MS)
            await store.care(lambda c: bury(c, seq=1, reason="refused with code 0x87"))
            told = list(destinations_view.lines(city))
            assert told[0].startswith("centre (acked): 0 alarms")
            assert told[1].startswith("fire-service (broker-only): 0 alarms")
            assert "1 dead letters (`haidang-gateway resend fire-service`)" in told[1]
            assert told[2].startswith("dead: fire-service 1 (alarm) hd/1/g/gw-01/alarm/")
            await store.commit(Batch(now_ms=START_MS, resend=(wish.what.destination,)))
            assert [message.seq for message in await _waiting(store)] == [2]
            assert len(list(destinations_view.lines(city))) == 2

    asyncio.run(scenario())
