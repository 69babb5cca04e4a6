"""Somebody turns the cameras of the synthetic week: how soon that is told."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from haidang_gateway.vision.frame import Picture
from PIL import Image

from bench.parts import Figures
from bench.vision_weather import Weather

_A_DAY, _STANDS_S = 8, 300
# So long after the view has come back its fault may still be told.
_ENDS_S = 60
ANOTHER = "another street"


def _panned(share: float) -> Callable[[Picture], Picture]:
    """Turned to the side: what comes into view looks like the margin, mirrored."""

    def turn(rgb: Picture) -> Picture:
        gone = int(rgb.shape[1] * share)
        return np.concatenate([rgb[:, gone:], rgb[:, : -gone - 1 : -1]], axis=1)

    return turn


def _tilted(rgb: Picture) -> Picture:
    gone = rgb.shape[0] // 4
    return np.concatenate([rgb[: -gone - 1 : -1], rgb[:-gone]], axis=0)[: rgb.shape[0]]


def _rolled(rgb: Picture) -> Picture:
    """Turned by 20 degrees about the line of sight."""
    return np.asarray(Image.fromarray(rgb).rotate(20, Image.Resampling.BILINEAR))


KINDS: dict[str, Callable[[Picture], Picture]] = {
    "panned by a seventh": _panned(1 / 7),
    "panned by a quarter": _panned(1 / 4),
    "panned by a third": _panned(1 / 3),
    "panned by two thirds": _panned(2 / 3),
    "tilted by a quarter": _tilted,
    "rolled": _rolled,
    "upside down": lambda rgb: rgb[::-1, ::-1],
    ANOTHER: lambda rgb: rgb,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: the camera looks elsewhere for five minutes and is then turned back."""

    begins_s: int
    kind: str

    def stands(self, at_s: float) -> bool:
        return self.begins_s <= at_s < self.begins_s + _STANDS_S

    def concerns(self, at_s: float) -> bool:
        """Whether a word of that time may still be about this turn."""
        return self.begins_s <= at_s < self.begins_s + _STANDS_S + _ENDS_S

    def shown(self, rgb: Picture) -> Picture:
        """What is seen then; the lamps of the street are turned along."""
        return np.ascontiguousarray(KINDS[self.kind](rgb))


def weather_of_another(weather: Weather) -> Weather:
    """Another street lies under the same sky, but its lamps hang elsewhere."""
    return replace(weather, lamps_seed=weather.lamps_seed + 1)


def turns(hours: int, draw: np.random.Generator) -> list[Turn]:
    """Some for each day, each in its own part of it, never before the view is known."""
    many = max(1, hours * _A_DAY // 24)
    part_s = hours * 3600 // many
    kinds = draw.permutation(list(KINDS))
    return [
        Turn(
            begins_s=number * part_s + int(draw.integers(900, part_s - 2 * _STANDS_S)),
            kind=str(kinds[number % len(kinds)]),
        )
        for number in range(many)
    ]


def told_s(turn: Turn, faults: list[tuple[float, str]]) -> tuple[float | None, float]:
    """When "turned" was told first, and for how long still once the view was back, in seconds."""
    about = [at_s for at_s, word in faults if word == "turned" and turn.concerns(at_s)]
    ended_s = turn.begins_s + _STANDS_S
    found = [at_s for at_s in about if at_s < ended_s]
    late_s = max(about, default=ended_s) - ended_s
    return (found[0] - turn.begins_s if found else None), max(0.0, late_s)


def figures(seen: list[tuple[list[Turn], list[tuple[float, str]]]]) -> Figures:
    """How many turns were told, after how long, by kind; what of it was missed."""
    told = [(turn, *told_s(turn, faults)) for turn_s, faults in seen for turn in turn_s]
    found = [after_s for _, after_s, _ in told if after_s is not None]
    missed = [turn.kind for turn, after_s, _ in told if after_s is None]
    return {
        "week_turns": len(told),
        "week_turns_found": len(found),
        "week_turns_seconds_median": round(statistics.median(found), 1) if found else None,
        "week_turns_seconds_most": round(max(found), 1) if found else None,
        "week_turns_seconds_to_end_most": round(max((late for *_, late in told), default=0), 1),
        "week_turns_missed": {kind: missed.count(kind) for kind in sorted(set(missed))},
    }
