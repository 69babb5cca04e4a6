"""What breaks the contract is kept, bounded and counted, and its node is told so by name."""

import argparse
import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from haidang_gateway import quarantine_cli
from haidang_gateway.batch import CENTRE, Batch, QuarantineRow
from haidang_gateway.errors import OrderError, PackRefused, StoreError
from haidang_gateway.ingest.packs import TopicPacks
from haidang_gateway.ledger_view import lines
from haidang_gateway.outgoing import data_draft
from haidang_gateway.quarantine_retry import QuarantineRetry
from haidang_gateway.store import queries, room
from haidang_gateway.store.schema import reading
from haidang_wire.senml import Pack, Record
from haidang_wire.senml_cbor import encode_pack
from node_packs import EPOCH, NODE, START_MS, pack, smoke, status
from pipeline_kit import KEY, Bench, open_bench
from store_kit import open_store, row, stored

STRANGER = "urn:dev:mac:240ac4fffe000099"


def _broken(seq: int, **fields: object) -> bytes:
    """A pack with a readable name that the contract refuses: an unknown unit."""
    record = json.loads(pack(seq, {"n": "flood/level", "u": "cubit", "v": 4}))[0]
    return json.dumps([record | fields]).encode()


async def _give(bench: Bench, payload: bytes, kind: str = "alarm") -> list[object]:
    bench.answers.given.clear()
    await bench.hear(kind, payload)
    return bench.answers.given


