"""What 8 bits cost a model: its figures beside those of the real numbers."""

from collections.abc import Callable, Sequence
from statistics import fmean

from haidang_gateway.errors import ModelError
from haidang_gateway.vision.picture import CrowdSpec, FireScores, Picture, Run, count_people
from haidang_gateway.vision.second_look import SecondLook, look_for_fire

from models.measures import average_precision
from models.rows import Row, load_picture, people_in

MOST_LOST = 0.005
"""Average precision of an alarm that the export may lose: half a point."""

MOST_WORSE = 0.03
"""By this share a count's mean absolute error may grow."""

FEW = 20
_CHANCE = 2  # people in a whole list: where next to nothing is miscounted a share says nothing

Judge = Callable[[Picture], FireScores]


def judge_of(run: Run, side_px: int, second: SecondLook | None) -> Judge:
    """Pictures of any size go to `run` as the gateway makes them, once or twice."""
    return lambda rgb: look_for_fire(rgb, run, side_px, side_px, second)


def check(rows: Sequence[Row], real: Judge, whole: Judge) -> tuple[float, float]:
    """Return both average precisions of an alarm, real numbers first.

    ModelError where whole numbers lose more than `MOST_LOST`, or nothing can be compared.
    """
    scores: dict[str, list[float]] = {"real": [], "whole": []}
    for row in rows:
        rgb = load_picture(row)
        for name, judge in (("real", real), ("whole", whole)):
            seen = judge(rgb)
            scores[name].append(max(seen.fire, seen.smoke))
    truth = [bool(row.labels & {"fire", "smoke"}) for row in rows]
    before, after = (average_precision(scores[name], truth) for name in ("real", "whole"))
    if before is None or after is None or all(truth):
        raise ModelError("8 bits against real numbers: the list needs fires and normal pictures")
    if before - after > MOST_LOST:
        raise ModelError(
            f"8 bits lose too much: average precision {after:.4f} beside {before:.4f} in real "
            f"numbers, at most {MOST_LOST} less; give the export more or other examples"
        )
    return before, after


def check_crowd(
    rows: Sequence[Row], real: Run, whole: Run, spec: CrowdSpec
) -> dict[str, tuple[float, float]]:
    """Return the mean absolute error of each source's counts, that of the real numbers first.

    ModelError where whole numbers make one worse than `MOST_WORSE` allows. Sources with fewer
    than `FEW` pictures are told, but not judged, unless there is no other.
    """
    wrong: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        rgb, truth = load_picture(row), people_in(row)
        counts = (count_people(rgb, None, run, spec).count for run in (real, whole))
        wrong.setdefault(row.source, []).append(tuple(abs(count - truth) for count in counts))
    errors = {
        source: (fmean(before for before, _ in its), fmean(after for _, after in its))
        for source, its in wrong.items()
    }
    if not errors:
        raise ModelError("8 bits against real numbers: the list needs labelled pictures")
    for source in [name for name in errors if len(wrong[name]) >= FEW] or list(errors):
        before, after = errors[source]
        if after > before * (1 + MOST_WORSE) + _CHANCE / len(wrong[source]):
            raise ModelError(
                f"8 bits lose too much: {source} is miscounted by {after:.3f} beside {before:.3f} "
                f"in real numbers, at most {MOST_WORSE:.0%} more; give the export other examples"
            )
    return errors
