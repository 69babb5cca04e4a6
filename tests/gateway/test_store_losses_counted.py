"""Where the count of lost packs begins and ends, whatever of the broken database can be read."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE
from haidang_gateway.store import losses, rescue, schema
from haidang_gateway.store.schema import Connection
from node_packs import START_MS

# First and last pack.
_Pair = tuple[int, int]
_DEFLATED = b"\x78"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Connection]:
    with contextlib.closing(schema.connect(tmp_path / "old.db", START_MS)) as connection:
        yield connection


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Connection]:
    with contextlib.closing(schema.connect(tmp_path / "fresh.db", START_MS)) as connection:
        yield connection


def _hold(connection: Connection, bundles: Sequence[_Pair], cursor: int) -> None:
    connection.executemany("INSERT INTO bundle VALUES (?, ?, 'data', 1, X'00')", bundles)
    connection.execute("INSERT INTO destination VALUES (?, 1, ?)", (CENTRE, cursor))


def _wait(
    connection: Connection, *waiting: _Pair, payload: bytes = b"", first_seq: int = 1
) -> None:
    for seq, (low, high) in enumerate(waiting, first_seq):
        connection.execute(
            "INSERT INTO outgoing (destination, seq, lane, topic, payload, packs, created_ms,"
            " low, high) VALUES (?, ?, 'data', 't', ?, 1, 1, ?, ?)",
            (CENTRE, seq, payload, low, high),
        )


def _waiting(connection: Connection) -> tuple[list[int], int]:
    """The lowest packs of the messages that wait, and the cursor."""
    lows = [low for (low,) in connection.execute("SELECT low FROM outgoing ORDER BY seq")]
    (cursor,) = connection.execute("SELECT pack_cursor FROM destination").fetchone()
    return lows, cursor


def test_the_first_and_the_last_pack_of_what_is_missing_count(
    old: Connection, fresh: Connection
) -> None:
    _hold(old, [(1, 60)], 5)
    _hold(fresh, [(11, 20), (31, 40)], 5)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 5 + 10 + 20


def test_of_a_waiting_message_the_first_and_the_last_pack_count(
    old: Connection, fresh: Connection
) -> None:
    _hold(old, [(1, 60)], 60)
    _hold(fresh, [(1, 9), (12, 18), (21, 60)], 60)
    _wait(fresh, (11, 20))
    assert losses.packs_lost(old, fresh, cursors_known=True) == 1 + 2


def test_without_cursors_what_is_missing_below_the_one_that_was_read_counts_too(
    old: Connection, fresh: Connection
) -> None:
    _hold(old, [(3, 60)], 50)
    _hold(fresh, [(11, 60)], 50)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 0
    assert losses.packs_lost(old, fresh, cursors_known=False) == 8


def test_packs_that_had_gone_before_the_oldest_one_are_not_lost(
    old: Connection, fresh: Connection
) -> None:
    _hold(old, [(8, 60)], 0)
    _hold(fresh, [(11, 60)], 0)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 3


def test_of_a_takeover_that_was_cut_short_the_oldest_may_still_be_a_pack(
    old: Connection, fresh: Connection
) -> None:
    old.execute("INSERT INTO pack VALUES (8, 'n', 'e', 1, 1, 'data', 1, 1, 1, X'00')")
    _hold(fresh, [(11, 60)], 0)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 3


def test_where_the_oldest_cannot_be_read_rather_too_many_count(
    old: Connection, fresh: Connection
) -> None:
    old.execute("ALTER TABLE bundle RENAME COLUMN first TO torn")
    _hold(fresh, [(11, 60)], 0)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 10


@pytest.mark.parametrize(
    "spoken",
    [
        "INSERT INTO sqlite_sequence VALUES ('pack', 60)",
        "INSERT INTO bundle VALUES (41, 60, 'data', 1, X'00')",
        "INSERT INTO outgoing (destination, seq, lane, topic, payload, packs, created_ms, low,"
        " high) VALUES ('fire', 1, 'data', 't', X'', 1, 1, 51, 60)",
        "INSERT OR REPLACE INTO meta VALUES ('rolled_up', '60')",
    ],
    ids=["sequence", "bundle", "outgoing", "rolled_up"],
)
def test_the_newest_are_missed_as_long_as_anything_speaks_of_them(
    old: Connection, fresh: Connection, spoken: str
) -> None:
    _hold(old, [(1, 20)], 0)
    _hold(fresh, [(1, 50)], 0)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 0
    old.execute(spoken)
    assert losses.packs_lost(old, fresh, cursors_known=True) == 10


def test_behind_the_last_message_that_can_be_read_all_waits_again_and_it_stays(
    old: Connection, fresh: Connection
) -> None:
    for connection in (old, fresh):
        _hold(connection, [(1, 60)], 60)
        _wait(connection, (11, 20), (30, 30), (41, 50))
    losses.wait_again(old, fresh)
    assert _waiting(fresh) == ([11, 30, 41], 60)
    # Packs that it stands for come behind those of the one after it.
    old.execute("UPDATE outgoing SET low=29 WHERE low=41")
    losses.wait_again(old, fresh)
    assert _waiting(fresh) == ([11, 30], 30)


def test_a_message_whose_bytes_are_torn_ends_what_can_be_read(
    old: Connection, fresh: Connection
) -> None:
    for connection in (old, fresh):
        _hold(connection, [(1, 60)], 60)
        _wait(connection, (11, 20))
    _wait(old, (21, 30), payload=_DEFLATED + b"torn", first_seq=2)
    _wait(fresh, (31, 40), first_seq=3)
    losses.wait_again(old, fresh)
    assert _waiting(fresh) == ([11], 20)


def test_packs_are_needed_from_where_the_list_of_what_waits_is_torn(old: Connection) -> None:
    _hold(old, [(1, 60)], 60)
    _wait(old, (41, 50))
    assert losses.passed(old) == 40
    old.execute("UPDATE outgoing SET high=NULL")
    assert losses.passed(old) == 0


@pytest.mark.parametrize("torn", ["CAST(X'78FF' AS BLOB), 1, 9", "X'', 1, NULL"])
def test_a_message_that_was_torn_in_the_midst_of_a_takeover_is_told_of_and_not_sent(
    tmp_path: Path, torn: str
) -> None:
    path = tmp_path / "haidang.db"
    with contextlib.closing(schema.connect(path, START_MS)) as broken:
        broken.execute(
            "CREATE TABLE outgoing_before"
            " (destination, seq, lane, topic, payload, packs, created_ms)"
        )
        for seq, rest in ((1, torn), (2, "X'7B7D', 1, 9")):
            broken.execute(
                f"INSERT INTO outgoing_before VALUES ('centre', {seq}, 'data', 't{seq}', {rest})"  # noqa: S608
            )
    result = rescue.rescue(path, "told so by a test", START_MS)
    assert "outgoing_before" in result.torn
    with contextlib.closing(schema.connect(path, START_MS)) as rebuilt:
        assert rebuilt.execute("SELECT topic FROM outgoing").fetchall() == [("t2",)]


def test_where_the_list_of_tables_is_torn_packs_and_messages_are_told_of_as_missing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "haidang.db"
    path.write_bytes(b"this is a text\n" * 1000)
    result = rescue.rescue(path, "told so by a test", START_MS)
    assert {"bundle", "outgoing"} <= set(result.torn)
    assert "pack" not in result.torn
    assert result.taken["bundle"] == 0


def test_where_one_destinations_cursor_is_torn_the_others_are_not_relied_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "haidang.db"
    with contextlib.closing(schema.connect(path, START_MS)) as broken:
        _hold(broken, [(1, 60)], 50)
        broken.execute("ALTER TABLE destination RENAME TO sound")
        broken.execute("CREATE TABLE destination (name, next_seq, pack_cursor)")
        broken.execute("INSERT INTO destination SELECT * FROM sound")
        broken.execute("INSERT INTO destination VALUES ('fire', 1, NULL)")
        broken.execute("DROP TABLE sound")
    assert rescue.rescue(path, "told so by a test", START_MS).packs_lost == 60
