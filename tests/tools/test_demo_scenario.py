"""The demo's verdict: it must fail whenever an alarm is missing, lost or doubled."""

from dataclasses import replace

from haidang_tools.demo import scenario
from haidang_tools.demo.scenario import Sums, Verdict, expected
from haidang_tools.demo.view import AlarmRow, CityView, unix_ms

_START_MS = 1_764_000_000_000
_NO_CUT = (0, 0)
_WANTED = expected(nodes=True, flames=True, people=True)


def _judged(rows: list[AlarmRow], sums: Sums, cut_ms: tuple[int, int] = _NO_CUT) -> Verdict:
    return scenario.judge(rows, _WANTED, 40, sums, cut_ms=cut_ms, seconds=62.04)


def _rows() -> list[AlarmRow]:
    return [
        AlarmRow(
            alarm_id=f"gw-01-00000000-{number:04d}",
            rev=1,
            hazard=want.hazard,
            state=want.state,
            severity=want.severity or "Severe",
            certainty=want.certainty or "Likely",
            headline_vi="",
            headline_en="",
            decided_ms=_START_MS + number * 1000,
            received_ms=_START_MS + number * 1000 + 10 * (number + 1),
        )
        for number, want in enumerate(_WANTED)
    ]


def _clean(rows: list[AlarmRow]) -> Sums:
    return Sums(revisions_made=len(rows), packs_lost=0, messages_missing=0)


def test_all_expected_alarms_once_is_a_pass() -> None:
    rows = _rows()
    verdict = _judged(rows, _clean(rows))
    assert verdict.problems == ()
    assert verdict.line() == {
        "alarms": 7, "packs": 40, "lost": 0, "duplicates": 0,
        "alarm_p50_ms": 40, "alarm_p99_ms": 70, "seconds": 62.0,
    }  # fmt: skip


def test_each_missing_alarm_is_named() -> None:
    for number, want in enumerate(_WANTED):
        rows = _rows()
        del rows[number]
        verdict = _judged(rows, _clean(rows))
        assert len(verdict.problems) == 1
        assert want.hazard in verdict.problems[0]


def test_a_city_without_flames_or_people_is_not_asked_for_their_alarms() -> None:
    hazards = [want.hazard for want in expected(nodes=True, flames=False, people=False)]
    assert "crowd" not in hazards
    assert not any(want.certainty for want in expected(nodes=True, flames=False, people=True))
    assert expected(nodes=False, flames=True, people=False) == ()


def test_a_revision_shown_twice_is_a_failure() -> None:
    rows = _rows()
    rows.append(replace(rows[0], received_ms=_START_MS + 9999))
    verdict = _judged(rows, _clean(_rows()))
    assert verdict.duplicates == 1
    assert verdict.problems


def test_a_revision_the_gateway_made_and_the_centre_lacks_is_lost() -> None:
    rows = _rows()
    sums = Sums(revisions_made=len(rows) + 2, packs_lost=3, messages_missing=1)
    verdict = _judged(rows, sums)
    assert verdict.lost == 6
    assert verdict.problems


def test_alarms_of_the_cut_do_not_count_for_the_delays() -> None:
    rows = _rows()
    rows[3] = replace(rows[3], received_ms=rows[3].decided_ms + 10_000)
    cut = (rows[3].decided_ms, rows[3].decided_ms + 1)
    assert _judged(rows, _clean(rows)).alarm_p99_ms == 10_000
    assert _judged(rows, _clean(rows), cut).alarm_p99_ms == 70


class _Recorder:
    def __init__(self) -> None:
        self.levels: list[int] = []
        self.cuts: list[bool] = []

    def smoke(self, ppm: float) -> None: ...
    def flames(self, growth: float) -> None: ...
    def people(self, share: float) -> None: ...
    def silence(self) -> None: ...

    def water(self, level_mm: int) -> None:
        self.levels.append(level_mm)

    def uplink(self, up: bool) -> None:
        self.cuts.append(up)


def test_the_water_rises_slower_than_the_nodes_gradient_limit() -> None:
    stage = _Recorder()
    for second in range(int(scenario.END_S)):
        scenario.play(stage, float(second))
    steps = [after - before for before, after in zip(stage.levels, stage.levels[1:], strict=False)]
    assert max(steps) * 60 <= 254
    assert stage.levels[-1] == scenario.FLOOD_TOP_MM


def test_the_line_is_cut_for_ten_seconds_in_the_middle() -> None:
    stage = _Recorder()
    for tenth in range(int(scenario.END_S * 10)):
        scenario.play(stage, tenth / 10)
    assert stage.cuts.count(False) == 100
    assert stage.cuts[0]
    assert stage.cuts[-1]


def test_the_view_folds_alarms_packs_and_status() -> None:
    view = CityView()
    alarm = {
        "id": "gw-01-5f3a9c1e-0007", "rev": 2, "hazard": "fire", "state": "confirmed",
        "severity": "Severe", "certainty": "Observed", "updated": "2026-11-22T20:15:21.250+07:00",
        "headline": {"vi": "Cháy", "en": "Fire"},
    }  # fmt: skip
    received_ms = unix_ms("2026-11-22T13:15:21.300+00:00")
    view.message("alarm", {"id": "gw-01/e/1", "alarm": alarm}, received_ms)
    pack = [
        {
            "bn": "urn:dev:mac:240ac4fffe000002:",
            "he": "9f3c01aa",
            "n": "flood/level",
            "u": "mm",
            "v": 412,
        },
        {"n": "flood/state", "vs": "warning"},
    ]
    view.message("data", {"id": "gw-01/e/2", "packs": [pack]}, received_ms)
    view.message("status", {"queue": 3}, received_ms)
    assert view.alarms[0].delay_ms == 50
    assert view.nodes["n-240ac4000002"].values["flood/level"] == "412 mm"
    assert view.nodes["n-240ac4000002"].values["flood/state"] == "warning"
    assert view.packs == 1
    assert view.gateway["queue"] == 3
