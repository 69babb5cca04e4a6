"""The second stage's views: thin smoke, glare by night, and what the first stage has hard."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.rows import Row
from models.train import fire_night as night
from models.train import fire_pictures as pictures
from models.train import fire_smoke as smoke
from models.train import fire_traps as traps
from models.train.fire_views import CAMERAS_OF_SMOKE, Make, burning
from models.train.pieces import VIEWS

# Called normal by its source, yet black smoke stands over the town.
_DOUBTED = {"f8_pexels_alan_w_8365989_mp4_15_a0339.jpg"}
_SMOKY = {  # views with drawn and with real smoke of each normal picture
    "fire-8": (12, 5), "sath-fire-smoke": (3, 1), "hcmc-street-cam": (2, 1),
    "car-park-cam": (4, 2), "ships-sea": (2, 1),
}  # fmt: skip
_BACKLIT = 4  # views of a room with a bright door and no smoke
_PLAIN = 3  # more views of a room as it is
_GLARING = {"fire-8": 2, "kaggle-fire": 1}
_GLARING_ELSEWHERE = 4
_BURNING_BY_NIGHT = 2
_EVERY = 3  # of the first stage's views every third stays
_HARDEST, _WRONG = 0.1, 0.005  # shares of them that the first stage has hardest, and most wrong
_TIMES = 3  # that the hardest are shown


def views(rows: list[Row], seed: int) -> list[Make]:
    """Return the makers of the second stage's own views of some rows; each with its own seed."""
    normal = [r for r in rows if not burning(r) and r.image.name not in _DOUBTED]
    smoking = [r for r in rows if any(kind == "smoke" for kind, _ in r.boxes or ())]
    flaming = [r for r in rows if any(kind == "fire" for kind, _ in r.boxes or ())]
    pick = np.random.default_rng(seed)

    def any_of(its: list[Row]) -> Row:
        return its[int(pick.integers(len(its)))]

    made: list[tuple[Any, ...]] = []
    for row in normal:
        room = row.source in CAMERAS_OF_SMOKE
        drawn, real = _SMOKY.get(row.source, (0, 0))
        made += [(partial(smoke.drifting, indoors=room), row)] * drawn
        made += [(smoke.lifted, row, any_of(smoking)) for _ in range(real)]
        made += [(night.glaring, row)] * _GLARING.get(row.source, _GLARING_ELSEWHERE)
        made += [(night.burning, row, any_of(flaming)) for _ in range(_BURNING_BY_NIGHT)]
        if room:
            made += [(smoke.backlit, row)] * _BACKLIT
            made += [(pictures.whole, row), (pictures.cropped, row)] * _PLAIN
    # Mixed, so that a piece holds some of each kind and a part of the pieces can be looked at.
    order = pick.permutation(len(made))
    return [
        Make(made[index][0], tuple(made[index][1:]), seed * 1_000_000 + number)
        for number, index in enumerate(order)
    ]


def thinned(plan: Sequence[Make], pieces: Sequence[Path]) -> dict[Path, Any]:
    """Return which views of the first stage's pieces stay: every third of those that are true.

    Fog in a room is smoke: such views go.
    """
    true = np.flatnonzero([_true(view) for view in plan])[::_EVERY]
    return {
        piece: true[(true >= at) & (true < at + VIEWS)] - at
        for piece, at in zip(pieces, range(0, len(plan), VIEWS), strict=True)
    }


def weighed(chosen: Mapping[Path, Any], losses: Any) -> dict[Path, Any]:
    """Return the chosen views, the hardest as often as `_TIMES` says, the very worst not at all.

    `losses` holds one number a chosen view, in their order. Where the first stage is most wrong
    about what it has learnt, the label is.
    """
    hard, wrong = np.quantile(losses, (1 - _HARDEST, 1 - _WRONG), method="lower")
    times = np.where(losses > wrong, 0, np.where(losses > hard, _TIMES, 1))
    ends = np.cumsum([len(views) for views in chosen.values()])[:-1]
    return {
        piece: np.repeat(views, often)
        for (piece, views), often in zip(chosen.items(), np.split(times, ends), strict=True)
    }


def fog_in_a_room(view: Make) -> bool:
    """Whether a view shows drawn fog, called normal, where fog can only be smoke."""
    return view.how is traps.foggy and view.rows[0].source in CAMERAS_OF_SMOKE


def _true(view: Make) -> bool:
    return not fog_in_a_room(view) and all(row.image.name not in _DOUBTED for row in view.rows)
