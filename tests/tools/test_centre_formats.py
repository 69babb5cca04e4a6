"""The stand-in centre reads CAP, NGSI-LD and deflated messages, and refuses broken ones."""

import json
import zlib
from typing import Any

import pytest
from haidang_gateway.formats import cap, ngsi
from haidang_tools.centre import event_of
from haidang_tools.centre_check import Checker, Message, Refusal
from specimens import alarm_document, data_message

_ID = "gw-01/5f3a9c1e/12"
_TOPIC = "hd/1/g/gw-01/cap/gw-01-5f3a9c1e-0001"


def _alarm(**fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(alarm_document(**fields))
    return document


def _cap(*, rev: int = 1) -> bytes:
    earlier = [_alarm(rev=before) for before in range(1, rev)]
    return cap.message_of(_alarm(rev=rev), earlier, cap.CapSettings(sender="gw-01"), _ID)


def test_a_cap_message_is_read_with_its_number(checker: Checker) -> None:
    judged = checker.judge(_TOPIC, _cap(rev=2), 5)
    assert isinstance(judged, Message)
    assert (judged.kind, judged.epoch, judged.seq) == ("cap", "5f3a9c1e", 12)
    event = event_of(judged)
    assert (event["msg_type"], event["headline"]["vi"]) == ("Update", "Cháy tại Chợ Cột Đỏ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<alert", b'<!DOCTYPE a [<!ENTITY x "y">]><alert'),
        (b"</alert>", b""),
        (b"cap:1.2", b"cap:1.1"),
        (b"<msgType>Alert", b"<msgType>Update"),
        (b"<status>Actual", b"<status>Real"),
        (b"+07:00</sent>", b"Z</sent>"),
        (b"<headline>", b"<headlines>"),
        (b"gw-01/5f3a9c1e/12", b"gw-02/5f3a9c1e/12"),
    ],
)
def test_a_cap_message_that_breaks_the_standard_is_refused(
    checker: Checker, old: bytes, new: bytes
) -> None:
    message = _cap()
    assert old in message
    assert isinstance(checker.judge(_TOPIC, message.replace(old, new), 5), Refusal)


def test_entities_are_read_with_their_number(checker: Checker) -> None:
    message = ngsi.notification(_ID, ngsi.entities_of_alarm(_alarm()), "2026-11-22T13:15:21.250Z")
    judged = checker.judge("hd/1/g/gw-01/ngsi", message, 5)
    assert isinstance(judged, Message)
    assert (judged.kind, judged.seq) == ("ngsi", 12)
    assert event_of(judged)["entities"] == ["urn:ngsi-ld:Alert:gw-01-5f3a9c1e-0001"]
    other = message.replace(b'"type":"Alert"', b'"type":"Alarm"')
    assert isinstance(checker.judge("hd/1/g/gw-01/ngsi", other, 5), Refusal)


def test_a_deflated_message_is_the_message_itself(checker: Checker) -> None:
    plain = data_message(3)
    judged = checker.judge("hd/1/g/gw-01/data", zlib.compress(plain, 1), 5)
    assert isinstance(judged, Message)
    assert (judged.seq, judged.payload) == (3, plain)


@pytest.mark.parametrize(
    "payload", [zlib.compress(bytes(5_000_000)), zlib.compress(b"{}")[:-3], b"\x78\x9cgarbage"]
)
def test_a_bomb_or_a_torn_message_is_refused(checker: Checker, payload: bytes) -> None:
    assert isinstance(checker.judge("hd/1/g/gw-01/data", payload, 5), Refusal)
