"""One camera's simulated days in a real street: weather, light, rendered fires, turned views.

What is judged and how often is said in `bench.vision_week`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from haidang_gateway.vision.camera import Develop, frames, raw
from haidang_gateway.vision.feed import Counters
from haidang_gateway.vision.frame import Frame, Picture
from haidang_gateway.vision.lines import (
    AliveLine,
    FaultLine,
    FlameLine,
    Line,
    SmokeLine,
    WorkerSettings,
)
from haidang_gateway.vision.lookout import Lookout
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.observer import Observer
from haidang_tools.flames import render_fire

from bench import vision_turns
from bench.vision_judge import Calm, Judge
from bench.vision_turns import Turn
from bench.vision_weather import Weather, at_hour, changed

_BLOCK_S = 900
_SHOWN = 10
_IDLE_MS, _AWAKE_MS = 1_000, 200
_FIRES_A_DAY, BURNS_S, _FOUND_S = 3, 180, 10
_MOST_AWAKE = 100
_CLIP_EVERY_MS = 250
# So many pictures of the clip are a second, the time between two looks while nothing is up.
_STRIDE = 4
_CLIP_MOST = 240


@dataclass(frozen=True, slots=True)
class Fire:
    """One rendered fire: it grows to its full size within `grows_s`."""

    begins_s: int
    grows_s: float
    height: float
    x: float
    y: float
    seed: int

    def burns(self, at_s: float) -> bool:
        return self.begins_s <= at_s < self.begins_s + BURNS_S

    def drawn(self, rgb: Picture, at_s: float) -> Picture:
        since_s = at_s - self.begins_s
        growth = 0.15 + 0.85 * min(1.0, since_s / self.grows_s)
        x, y, height = self.x, self.y, self.height
        return render_fire(
            rgb, t_s=since_s, growth=growth, x=x, y=y, height_frac=height, seed=self.seed
        )


class _Feed:
    """In the place of the camera: gives the one picture that is due."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.awake, self.every_ms, self.error = True, 0, None
        self.frame: Frame | None = None

    def take(self, timeout_s: float) -> Frame | None:
        frame, self.frame = self.frame, None
        return frame


