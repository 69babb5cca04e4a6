"""What 8 bits cost a fire model: its average precision beside that of the real numbers."""

from collections.abc import Callable, Sequence

from haidang_gateway.errors import ModelError
from haidang_gateway.vision.picture import FireScores, Picture, Run, fire_scores, to_input

from models.measures import average_precision
from models.rows import Row, load_picture

MOST_LOST = 0.005
"""Average precision of an alarm that the export may lose: half a point."""

Judge = Callable[[Picture], FireScores]


def judge_of(run: Run, side_px: int) -> Judge:
    """Pictures of any size go to `run` as the gateway makes them."""
    return lambda rgb: fire_scores(run(to_input(rgb, side_px, side_px)))


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
