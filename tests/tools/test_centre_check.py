"""The stand-in centre's check: what it reads out of a message, and what it refuses and where."""

from pathlib import Path

import pytest
from haidang_tools.centre import event_of
from haidang_tools.centre_check import Checker, Refusal
from haidang_tools.errors import ToolError
from specimens import (
    ALARM_TOPIC,
    DATA_TOPIC,
    EPOCH,
    RECEIVED_MS,
    alarm_document,
    alarm_message,
    data_message,
    revision,
)


def test_an_alarm_is_read_with_its_number_and_the_hash_of_its_exact_bytes(
    checker: Checker,
) -> None:
    first = alarm_document()
    second = revision(checker, 7, alarm_document(rev=2, before=first))
    assert (second.kind, second.gateway, second.epoch, second.seq) == ("alarm", "gw-01", EPOCH, 7)
    assert second.revision is not None
    before = revision(checker, 6, first).revision
    assert before is not None
    assert second.revision.prev == before.sha256


def test_the_delay_counts_from_the_decision(checker: Checker) -> None:
    event = event_of(revision(checker, 1, alarm_document()))
    assert event["delay_ms"] == 750
    assert event["headline"]["vi"] == "Cháy tại Chợ Cột Đỏ"


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (ALARM_TOPIC, b"{", "Expecting"),
        (ALARM_TOPIC, b'{"id":NaN}', "NaN"),
        (ALARM_TOPIC, b"\xff\xfe", "decode"),
        (ALARM_TOPIC, b"[" * 100_000, ""),
        (ALARM_TOPIC, alarm_message(1, b'{"v":1}'), "required"),
        (ALARM_TOPIC, alarm_message(1, alarm_document(severity="Awful")), "severity"),
        (ALARM_TOPIC, alarm_message(1, alarm_document(onset="yesterday")), "onset"),
        (DATA_TOPIC, data_message(1).replace(b'"hs":', b'"hs":-'), "data_message.packs[0]"),
        (ALARM_TOPIC, alarm_message(1, alarm_document(number=2)), "topic"),
        (ALARM_TOPIC, alarm_message(1, alarm_document(rev=2)), "prev"),
        ("hd/1/g/gw-02/data", data_message(1), "gateway"),
        (DATA_TOPIC, b'{"id":"gw-01/5f3a9c1e/1","packs":[]}', "packs"),
        ("hd/1/g/gw-01/status", b'{"v":1}', "gateway_status"),
        ("hd/1/g/gw-01/unheard-of", b"{}", "unheard-of"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_the_place(
    checker: Checker, topic: str, payload: bytes, reason: str
) -> None:
    refusal = checker.judge(topic, payload, RECEIVED_MS)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_missing_schemas_are_answered_with_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="make schema"):
        Checker(tmp_path).load()