class Street:
    """One camera over its simulated days; what was told of it."""

    def __init__(
        self,
        clip: Path,
        judge: Judge | Calm,
        *,
        hours: int,
        seed: int,
        begin_h: float = 0.0,
        turned_to: Path | None = None,
    ) -> None:
        """`turned_to` is another street's clip; with it the camera is turned now and then."""
        self._pictures = pictures_of(clip)
        self._elsewhere = pictures_of(turned_to) if turned_to else []
        self._judge = judge
        self._draw = np.random.default_rng(seed)
        self._develop = Develop(Masks())
        self._at_ms = self._block = self._first = self._looks = self._awake_looks = 0
        self._weather: Weather | None = None
        self._shown: dict[tuple[int, Turn | None], Frame] = {}
        settings = WorkerSettings(id="c", source=str(clip), models_dir="", clock_offset_ms=0)
        self._lookout = Lookout(settings, Observer(judge, settings), self, self._tell)
        self._feed = _Feed()
        self._lookout.camera = self._feed  # type: ignore[assignment]
        self._standing = {"fire": False, "smoke": False}
        self._end_s, self._begin_h = hours * 3600, begin_h
        self.alarms: list[tuple[float, str]] = []
        self.faults: list[tuple[float, str]] = []
        self.turns = vision_turns.turns(hours, self._draw) if turned_to else []
        fires = 0 if turned_to else max(1, hours * _FIRES_A_DAY // 24)
        self.fires = [self._fire() for _ in range(fires)]

    def monotonic_ms(self) -> int:
        return self._at_ms

    def run(self) -> None:
        """Look until the hours are over."""
        while self._at_ms < self._end_s * 1000:
            at_s = self._at_ms / 1000
            fire = next((f for f in self.fires if f.burns(at_s) and self._rages(f, at_s)), None)
            self._feed.frame = self._frame(at_s, fire)
            self._lookout.look()
            step_ms = self._step_ms(burning=fire is not None)
            following = (f.begins_s * 1000 for f in self.fires)
            until_ms = min((x for x in following if x > self._at_ms), default=1 << 60)
            self._at_ms = min(self._at_ms + step_ms, until_ms)

    def _step_ms(self, *, burning: bool) -> int:
        if self._lookout._awake:
            self._awake_looks += 1
            if burning or self._awake_looks < _MOST_AWAKE:
                return _AWAKE_MS
        return _IDLE_MS

    def _rages(self, fire: Fire, at_s: float) -> bool:
        """Whether it was not found yet, or just now."""
        found = (x for x, _ in self.alarms if fire.burns(x))
        return at_s < min(found, default=at_s) + _FOUND_S

    def found_s(self) -> list[float | None]:
        """Seconds to the first alarm of each fire; None where there was none."""
        return [
            min(
                (at_s - fire.begins_s for at_s, _ in self.alarms if fire.burns(at_s)), default=None
            )
            for fire in self.fires
        ]

    def false_alarms(self) -> list[tuple[float, str]]:
        return [x for x in self.alarms if not any(fire.burns(x[0]) for fire in self.fires)]

    def false_faults(self) -> list[tuple[float, str]]:
        return [x for x in self.faults if not any(turn.concerns(x[0]) for turn in self.turns)]

    def _frame(self, at_s: float, fire: Fire | None) -> Frame:
        self._enter(int(at_s) // _BLOCK_S + 1, at_s)
        assert self._weather is not None
        self._looks += 1
        which = self._looks % _SHOWN
        if fire is not None:
            at = self._pictures[self._place(which) % len(self._pictures)]
            rgb = changed(at, self._weather, self._draw, burning=lambda x: fire.drawn(x, at_s))
            return self._develop(raw(rgb), number=0, at_ms=self._at_ms)
        turn = next((turn for turn in self.turns if turn.stands(at_s)), None)
        if (which, turn) not in self._shown:
            rgb = self._picture(which, turn, self._weather)
            number = self._block * _SHOWN + which
            self._shown[which, turn] = self._develop(raw(rgb), number=number, at_ms=self._at_ms)
        shown = self._shown[which, turn]
        shown.at_ms = self._at_ms
        return shown

    def _picture(self, which: int, turn: Turn | None, weather: Weather) -> Picture:
        """What the camera shows of its street, or of what it is turned to."""
        pictures = self._pictures
        if turn is not None and turn.kind == vision_turns.ANOTHER:
            pictures, weather = self._elsewhere, vision_turns.weather_of_another(weather)
        rgb = changed(pictures[self._place(which) % len(pictures)], weather, self._draw)
        return turn.shown(rgb) if turn else rgb

    def _place(self, which: int) -> int:
        return self._first + which * _STRIDE

    def _enter(self, block: int, at_s: float) -> None:
        """The next quarter of an hour: other pictures of the clip, the weather goes on."""
        if block == self._block:
            return
        self._block, self._awake_looks = block, 0
        self._first = int(self._draw.integers(len(self._pictures)))
        self._weather = at_hour((at_s / 3600 + self._begin_h) % 24, self._weather, self._draw)
        self._shown.clear()
        self._judge.forget()

    def _fire(self) -> Fire:
        draw = self._draw
        return Fire(
            begins_s=int(draw.integers(self._end_s // 24, self._end_s - BURNS_S)),
            grows_s=float(draw.uniform(10, 90)),
            height=float(draw.uniform(0.1, 0.35)),
            x=float(draw.uniform(0.15, 0.85)),
            y=float(draw.uniform(0.5, 0.95)),
            seed=int(draw.integers(1 << 30)),
        )

    def _tell(self, line: Line) -> None:
        at_s = self._at_ms / 1000
        if isinstance(line, FlameLine | SmokeLine):
            kind = "fire" if isinstance(line, FlameLine) else "smoke"
            if line.active and not self._standing[kind]:
                self.alarms.append((at_s, kind))
            self._standing[kind] = line.active
        elif isinstance(line, AliveLine | FaultLine) and line.health != "ok":
            self.faults.append((at_s, line.health))


def pictures_of(clip: Path) -> list[Picture]:
    """The clip's pictures, four a second."""
    found: list[Picture] = []
    for frame in frames(str(clip), every_ms=_CLIP_EVERY_MS):
        found.append(frame.rgb)
        if len(found) == _CLIP_MOST:
            break
    return found
