"""The sheets of selftest and calibrate, and that every code a node may send has its sentences."""

import re
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.sheet import LANGUAGES, Header, sheet
from haidang_gateway.text_sheet import CHECKS, FIELDS, HEALTH, SENSORS, WORDS
from haidang_wire.vocabulary import SENSOR_HEALTH
from haidang_wire.words import SENSORS as KINDS
from hypothesis import given, settings
from hypothesis import strategies as st

_SENSORS = Path(__file__).parents[2] / "firmware" / "haidang_node" / "sensors"
_HEADER = Header("n-240ac4000001", "Chợ Đầm", "2026-11-23 11:20:00 +0700")
_ENV = {
    "ok": False,
    "health": "silent",
    "checks": [["answers", False, "silent"], ["trim", True, -150, "-5..5"], ["reading", False]],
    "now": {"env/health": "silent"},
}


def _printed(do: str, answer: dict[str, Any], language: str) -> str:
    lines = list(sheet(do, answer, _HEADER, language))
    assert all(len(line) <= 110 for line in lines)
    return "\n".join(lines)


def test_a_failed_check_fails_the_sheet_and_says_what_to_do() -> None:
    answer = {"ok": True, "out": {"fw": "0.1.0", "sensors": {"env": _ENV}}}
    vi, en = _printed("selftest", answer, "vi"), _printed("selftest", answer, "en")
    assert "KẾT LUẬN: KHÔNG ĐẠT" in vi
    assert "không trả lời: kiểm tra nguồn" in vi
    assert "RESULT: FAIL" in en
    assert re.search(r"\[PASS\] +Temperature trim +-1\.50 °C \(limit -5\.\.5\)", en)
    for told in (vi, en):
        assert all(word in told for word in (_HEADER.node, _HEADER.place, _HEADER.time, "0.1.0"))
        assert told.count("_" * 20) == 2, "room for a name and a signature"


def test_only_a_sheet_on_which_every_sensor_passed_passes() -> None:
    good = _ENV | {"ok": True, "health": "ok", "checks": [["answers", True]]}
    for sensors, word in (
        ({"env": good}, "PASS"),
        ({"env": good, "smoke": _ENV}, "FAIL"),
        ({}, "FAIL"),
    ):
        answer = {"ok": True, "out": {"sensors": sensors}}
        assert f"RESULT: {word}" in _printed("selftest", answer, "en")
    refused = {"ok": False, "err": "smoke is not fitted", "hint": "look at sensors"}
    told = _printed("selftest", refused, "en")
    assert "smoke is not fitted" in told
    assert "RESULT: FAIL" in told


def test_a_calibration_sheet_shows_before_and_after() -> None:
    out = {"mount_mm": 2970, "before": {"mount_mm": 3000}, "cfg": "1a2b3c4d", "fw": "0.1.0"}
    told = _printed("calibrate", {"ok": True, "out": out}, "vi")
    assert "trước 3000 mm, sau 2970 mm" in told
    assert "1a2b3c4d" in told
    assert "KẾT LUẬN: ĐẠT" in told


def test_every_code_and_field_of_the_firmware_has_both_sentences() -> None:
    for path in sorted(_SENSORS.glob("*_service.py")):
        source = path.read_text(encoding="utf-8")
        kind = path.stem.removesuffix("_service")
        for code in re.findall(r'\[\s*"([a-z_0-9]+)",', source):
            assert f"{kind}/{code}" in CHECKS or code in CHECKS, (path.name, code)
    for table in (CHECKS, FIELDS, WORDS, HEALTH, SENSORS):
        assert all(row[0].strip() and row[1].strip() for row in table.values())
    assert set(HEALTH) == set(SENSOR_HEALTH)
    assert set(SENSORS) == set(KINDS)


_TEXT = st.text("aạ.\x1b", max_size=4)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=50)
@given(out=st.dictionaries(st.sampled_from(["sensors", "fw", "before", "x"]), _ANYTHING))
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_node_says_there_is_a_sheet(language: str, out: dict[str, Any]) -> None:
    for do in ("selftest", "calibrate"):
        assert list(sheet(do, {"ok": True, "out": out}, _HEADER, language))


@settings(max_examples=50)
@given(checks=st.lists(_ANYTHING, max_size=4))
def test_checks_of_another_form_are_printed_as_they_came(checks: list[Any]) -> None:
    told = {"env": {"ok": True, "health": "ok", "checks": checks}}
    assert list(sheet("selftest", {"ok": True, "out": {"sensors": told}}, _HEADER, "vi"))
