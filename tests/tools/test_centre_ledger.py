"""The stand-in centre's ledger: nothing counted twice, gaps and broken chains seen."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_tools.centre_check import Checker, Refusal
from haidang_tools.centre_heads import ChainHead, head_of
from haidang_tools.centre_ledger import Ledger
from haidang_tools.errors import ToolError
from haidang_wire import messages
from specimens import (
    DATA_TOPIC,
    EPOCH,
    RECEIVED_MS,
    alarm_document,
    alarm_message,
    data_message,
    judged,
    revision,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.db")
    made.open()
    yield made
    made.close()


def test_a_second_copy_is_counted_and_not_new(checker: Checker, ledger: Ledger) -> None:
    message = revision(checker, 1, alarm_document())
    assert ledger.commit([message, message]).new == [message]
    assert ledger.commit([message]).new == []
    assert (ledger.counts.alarms, ledger.counts.duplicates) == (1, 2)


def test_an_answer_to_a_command_is_numbered_like_everything_else(
    checker: Checker, ledger: Ledger
) -> None:
    reply = {"id": f"gw-01/{EPOCH}/3", "cmd": "o-1", "ok": True, "at": "2026-11-22T13:15:21Z"}
    message = judged(checker, "hd/1/g/gw-01/reply", messages.encode("centre_reply", reply))
    committed = ledger.commit([message, message])
    assert committed.new == [message]
    assert committed.numbers == [("gw-01", EPOCH, 3)]
    assert (ledger.counts.replies, ledger.counts.data, ledger.counts.duplicates) == (1, 0, 1)


def test_every_commit_is_written_through_to_the_disk(ledger: Ledger) -> None:
    pragma = ledger._open_connection().execute
    assert pragma("PRAGMA journal_mode").fetchone() == ("wal",)
    assert pragma("PRAGMA synchronous").fetchone() == (2,)


def test_an_old_revision_under_a_new_number_is_no_second_alarm(
    checker: Checker, ledger: Ledger
) -> None:
    document = alarm_document()
    ledger.commit([revision(checker, 1, document)])
    assert ledger.commit([revision(checker, 2, document)]).new == []
    assert (ledger.counts.alarms, ledger.counts.duplicates) == (1, 1)
    assert ledger.gaps() == {}


def test_other_bytes_under_a_used_number_or_revision_are_refused(
    checker: Checker, ledger: Ledger
) -> None:
    ledger.commit([revision(checker, 1, alarm_document())])
    other = alarm_document(severity="Minor")
    committed = ledger.commit([revision(checker, 1, other), revision(checker, 2, other)])
    assert committed.new == []
    assert ["message id" in refusal.reason for refusal in committed.refused] == [True, False]
    assert ledger.payload(("gw-01", EPOCH, 1)) == alarm_message(1, alarm_document())


def test_a_broken_chain_is_found_in_any_order_of_arrival(checker: Checker, ledger: Ledger) -> None:
    first = alarm_document()
    second = alarm_document(rev=2, before=first)
    forged = alarm_document(rev=3, before=b"something else")
    good = [revision(checker, 2, second), revision(checker, 1, first)]
    assert ledger.commit(good).broken == []
    broken = ledger.commit([revision(checker, 3, forged)]).broken
    assert [revision.rev for revision in broken] == [3]
    assert ledger.latest() == [(f"gw-01-{EPOCH}-0001", 3)]


def test_gaps_are_seen_and_close_again_also_after_a_restart(
    checker: Checker, tmp_path: Path
) -> None:
    for seqs, missing in (((1, 5), [[2, 4]]), ((3,), [[2, 2], [4, 4]]), ((2, 4), [])):
        ledger = Ledger(tmp_path / "ledger.db")
        ledger.open()
        ledger.commit([judged(checker, DATA_TOPIC, data_message(seq)) for seq in seqs])
        assert ledger.gaps() == ({("gw-01", EPOCH): missing} if missing else {})
        ledger.close()


def test_a_refused_message_fills_its_place_and_is_kept(checker: Checker, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.open()
    bad = checker.judge(DATA_TOPIC, b'{"id":"gw-01/5f3a9c1e/1","packs":7}', RECEIVED_MS)
    assert isinstance(bad, Refusal)
    ledger.commit([bad, bad, judged(checker, DATA_TOPIC, data_message(2))])
    assert (ledger.counts.refused, ledger.counts.duplicates) == (1, 1)
    assert ledger.gaps() == {}
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        ((payload,),) = connection.execute("SELECT payload FROM refused").fetchall()
    connection.close()
    assert payload == bad.payload


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear city, " * 100)
    with pytest.raises(ToolError, match="name another"):
        Ledger(path).open()


def _status(checker: Checker, n: int, chain: str, epoch: str = EPOCH) -> ChainHead:
    golden = Path(__file__).parents[1] / "golden" / "messages" / "gateway_status.online.json"
    document = json.loads(golden.read_bytes())
    document |= {"epoch": epoch, "audit": {"n": n, "chain": f"sha256:{chain * 64}"}}
    payload = messages.encode("gateway_status", document)
    head = head_of(judged(checker, "hd/1/g/gw-01/status", payload))
    assert head is not None
    return head


def test_an_audit_chain_that_goes_back_is_told_until_it_is_whole_again(
    checker: Checker, tmp_path: Path
) -> None:
    five = _status(checker, 5, "a")
    for _ in range(2):  # the second time out of the file alone
        ledger = Ledger(tmp_path / "ledger.db")
        ledger.open()
        assert ledger.compare(five) is None
        cut = _status(checker, 4, "b")
        assert ledger.compare(cut) == five
        assert ledger.compare(cut) == five, "the cut-off head is not what counts from now on"
        assert ledger.compare(_status(checker, 5, "c")) == five, "a row of another hash"
        assert str(five) == f"5:sha256:{'a' * 64}"
        ledger.close()
    ledger.open()
    assert ledger.compare(_status(checker, 6, "d")) is None
    assert ledger.compare(five) == _status(checker, 6, "d")
    assert ledger.compare(_status(checker, 1, "e", "0badcafe")) is None, "another database"
    ledger.close()


def test_a_ledger_from_before_the_heads_gets_them(tmp_path: Path, checker: Checker) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.open()
    ledger.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("DROP TABLE head")
    ledger.open()
    assert ledger.compare(_status(checker, 5, "a")) is None
    ledger.close()


def test_a_status_of_an_older_gateway_has_no_head(checker: Checker) -> None:
    message = judged(checker, "hd/1/g/gw-01/status", b'{"v":1,"state":"offline"}')
    assert head_of(message) is None