def test_a_broken_pack_with_a_readable_name_is_acknowledged_after_its_commit(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            bench.store.failures, bench.store.error = 1, StoreError
            with pytest.raises(StoreError):
                await _give(bench, _broken(4))
            assert bench.answers.given == []
        async with open_bench(tmp_path) as bench:
            answers = [("ack", KEY, [[4, 4]], "alarm"), ("puback", 1)]
            assert await _give(bench, _broken(4)) == answers
            assert await _give(bench, _broken(4)) == answers, "a repeated one is told again"
            assert await bench.store.ledger_sums() == {"quarantined": 1}

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        ((_, _, reason, payload),) = queries.quarantined(connection, 10)
    assert "cubit" in reason
    assert payload == _broken(4)


@pytest.mark.parametrize(
    "payload",
    [
        b"rubbish",
        b"[" * 2000,
        b"[]",
        b"[7]",
        b'{"he":"9f3c01aa","hb":7,"hs":1}',
        _broken(1, he="xyz"),
        _broken(1, hb=True),
        _broken(1, hs=-1),
        _broken(1, hs=2**32),
    ],
)
def test_a_pack_without_a_readable_name_is_kept_but_cannot_be_acknowledged(
    tmp_path: Path, payload: bytes
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            assert await _give(bench, payload) == [("puback", 1)]
            assert await bench.store.ledger_sums() == {"quarantined": 1}

    asyncio.run(scenario())


def test_the_node_of_the_topic_is_told_whatever_the_pack_says(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            stranger = pack(3, node_source=STRANGER)
            assert ("ack", KEY, [[3, 3]], "alarm") in await _give(bench, stranger)

    asyncio.run(scenario())


def test_a_node_that_is_not_configured_keeps_its_packs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            bench.node = "n-240ac4000099"
            answers = await _give(bench, pack(3, node_source=STRANGER))
            assert answers == [("puback", 1)]

    asyncio.run(scenario())


def test_a_quarantined_pack_is_no_loss_and_a_sound_one_of_its_name_is_still_taken(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            await _give(bench, pack(0))
            boots = [{"hb": 7, "next": 3, "held": [], "dropped": []}]
            await _give(bench, _broken(1))
            await _give(bench, status(boots=boots, up_ms=100), "status")
            assert await bench.store.ledger_sums() == {"received": 1, "quarantined": 1, "lost": 1}
            await _give(bench, _broken(2))
            assert (await bench.store.ledger_sums())["lost"] == 0, "it turned up after all"
            await _give(bench, pack(1, *smoke("alarm")))
            assert await bench.alarms() == 1
        async with open_bench(tmp_path) as again:
            assert (await again.store.boots())[NODE, EPOCH, 7]["quarantined"] == [[1, 2]]

    asyncio.run(scenario())


def test_on_a_full_disk_what_the_centre_has_goes_before_the_only_copy_in_quarantine(
    tmp_path: Path,
) -> None:
    bad = QuarantineRow(received_ms=START_MS, topic="t", reason="r", payload=b"x")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, packs=(row(1), row(2)), quarantine=(bad,)))
            draft = data_draft("gw-01", CENTRE)
            assert await store.compose_data(draft, START_MS) == 2
            await store.confirm(CENTRE, store.epoch, [[1, 1]])
            await store.commit(Batch(now_ms=START_MS, packs=(row(3),)))

    asyncio.run(scenario())
    with contextlib.closing(sqlite3.connect(tmp_path / "haidang.db")) as connection:
        kept = []
        for _ in range(3):
            room.make_room(connection, "2026-11-22", START_MS)
            packs = len(stored(connection))
            kept.append((packs, len(queries.quarantined(connection, 9))))
    assert kept == [(1, 1), (1, 0), (0, 0)]


def test_a_full_quarantine_forgets_the_oldest_and_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang_gateway.store.writes.KEEP_QUARANTINE", 3)
    rows = [
        QuarantineRow(received_ms=START_MS, topic="t", reason=f"number {n}", payload=b"x")
        for n in range(5)
    ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            for bad in rows:
                await store.commit(Batch(now_ms=START_MS, quarantine=(bad,)))
            assert await store.counters() == {"quarantine_forgotten": 2}

    asyncio.run(scenario())
    shown = list(lines(tmp_path))
    assert [line for line in shown if "number" in line][-1].startswith("quarantined: t: number 2")
    assert "2 quarantined messages were forgotten: 1000 are kept" in shown


def _broken_cbor(seq: int) -> bytes:
    """A pack as a wired node writes it, cut off in its second record."""
    records = [Record("flood/level", 412, 5), Record("flood/rate", 9, 5)]
    return encode_pack(Pack(NODE, EPOCH, 7, seq, 5, None, records))[:-3]


def test_a_broken_pack_in_cbor_is_acknowledged_by_its_name_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            assert ("ack", KEY, [[4, 4]], "alarm") in await _give(bench, _broken_cbor(4))
            nameless = await _give(bench, _broken_cbor(5)[:20])
            assert nameless == [("puback", 1)]
            assert await bench.store.ledger_sums() == {"quarantined": 2}

    asyncio.run(scenario())


def test_what_an_update_can_read_comes_out_of_the_quarantine_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_bench(tmp_path) as bench:
            older = TopicPacks.read

            def too_old(*_: object) -> None:
                raise PackRefused("a word of tomorrow")

            monkeypatch.setattr(TopicPacks, "read", too_old)
            await _give(bench, pack(1, *smoke("alarm")))
            monkeypatch.setattr(TopicPacks, "read", older)
            await _give(bench, b"rubbish")
            await _give(bench, b"no status", "status")
            assert await bench.store.ledger_sums() == {"quarantined": 3}
            heard = bench.fleet.heard_ms(NODE)
            retry = QuarantineRetry(tmp_path, bench.store, bench.inbox.tell_durably)
            asked = asyncio.create_task(retry.retry())
            while not asked.done():
                await asyncio.sleep(0)
                if bench.inbox.urgent_waits:
                    await bench.pipeline.step()
            assert await bench.store.ledger_sums() == {"quarantined": 2, "received": 1}
            assert await bench.alarms() == 1
            assert bench.fleet.heard_ms(NODE) == heard, "what lay here is no sign of life"

    asyncio.run(scenario())
    left = list(quarantine_cli._list(tmp_path, argparse.Namespace()))
    assert ["rubbish" in line or "valid JSON" in line for line in left] == [True, True, False]
    number = int(left[0].split()[0])
    shown = list(quarantine_cli._show(tmp_path, argparse.Namespace(number=number)))
    assert "rubbish" in shown[1]
    with pytest.raises(OrderError, match="no gateway runs"):
        list(quarantine_cli._retry(tmp_path, argparse.Namespace(wait=1)))


def test_a_node_that_says_much_nonsense_takes_no_room_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang_gateway.store.writes.KEEP_QUARANTINE", 4)
    rows = [
        QuarantineRow(received_ms=START_MS, topic=topic, reason=f"number {n}", payload=b"x")
        for n, topic in enumerate(["rare", *(["loud"] * 9)])
    ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, quarantine=tuple(rows)))
            assert await store.counters() == {"quarantine_forgotten": 6}

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        kept = [(row[2], row[3]) for row in queries.quarantine(connection)]
    newest = [("loud", f"number {n}") for n in (7, 8, 9)]
    assert kept == [("rare", "number 0"), *newest]
