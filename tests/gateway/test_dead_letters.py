"""What a destination refuses for good is kept, listed and sent again."""

import asyncio
import dataclasses
import functools
from pathlib import Path
from typing import Any

from feed_kit import OTHER, compose, feed_of, revision_of, settings_of, tell, waiting
from haidang_gateway import destinations_view
from haidang_gateway.batch import Batch, Confirmed, Draft
from haidang_gateway.commands import Resend, Wish
from haidang_gateway.control_request import asked
from haidang_gateway.formats import cap
from haidang_gateway.store import dead_letters
from haidang_gateway.store.counters import count_up
from haidang_wire import documents
from node_packs import START_MS, resolved_pack
from pipeline_kit import city_settings
from store_kit import open_store, row


def test_a_dead_letter_is_listed_and_sent_again_under_a_new_number(tmp_path: Path) -> None:
    feed = feed_of(formats=("native", "cap"))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await tell(store, feed, revision_of(1))
            bury = functools.partial(dead_letters.bury, destination=OTHER, now_ms=START_MS)
            await store.care(lambda c: bury(c, seq=1, reason="refused"))
            await store.care(lambda c: bury(c, seq=2, reason="refused"))
            letters = await store.read(dead_letters.letters)
            assert [(letter[1], letter[4]) for letter in letters] == [
                (1, "refused"),
                (2, "refused"),
            ]
            assert await waiting(store) == []
            epoch = store.epoch
            assert await store.care(lambda c: dead_letters.resend(c, OTHER, epoch, START_MS)) == 2
            native, xml = await waiting(store)
            assert documents.unwrap_alarm(native.payload)[0] == f"gw-01/{epoch}/3"
            assert cap.message_id_of(xml.payload) == f"gw-01/{epoch}/4"
            assert await store.read(dead_letters.letters) == []

    asyncio.run(scenario())


def test_readings_sent_again_count_as_so_many_and_what_was_confirmed_is_no_letter(
    tmp_path: Path,
) -> None:
    rows = tuple(row(seq, resolved_pack(("flood/level", seq), seq=seq)) for seq in (1, 2, 3))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, packs=rows))
            await compose(store, feed_of())
            bury = functools.partial(
                dead_letters.bury, destination=OTHER, seq=1, reason="refused", now_ms=START_MS
            )
            await store.care(bury)
            await store.commit(Batch(now_ms=START_MS, resend=(OTHER,)))
            confirmed = await store.confirm(OTHER, store.epoch, [[2, 2]])
            assert confirmed == Confirmed(messages=1, packs=3)
            # The acknowledgement overtook the last refusal.
            await store.care(bury)
            assert await store.read(dead_letters.letters) == []
            assert (await store.counters())[dead_letters.buried(OTHER)] == 1

    asyncio.run(scenario())


def test_letters_beyond_the_limit_go_telemetry_first(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(dead_letters, "KEPT", 2)
    feed = feed_of()

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await tell(store, feed, revision_of(1))
            data = [
                Draft(destination=OTHER, lane="data", topic="t", compose=str.encode)
                for _ in range(3)
            ]
            await store.commit(Batch(now_ms=START_MS, drafts=tuple(data)))
            for seq in range(1, 5):
                bury = functools.partial(
                    dead_letters.bury, destination=OTHER, seq=seq, reason="r", now_ms=START_MS
                )
                await store.care(bury)
            assert [letter[1] for letter in await store.read(dead_letters.letters)] == [1, 4]
            assert (await store.counters())[dead_letters.FORGOTTEN] == 2

    asyncio.run(scenario())


def test_the_ledger_names_each_destination_and_resend_at_the_gateway_empties_the_letters(
    tmp_path: Path,
) -> None:
    line = b'{"act":"resend","id":"t-1","wait_s":5,"args":{"destination":"fire-service"}}'
    wish = asked(line, "account root", START_MS)
    assert isinstance(wish, Wish)
    assert isinstance(wish.what, Resend)
    assert wish.local
    there = settings_of(mode="broker-only")
    city = dataclasses.replace(city_settings(), data_dir=tmp_path, destinations=(there,))

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await tell(store, feed_of(), revision_of(1))
            bury = functools.partial(dead_letters.bury, destination=OTHER, now_ms=START_MS)
            await store.care(lambda c: bury(c, seq=1, reason="refused with code 0x87"))
            told = list(destinations_view.lines(city))
            assert told[0].startswith("centre (acked): 0 alarms")
            assert told[1].startswith("fire-service (broker-only): 0 alarms")
            assert "1 dead letters (`haidang-gateway resend fire-service`)" in told[1]
            assert told[2].startswith("dead: fire-service 1 (alarm) hd/1/g/gw-01/alarm/")
            await store.commit(Batch(now_ms=START_MS, resend=(wish.what.destination,)))
            assert [message.seq for message in await waiting(store)] == [2]
            assert len(list(destinations_view.lines(city))) == 2
            await store.care(lambda c: count_up(c, dead_letters.FORGOTTEN, 3))
            assert list(destinations_view.lines(city))[2].startswith("3 dead letters were forgot")

    asyncio.run(scenario())
