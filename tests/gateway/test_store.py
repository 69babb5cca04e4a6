"""The store: all or nothing, numbers without gaps, room for alarms, and what kill -9 leaves."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from haidang_gateway.audit import chain_link
from haidang_gateway.batch import (
    CENTRE,
    Backlog,
    Batch,
    Confirmed,
    Draft,
    QuarantineRow,
)
from haidang_gateway.errors import StoreError
from haidang_gateway.outgoing import alarm_draft, data_draft
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from haidang_gateway.store.writes import DATA_WINDOW
from msgspec.structs import replace
from node_packs import EPOCH, NODE, START_MS
from store_kit import alarm, open_store, packs, revision, row


async def _compose(store: Store) -> int:
    taken = 0
    while news := await store.compose_data(data_draft("gw-01", CENTRE), START_MS):
        taken += news
    return taken


def test_what_was_committed_is_there_after_opening_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            epoch = store.epoch
            await store.commit(
                Batch(
                    now_ms=START_MS,
                    boots={(NODE, EPOCH, 7): {"received": [[1, 4]]}, (NODE, EPOCH, 6): {}},
                    states={"fire:market-3": {"due_ms": 5}, "flood:x": {}},
                    counts={(NODE, "2026-11-22", "received"): 4},
                )
            )
            await store.commit(
                Batch(
                    now_ms=START_MS,
                    boots={(NODE, EPOCH, 6): None},
                    states={"flood:x": None},
                    counts={(NODE, "2026-11-22", "received"): 3},
                )
            )
        async with open_store(tmp_path) as store:
            assert store.epoch == epoch
            assert await store.boots() == {(NODE, EPOCH, 7): {"received": [[1, 4]]}}
            assert await store.rule_states() == {"fire:market-3": {"due_ms": 5}}
            assert await store.ledger_sums() == {"received": 7}

    asyncio.run(scenario())


def test_messages_are_numbered_without_gaps_and_never_change(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(1))
            await store.commit(packs(row(1, b'[{"n":"a"}]'), row(2, b'[{"n":"b"}]')))
            assert await _compose(store) == 2
            await store.commit(alarm(2))
            alarms = await store.pending(CENTRE, "alarm", 0, 10)
            (data,) = await store.pending(CENTRE, "data", 0, 10)
            assert [m.seq for m in alarms] == [1, 3]
            assert data.seq == 2
            assert json.loads(data.payload) == {
                "id": f"gw-01/{store.epoch}/2",
                "packs": [[{"n": "a"}], [{"n": "b"}]],
            }
            assert alarms[1].topic == "hd/1/g/gw-01/alarm/gw-01-5f3a9c1e-0001"
            assert alarms[1].payload == (
                b'{"id":"gw-01/%s/3","alarm":{"rev":2}}' % store.epoch.encode()
            )
            assert await store.confirm(CENTRE, "00000000", [[1, 3]]) == Confirmed()
            told = await store.confirm(CENTRE, store.epoch, [[1, 1], [3, 9]])
            assert told == Confirmed(messages=2, alarms=2)
            again = await store.pending(CENTRE, "data", 0, 10)
            assert again == [data]
        async with open_store(tmp_path) as store:
            await store.confirm(CENTRE, store.epoch, [[2, 2]])
            await store.commit(alarm(3))
            assert [m.seq for m in await store.pending(CENTRE, "alarm", 0, 10)] == [4]

    asyncio.run(scenario())


def test_the_backlog_is_told_without_reading_what_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            rows = [replace(row(seq), received_ms=START_MS + seq) for seq in range(2050)]
            await store.commit(packs(*rows[:50]))
            assert await store.backlog(CENTRE) == Backlog(packs=50, oldest_ms=START_MS)
            await _compose(store)
            await store.confirm(CENTRE, store.epoch, [[1, 1]])
            await store.commit(packs(*rows[50:]))
            waiting = await store.backlog(CENTRE)
            assert waiting == Backlog(packs=2000, oldest_ms=START_MS + 50)
            with reading(tmp_path / "haidang.db") as connection:
                steps: list[None] = []
                connection.set_progress_handler(lambda: steps.append(None), 100)
                queries.backlog(connection, CENTRE)
            assert len(steps) < 5

    asyncio.run(scenario())


def test_what_was_confirmed_is_told_by_kind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(1))
            await store.commit(packs(row(1), row(2), row(3)))
            await _compose(store)
            told = await store.confirm(CENTRE, store.epoch, [[1, 5]])
            assert told == Confirmed(messages=2, alarms=1, packs=3)
            assert await store.confirm(CENTRE, store.epoch, [[1, 5]]) == Confirmed()

    asyncio.run(scenario())


def test_every_commit_is_written_through_to_the_disk(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            pragma = store._open_connection.execute
            assert pragma("PRAGMA journal_mode").fetchone() == ("wal",)
            # 2 is FULL: with WAL the only setting that survives a power cut.
            assert pragma("PRAGMA synchronous").fetchone() == (2,)

    asyncio.run(scenario())


def test_a_failing_part_leaves_nothing_of_its_batch(tmp_path: Path) -> None:
    def explode(_message_id: str) -> bytes:
        raise StoreError("a draft that cannot be written")

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            bad = Draft(destination=CENTRE, lane="alarm", topic="t", compose=explode)
            batch = Batch(
                now_ms=START_MS,
                packs=(row(1),),
                states={"fire:x": {}},
                revisions=(revision(1),),
                drafts=(alarm_draft("gw-01", CENTRE, revision(1)), bad),
            )
            with pytest.raises(StoreError):
                await store.commit(batch)
            assert await store.rule_states() == {}
            assert await store.pending(CENTRE, "alarm", 0, 10) == []
            assert (await store.backlog(CENTRE)).packs == 0
            await store.commit(alarm(1))
            assert [m.seq for m in await store.pending(CENTRE, "alarm", 0, 10)] == [1]

    asyncio.run(scenario())


def test_a_revision_is_written_once_and_chained(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(alarm(1))
            await store.commit(alarm(2))
            with pytest.raises(StoreError, match="has a revision 2 already"):
                await store.commit(alarm(2))

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        rows = queries.audit_rows(connection)
    chain = "0" * 64
    for n, at_ms, kind, subject, digest, link in rows:
        chain = chain_link(chain, n, at_ms=at_ms, kind=kind, subject=subject, digest=digest)
        assert link == chain
    assert [row[3] for row in rows] == ["gw-01-5f3a9c1e-0001/1", "gw-01-5f3a9c1e-0001/2"]


def test_waiting_telemetry_is_numbered_only_within_a_window(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            big = b'["' + b"x" * 40_000 + b'"]'
            await store.commit(packs(*(row(n, big) for n in range(1, DATA_WINDOW + 6))))
            assert await _compose(store) == DATA_WINDOW
            backlog = await store.backlog(CENTRE)
            assert (backlog.data, backlog.packs, backlog.alarms) == (DATA_WINDOW, 5, 0)
            await store.confirm(CENTRE, store.epoch, [[1, 10]])
            assert await _compose(store) == 5

    asyncio.run(scenario())


def test_a_broken_file_is_set_aside_and_a_new_epoch_begins(tmp_path: Path) -> None:
    async def first() -> str:
        async with open_store(tmp_path) as store:
            await store.commit(packs(*(row(n, bytes(2000)) for n in range(1, 100))))
            return store.epoch

    async def second() -> tuple[str, Path | None]:
        async with open_store(tmp_path) as store:
            return store.epoch, store.opened.set_aside

    old = asyncio.run(first())
    path = tmp_path / "haidang.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 12] = b"\xff" * (4096 * 9)
    path.write_bytes(content)
    new, aside = asyncio.run(second())
    assert new != old
    assert aside is not None
    assert aside.read_bytes() == content


def test_a_second_gateway_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_store(tmp_path):
            second = Store(tmp_path, "gw-01", StoreSettings())
            with pytest.raises(StoreError, match="another gateway"):
                await second.open(START_MS)
            await second.close()

    asyncio.run(scenario())


def test_quarantine_is_bounded(tmp_path: Path) -> None:
    def bad(count: int) -> Sequence[QuarantineRow]:
        return [
            QuarantineRow(received_ms=n, topic="t", reason="r", payload=b"") for n in range(count)
        ]

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            await store.commit(Batch(now_ms=START_MS, quarantine=tuple(bad(1500))))

    asyncio.run(scenario())
    with reading(tmp_path / "haidang.db") as connection:
        assert len(queries.quarantined(connection, 5000)) == 1000


_WRITER = """
import asyncio, sys
from pathlib import Path
from haidang_gateway.batch import Batch
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store

async def main():
    store = Store(Path(sys.argv[1]), "gw-01", StoreSettings())
    await store.open(1)
    n = 0
    while True:
        n += 1
        await store.commit(Batch(now_ms=n, states={"n": {"n": n}, f"k{n}": {"n": n}}))
        print(n, flush=True)

asyncio.run(main())
"""


def test_all_that_was_reported_committed_survives_kill_9(tmp_path: Path) -> None:
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(40)]
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout.readlines()
        last = int([line for line in said if line.endswith("\n")][-1])
        with contextlib.closing(sqlite3.connect(tmp_path / "haidang.db")) as connection:
            states = queries.rule_states(connection)
        (number,) = states.pop("n").values()
        assert number >= last
        assert number == max(state["n"] for state in states.values()), "never half a batch"
        with contextlib.closing(sqlite3.connect(tmp_path / "haidang.db")) as connection:
            connection.execute("DELETE FROM rule_state")
            connection.commit()
