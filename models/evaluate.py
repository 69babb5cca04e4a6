"""Scores a shipped model on any data set: `models/evaluate.py fire --data DIR --split val.jsonl`.

Pictures take the gateway's own path (its resizing, runtime and post-processing). Unusable rows are
named on standard error and counted. The last line of standard output is one JSON object.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

if not __package__:
    # Started as a file, not as a module: the repository's root is then not on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from haidang_gateway.errors import ModelError
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import CrowdModel, FireModel, load_model, read_manifest
from haidang_gateway.vision.picture import count_people, fire_scores, to_input

from models.measures import KINDS, CrowdCase, FireCase, cell_meets_box, crowd_figures, fire_figures
from models.rows import Row, RowError, load_picture, read_rows

_USAGE_ERROR = 2
_NOTHING_SCORED = 1


def main(arguments: list[str] | None = None) -> int:
    """Score and print; exit status 0, 1 if no row could be used, 2 if nothing could start."""
    options = _options(arguments)
    try:
        split = _split(options.data, options.split, options.task)
        rows = read_rows(split, options.data, options.data / options.task)
        tally = _Tally(rows)
        scorer = _score_fire if options.task == "fire" else _score_crowd
        figures = scorer(tally, options)
    except (ModelError, RowError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return _USAGE_ERROR
    figures |= {"task": options.task, "split": split.name, "skipped": tally.skipped}
    indent = None if options.json else 2
    print(json.dumps(figures, indent=indent, ensure_ascii=False))
    return 0 if tally.used else _NOTHING_SCORED


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


def _score_fire(tally: _Tally, options: argparse.Namespace) -> dict[str, object]:
    entry = read_manifest(options.models).fire
    model = _model(entry, options.model)
    cases: list[FireCase] = []

    def score(row: Row) -> None:
        if not row.labels:
            raise RowError(f'{row.where}: needs `labels`: fire, smoke, or ["normal"]')
        rgb = load_picture(row)
        seen = fire_scores(model.run(to_input(rgb, entry.width, entry.height)))
        maps = {"fire": seen.cells_fire, "smoke": seen.cells_smoke}
        pointed = {kind: _pointed(row, kind, maps[kind]) for kind in KINDS}
        known = not row.smoke_unlabelled
        cases.append(FireCase(seen.fire, seen.smoke, row.labels, known, pointed))

    tally.each(score)
    return dict(fire_figures(cases, entry.fire_threshold, entry.smoke_threshold))


def _score_crowd(tally: _Tally, options: argparse.Namespace) -> dict[str, object]:
    entry = read_manifest(options.models).crowd
    model = _model(entry, options.model)
    cases: list[CrowdCase] = []

    def score(row: Row) -> None:
        rgb = load_picture(row)
        truth = _people(row)
        person_px = options.person_px or (_body_px(row, rgb) if options.calibrated else None)
        counted = count_people(rgb, person_px, model.run, entry.spec).count
        cases.append(CrowdCase(counted, truth, row.source))

    tally.each(score)
    return crowd_figures(cases)


def _pointed(row: Row, kind: str, cells: np.ndarray) -> bool | None:
    boxes = [box for name, box in row.boxes or () if name == kind]
    if not boxes:
        return None
    top, left = np.unravel_index(int(cells.argmax()), cells.shape)
    return cell_meets_box(int(top), int(left), cells.shape[0], boxes)


def _people(row: Row) -> int:
    if row.count is not None:
        return row.count
    if row.points is not None:
        return len(row.points)
    if row.boxes is not None:
        return sum(kind == "person" for kind, _ in row.boxes)
    raise RowError(f"{row.where}: needs `count`, `points` or `boxes`")


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
    parser.add_argument("task", choices=("fire", "crowd"))
    parser.add_argument("--data", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--split", type=Path, required=True, help="list of pictures, JSON lines")
    parser.add_argument("--model", type=Path, help="another .tflite than the shipped one")
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
