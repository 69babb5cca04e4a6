"""Scores a shipped model on any data set: `models/evaluate.py fire --data DIR --split val.jsonl`.

`clips` runs a camera's whole time logic over video clips. `--baseline FILE` and `--peer` score
something else on the same pictures in the same way: fires at 0.5, people in whole pictures.

Pictures take the gateway's own path (its resizing, runtime and post-processing). Unusable rows are
named on standard error and counted. The last line of standard output is one JSON object.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

if not __package__:
    # Started as a file, not as a module: the repository's root is then not on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from haidang_gateway.errors import ModelError
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import FIRE, CrowdModel, FireModel, load_model, read_manifest
from haidang_gateway.vision.networks import load_networks
from haidang_gateway.vision.picture import FireScores, count_people
from haidang_gateway.vision.second_look import SecondLook, look_for_fire

from models.clip_events import clip_figures, read_clips, watch
from models.measures import (
    KINDS,
    CrowdCase,
    FireCase,
    cell_meets_box,
    crowd_figures,
    fire_figures,
    wrong_pictures,
)
from models.peers import fire_detector
from models.rows import Row, RowError, load_picture, people_in, read_rows

_USAGE_ERROR = 2
_NOTHING_SCORED = 1


def main(arguments: list[str] | None = None) -> int:
    """Score and print; exit status 0, 1 if no row could be used, 2 if nothing could start."""
    options = _options(arguments)
    try:
        split = _split(options.data, options.split, options.task)
        if options.task == "clips":
            return _score_clips(split, options)
        tally = _Tally(read_rows(split, options.data, options.data / options.task))
        scorer = _score_fire if options.task == "fire" else _score_crowd
        figures = scorer(tally, options)
    except (ModelError, RowError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return _USAGE_ERROR
    figures |= {"task": options.task, "split": split.name, "skipped": tally.skipped}
    _print(figures, options)
    return _status(tally.used, split)


class _Tally:
    """Hands out the usable rows with their pictures and counts the others."""

    def __init__(self, rows: Iterator[Row | RowError]) -> None:
        self._rows = rows
        self.used = 0
        self.skipped = 0

    def each(self, score: Callable[[Row], None]) -> None:
        """Call `score` for every row; a RowError is told and counted."""
        for row in self._rows:
            try:
                if isinstance(row, RowError):
                    raise row
                score(row)
                self.used += 1
            except RowError as error:
                self.skipped += 1
                print(f"evaluate: skipped: {error}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class _Rival:
    """Something that judges pictures, and from which scores on it alarms."""

    judge: Callable[[np.ndarray], FireScores]
    fire_threshold: float = 0.5
    smoke_threshold: float = 0.5


def _score_fire(tally: _Tally, options: argparse.Namespace) -> dict[str, object]:
    rivals = _rivals(options)
    cases: dict[str, list[FireCase]] = {name: [] for name in rivals}

    def score(row: Row) -> None:
        if not row.labels:
            raise RowError(f'{row.where}: needs `labels`: fire, smoke, or ["normal"]')
        rgb = load_picture(row)
        for name, rival in rivals.items():
            cases[name].append(_fire_case(row, rival.judge(rgb)))

    tally.each(score)
    figures: dict[str, object] = {}
    for name, rival in rivals.items():
        limits = rival.fire_threshold, rival.smoke_threshold
        its: dict[str, object] = fire_figures(cases[name], *limits)
        if options.names:
            its |= wrong_pictures(cases[name], *limits)
        figures |= its if name == "ours" else {name: its}
    return figures


def _rivals(options: argparse.Namespace) -> dict[str, _Rival]:
    entry = read_manifest(options.models, options.fire).fire
    ours = _judge_of(_model(entry, options.model), entry.second_look)
    rivals = {"ours": _Rival(ours, entry.fire_threshold, entry.smoke_threshold)}
    if options.baseline is not None:
        rivals["baseline"] = _Rival(_judge_of(_model(entry, options.baseline), None))
    if options.peer:
        detect, nowhere = fire_detector(), np.full((1, 1, 2), -np.inf, np.float32)
        rivals["peer"] = _Rival(lambda rgb: FireScores(detect(rgb), 0.0, nowhere))
    return rivals


def _judge_of(model: Model, second: SecondLook | None) -> Callable[[np.ndarray], FireScores]:
    height, width, _ = model.input_shape
    return lambda rgb: look_for_fire(rgb, model.run, width, height, second)


def _fire_case(row: Row, seen: FireScores) -> FireCase:
    maps = {"fire": seen.cells_fire, "smoke": seen.cells_smoke}
    pointed = {kind: _pointed(row, kind, maps[kind]) for kind in KINDS}
    known = not row.smoke_unlabelled
    return FireCase(seen.fire, seen.smoke, row.labels, known, pointed, row.image.name, row.source)


def _score_clips(split: Path, options: argparse.Namespace) -> int:
    networks = load_networks(options.models, fire=options.fire)
    folders = (
        split.parent,
        options.data,
        options.data / "video",
        options.models.parent / ".cache",
    )
    watched, skipped = [], 0
    for clip in read_clips(split, folders):
        if isinstance(clip, RowError):
            skipped += 1
            print(f"evaluate: skipped: {clip}", file=sys.stderr)
        else:
            watched.append(watch(clip, networks))
    figures = {**clip_figures(watched), "task": "clips", "split": split.name, "skipped": skipped}
    _print(figures, options)
    return _status(len(watched), split)


def _status(used: int, split: Path) -> int:
    if used:
        return 0
    why = "no row could be used; is it the right list, and are its pictures in --data?"
    print(f"evaluate: {split}: nothing was scored: {why}", file=sys.stderr)
    return _NOTHING_SCORED


def _print(figures: dict[str, object], options: argparse.Namespace) -> None:
    indent = None if options.json else 2
    print(json.dumps(figures, indent=indent, ensure_ascii=False))


def _score_crowd(tally: _Tally, options: argparse.Namespace) -> dict[str, object]:
    entry = read_manifest(options.models).crowd
    counters = {"ours": (_model(entry, options.model), entry.spec)}
    if options.baseline is not None:
        # Taught on whole pictures, it is shown whole pictures.
        whole = replace(entry.spec, closer_look_at=(), farther_look_below=0.0)
        counters["baseline"] = (_model(entry, options.baseline), whole)
    cases: dict[str, list[CrowdCase]] = {name: [] for name in counters}

    def score(row: Row) -> None:
        rgb = load_picture(row)
        truth = people_in(row)
        person_px = options.person_px or (_body_px(row, rgb) if options.calibrated else None)
        for name, (model, spec) in counters.items():
            known_px = person_px if name == "ours" else None
            counted = count_people(rgb, known_px, model.run, spec)
            inside = counted.low <= truth <= counted.high
            cases[name].append(CrowdCase(counted.count, truth, row.source, inside))

    tally.each(score)
    figures: dict[str, object] = {}
    for name, its in cases.items():
        figures |= crowd_figures(its) if name == "ours" else {name: crowd_figures(its)}
    return figures


def _pointed(row: Row, kind: str, cells: np.ndarray) -> bool | None:
    boxes = [box for name, box in row.boxes or () if name == kind]
    if not boxes:
        return None
    if cells.size == 1:
        return None
    top, left = np.unravel_index(int(cells.argmax()), cells.shape)
    return cell_meets_box(int(top), int(left), cells.shape[0], boxes)


def _body_px(row: Row, rgb: np.ndarray) -> float | None:
    """Return the usual height of a person in the picture where boxes tell it."""
    heights = [box[3] * rgb.shape[0] for kind, box in row.boxes or () if kind == "person"]
    return float(np.median(heights)) if heights else None


def _model(entry: FireModel | CrowdModel, other: Path | None) -> Model:
    """Load the shipped file, or another one whose checksum nobody vouches for."""
    if other is None:
        return load_model(entry)
    try:
        digest = hashlib.sha256(other.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"--model {other}: cannot be read ({error})") from error
    model = Model(other, digest)
    model.load()
    return model


def _split(data: Path, split: Path, task: str) -> Path:
    """Find the list in the data folder, in the task's folder there, or where the user stands."""
    if not data.is_dir():
        raise RowError(f"--data {data}: no such folder")
    for candidate in (data / split, data / task / split, split):
        if candidate.is_file():
            return candidate
    raise RowError(f"--split {split}: not found in {data}, nor in {data / task}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("fire", "crowd", "clips"))
    parser.add_argument("--data", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--split", type=Path, required=True, help="list of pictures, JSON lines")
    parser.add_argument("--model", type=Path, help="another .tflite than the shipped one")
    parser.add_argument(
        "--fire", default=FIRE, metavar="TABLE", help="the manifest's table of the fire model"
    )
    parser.add_argument("--baseline", type=Path, help="another .tflite to score beside it")
    parser.add_argument("--peer", action="store_true", help="fire: score PyPI's fire-detector too")
    parser.add_argument("--names", action="store_true", help="fire: name the wrong pictures")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--json", action="store_true", help="one line instead of indented JSON")
    parser.add_argument(
        "--person-px", type=_height_px, help="crowd: height of a person in the pictures"
    )
    parser.add_argument(
        "--calibrated", action="store_true", help="crowd: take that height from boxes where known"
    )
    return parser.parse_args(arguments)


def _height_px(text: str) -> float:
    height = float(text)
    if not 4 <= height <= 4000:
        raise argparse.ArgumentTypeError(f"{text} is no height; give 4 to 4000 pixels")
    return height


if __name__ == "__main__":
    sys.exit(main())
