"""The scripted scenario: what happens when, what must arrive, and the verdict; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from haidang_tools.demo.view import AlarmRow


class Stage(Protocol):
    """What a scenario may move in the city."""

    def smoke(self, ppm: float) -> None:
        """Smoke at the market's node."""

    def flames(self, growth: float) -> None:
        """Flames and smoke rendered into the camera's picture; 0 puts them out."""

    def water(self, level_mm: int) -> None:
        """Water over the street at the river's node."""

    def people(self, share: float) -> None:
        """The share of the street, from 0 to 1, that shows its people."""

    def silence(self) -> None:
        """Cuts the power of the footfall node."""

    def uplink(self, up: bool) -> None:
        """Cuts or restores the line to the centre."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An alarm revision that must reach the centre; `severity` and `certainty` only where set."""

    hazard: str
    state: str
    severity: str = ""
    certainty: str = ""

    def met_by(self, row: AlarmRow) -> bool:
        """Whether `row` is such a revision."""
        return (
            (row.hazard, row.state) == (self.hazard, self.state)
            and self.severity in ("", row.severity)
            and self.certainty in ("", row.certainty)
        )


# Seconds after the city is ready.
CUT_FROM_S = 40.0
CUT_FOR_S = 10.0
END_S = 62.0
FIRE_S = 2.0
FLAMES_S = 9.0
CROWD_S = 14.0
CROWD_GROWS_S = 8.0
FLOOD_S = 4.0
SILENCE_S = 16.0
# FloodNet's gradient limit of 254 mm/min is the node's too, so the water rises slower than that.
FLOOD_MM_PER_S = 3.5
FLOOD_TOP_MM = 175

_FROM_NODES = (
    Expected("fire", "suspected"),
    Expected("flood", "confirmed", severity="Moderate"),
    Expected("flood", "confirmed", severity="Severe"),
    Expected("flood", "confirmed", severity="Extreme"),
    Expected("device", "confirmed"),
)
_FROM_FLAMES = (Expected("fire", "confirmed", certainty="Observed"),)
_FROM_PEOPLE = (Expected("crowd", "confirmed"),)


def expected(*, nodes: bool, flames: bool, people: bool) -> tuple[Expected, ...]:
    """What must arrive, by what the city has: nodes, a scene with flames, one with people."""
    from_flames = _FROM_FLAMES if nodes and flames else ()
    return (_FROM_NODES if nodes else ()) + from_flames + (_FROM_PEOPLE if people else ())


def play(stage: Stage, at_s: float) -> str:
    """Sets the city as it is `at_s` seconds after the start; returns what happens, in words."""
    stage.smoke(0.0 if at_s < FIRE_S else min(1500.0, 300.0 * (at_s - FIRE_S)))
    stage.flames(0.0 if at_s < FLAMES_S else min(1.0, (at_s - FLAMES_S) / 4.0))
    stage.water(int(min(FLOOD_TOP_MM, max(0.0, at_s - FLOOD_S) * FLOOD_MM_PER_S)))
    stage.people(min(1.0, max(0.0, (at_s - CROWD_S) / CROWD_GROWS_S)))
    if at_s >= SILENCE_S:
        stage.silence()
    stage.uplink(not in_cut(at_s))
    return _caption(at_s)


def in_cut(at_s: float) -> bool:
    """Whether the line to the centre is cut at `at_s`."""
    return CUT_FROM_S <= at_s < CUT_FROM_S + CUT_FOR_S


@dataclass(frozen=True, slots=True)
class Sums:
    """What gateway and centre counted, for the verdict."""

    revisions_made: int
    packs_lost: int
    messages_missing: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The scenario's end: the numbers of its last line and what is wrong, in sentences."""

    alarms: int
    packs: int
    lost: int
    duplicates: int
    alarm_p50_ms: int
    alarm_p99_ms: int
    seconds: float
    problems: tuple[str, ...]

    def line(self) -> dict[str, int | float]:
        """The last line's JSON object."""
        return {
            "alarms": self.alarms,
            "packs": self.packs,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "alarm_p50_ms": self.alarm_p50_ms,
            "alarm_p99_ms": self.alarm_p99_ms,
            "seconds": round(self.seconds, 1),
        }


def judge(
    rows: Sequence[AlarmRow],
    wanted: Sequence[Expected],
    packs: int,
    sums: Sums,
    *,
    cut_ms: tuple[int, int],
    seconds: float,
) -> Verdict:
    """The verdict over all alarm revisions at the centre, `wanted` among them.

    `cut_ms` bounds the time, in Unix milliseconds, whose alarms do not count for the delays.
    """
    distinct = {(row.alarm_id, row.rev) for row in rows}
    duplicates = len(rows) - len(distinct)
    lost = max(0, sums.revisions_made - len(distinct)) + sums.packs_lost + sums.messages_missing
    delays = sorted(r.delay_ms for r in rows if not cut_ms[0] <= r.decided_ms < cut_ms[1])
    return Verdict(
        alarms=len(distinct),
        packs=packs,
        lost=lost,
        duplicates=duplicates,
        alarm_p50_ms=_percentile(delays, 50),
        alarm_p99_ms=_percentile(delays, 99),
        seconds=seconds,
        problems=_problems(rows, wanted, lost, duplicates),
    )


def with_complaints(verdict: Verdict, complaints: Sequence[str]) -> Verdict:
    """The verdict with what the centre found wrong in messages added to its problems."""
    return replace(verdict, problems=(*verdict.problems, *complaints))


def _problems(
    rows: Sequence[AlarmRow], wanted: Sequence[Expected], lost: int, duplicates: int
) -> tuple[str, ...]:
    problems = [
        f"expected but not at the centre: {want.hazard} {want.state} "
        f"{want.severity}{want.certainty}".rstrip()
        for want in wanted
        if not any(want.met_by(row) for row in rows)
    ]
    if lost:
        problems.append(f"{lost} alarm revisions, packs or messages did not reach the centre")
    if duplicates:
        problems.append(f"{duplicates} alarm revisions were shown twice")
    return tuple(problems)


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile; 0 without values."""
    if not ordered:
        return 0
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(0, rank - 1)]


def _caption(at_s: float) -> str:
    if in_cut(at_s):
        return "Đường truyền lên trung tâm bị cắt · The line to the centre is cut"
    beats = (
        (SILENCE_S, "Nút đếm khách mất điện · The footfall node lost its power"),
        (CROWD_S, "Người đổ về quảng trường · People gather on the square"),
        (FLAMES_S, "Camera thấy lửa ở chợ (mô phỏng) · The camera sees flames (rendered)"),
        (FLOOD_S, "Nước dâng trên phố · Water rises in the street"),
        (FIRE_S, "Khói ở chợ · Smoke at the market"),
    )
    return next((text for since, text in beats if at_s >= since), "Yên tĩnh · All is quiet")
