"""Alarms over time in video clips, with the whole time logic of a camera's worker."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from haidang_gateway.vision.camera import frames
from haidang_gateway.vision.lines import FlameLine, SmokeLine, WorkerSettings
from haidang_gateway.vision.observer import Networks, Observer

from models.measures import KINDS, events_upper_bound
from models.rows import RowError

_LOOK_EVERY_MS = 200  # as a worker does while something is suspected


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip with what it shows; a fire burns from `onset_s` on."""

    path: Path
    where: str
    labels: frozenset[str]
    onset_s: float


@dataclass(frozen=True, slots=True)
class Watched:
    """What a camera with this clip would have told; seconds of each alarm's beginning by kind."""

    clip: Clip
    seconds: float
    alarms: tuple[tuple[str, float], ...]

    @property
    def found_s(self) -> float | None:
        """Seconds from the onset to the first alarm after it; None if there is none."""
        after = [at_s - self.clip.onset_s for _, at_s in self.alarms if at_s >= self.clip.onset_s]
        return min(after) if self.clip.labels & set(KINDS) and after else None

    @property
    def false_alarms(self) -> int:
        """Alarms before anything burns; all of them where nothing does."""
        burns = bool(self.clip.labels & set(KINDS))
        return sum(not burns or at_s < self.clip.onset_s for _, at_s in self.alarms)


def read_clips(split: Path, folders: Iterable[Path]) -> list[Clip | RowError]:
    """Return a list's clips, or the errors that make them unusable.

    A row is {"clip": FILE, "labels": ["fire"], "onset_s": 0}; FILE is looked for in the folders.
    """
    found: list[Clip | RowError] = []
    for number, line in enumerate(split.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{split}:{number}"
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            name, labels = str(raw["clip"]), frozenset(raw["labels"])
            onset_s = float(raw.get("onset_s", 0.0))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found.append(RowError(f"{where}: needs `clip` and `labels` ({error})"))
            continue
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        missing = RowError(f"{where}: clip {name} is missing")
        found.append(missing if path is None else Clip(path, where, labels, onset_s))
    return found


def watch(clip: Clip, networks: Networks) -> Watched:
    """Look at a whole clip five times a second, as a worker that has just been started."""
    settings = WorkerSettings(id="clip", source="", models_dir="", clock_offset_ms=0)
    observer = Observer(networks, settings)
    alarms: list[tuple[str, float]] = []
    standing = {"fire": False, "smoke": False}
    at_ms = 0
    for frame in frames(str(clip.path), every_ms=_LOOK_EVERY_MS):
        at_ms = frame.at_ms
        for line in observer.see(frame):
            if isinstance(line, FlameLine | SmokeLine):
                kind = "fire" if isinstance(line, FlameLine) else "smoke"
                if line.active and not standing[kind]:
                    alarms.append((kind, at_ms / 1000))
                standing[kind] = line.active
    return Watched(clip, at_ms / 1000, tuple(alarms))


def clip_figures(watched: list[Watched]) -> dict[str, object]:
    """Return events found, false alarms, hours and what so little footage proves."""
    events = [w for w in watched if w.clip.labels & set(KINDS)]
    found_s = [w.found_s for w in events if w.found_s is not None]
    normal = [w for w in watched if w not in events]
    false_alarms = sum(w.false_alarms for w in watched)
    hours = (sum(w.seconds for w in normal) + sum(w.clip.onset_s for w in events)) / 3600
    return {
        "clips": len(watched),
        "events": len(events),
        "event_recall": round(len(found_s) / len(events), 4) if events else None,
        "seconds_to_alarm_median": round(statistics.median(found_s), 1) if found_s else None,
        "normal_hours": round(hours, 4),
        "false_alarms": false_alarms,
        "false_alarms_per_camera_hour": round(false_alarms / hours, 2) if hours else None,
        "false_alarms_per_camera_hour_95": (
            round(events_upper_bound(false_alarms) / hours, 1) if hours else None
        ),
        "per_clip": {
            w.clip.path.name: {
                "seconds": round(w.seconds, 1),
                "labels": sorted(w.clip.labels),
                "alarms": [[kind, round(at_s, 1)] for kind, at_s in w.alarms],
            }
            for w in watched
        },
    }
