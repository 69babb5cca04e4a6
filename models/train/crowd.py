"""Trains the crowd model: `python -m models.train.crowd --data DIR --out models`.

Pictures pass the frozen lower network once (cache folder); blocks 5-10 and the head are trained.
`--data` may name several folders: lists of labelled pictures (`crowd/`, `people/`, and `fire/` for
scenes without people), or own frames with their counts in `counts.csv`.
"""

import argparse
import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import read_manifest
from haidang_gateway.vision.picture import CrowdSpec, Run, count_people

from models.rows import Row, load_picture, people_in
from models.train import crowd_network, crowd_views, lite0, rounding
from models.train import crowd_pictures as pictures
from models.train.crowd_patches import Patched
from models.train.crowd_store import Store, fill
from models.train.crowd_training import Training
from models.train.crowd_views import Make
from models.train.export import write_int8
from models.train.lower import Lower

NAME = "crowd-research.tflite"
_ENOUGH = 10  # pictures of a source held out
_MOST_GAIN = 1.1
_MODELS = Path(__file__).resolve().parents[1]
_log = logging.getLogger("train.crowd")


def main() -> None:
    """Cache, train, export, compare."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    torch.set_num_threads(options.threads)
    rows, held_out = crowd_views.parted(crowd_views.labelled(options.data))
    (rows, left), (held_out, more) = (
        crowd_views.without(part, options.leave_out) for part in (rows, held_out)
    )
    if not rows:
        raise SystemExit("train.crowd: no folder of --data holds crowd/, people/ or counts.csv")
    plan = list(crowd_views.plan(rows, crowd_views.scenes(options.data), options.seed))
    folder = options.cache / "crowd"
    shown = examples(plan)
    size_px = (pictures.WIDTH_PX, pictures.HEIGHT_PX)
    lower = Lower(folder / "lower.tflite", size_px, crowd_network.LAST_FROZEN, shown)
    store = Store(fill(plan, lower, folder), lower)
    later = mixed_anew(store, plan, options)
    tail = Training(folder, options.epochs, options.seed).run(store, later)
    network = crowd_network.whole_network(tail.keras_weights())
    spec = read_manifest(_MODELS).crowd.spec
    gain = missing(real_numbers(network), held_out, spec)
    _log.info("held out there are %.3f times as many people as were counted", gain)
    tell_left_out(real_numbers(network), [*left, *more], spec)
    network = crowd_network.whole_network(tail.more(gain).keras_weights())
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / options.name
    # Under its name there is only what has passed the check.
    candidate = path.with_suffix(".candidate.tflite")
    digest = write_int8(network, shown, candidate)
    compare(network, candidate, held_out or rows)
    candidate.replace(path)
    _log.info("wrote %s, sha256 %s", path, digest)


def mixed_anew(store: Store, plan: Sequence[Make], options: argparse.Namespace) -> list[Patched]:
    """Return what is shown in each later epoch; the command line says in how many."""
    frames = crowd_views.whole_frames(plan)
    if options.later and not frames:
        raise SystemExit("train.crowd: --later needs a fixed camera's frames with marked heads")
    draws = (np.random.default_rng((options.seed, n, 1)) for n in range(options.later))
    return [Patched(store, frames, draw) for draw in draws]


def examples(plan: Sequence[Make]) -> Any:
    """Return about 150 pictures of a plan, for the export."""
    return np.stack([make().picture for make in plan[:: max(1, len(plan) // 150)]])


def missing(run: Run, rows: Sequence[Row], spec: CrowdSpec) -> float:
    """Return how many times too few people are counted, the mean of the sources.

    Those with `_ENOUGH` pictures of crowds tell; 1 where there are none. What was not learnt from
    is counted a little low: who is half hidden is found less often than where it was.
    """
    sums: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if people_in(row) > spec.dense_from:
            sums.setdefault(row.source, []).append(_counted(row, run, spec))
    shares = [_times(its) for its in sums.values() if len(its) >= _ENOUGH]
    return min(_MOST_GAIN, max(1 / _MOST_GAIN, fmean(shares))) if shares else 1.0


def tell_left_out(run: Run, rows: Sequence[Row], spec: CrowdSpec) -> None:
    """Log how far pictures are miscounted that neither taught nor were held out."""
    cases = [_counted(row, run, spec) for row in rows]
    if cases:
        wrong = fmean(abs(counted - people) for people, counted in cases)
        told = "%s pictures left out: error %.2f people, %.3f times as many as were counted"
        _log.info(told, len(cases), wrong, _times(cases))


def compare(network: Any, path: Path, rows: Sequence[Row]) -> None:
    """Log what 8 bits cost on labelled pictures; ModelError where that is too much."""
    model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest())
    model.load()
    spec = read_manifest(_MODELS).crowd.spec
    errors = rounding.check_crowd(rows, real_numbers(network), model.run, spec)
    for source, (before, after) in errors.items():
        _log.info("%s: error %.3f people in real numbers, %.3f in 8 bits", source, before, after)


def _counted(row: Row, run: Run, spec: CrowdSpec) -> tuple[float, float]:
    """Return how many people are in a picture and how many are counted."""
    return people_in(row), count_people(load_picture(row), None, run, spec).count


def _times(cases: Sequence[tuple[float, float]]) -> float:
    return sum(people for people, _ in cases) / max(1.0, sum(counted for _, counted in cases))


def real_numbers(network: Any) -> Run:
    """Return the network as the gateway runs a model."""
    quick = tf.function(network)
    return lambda rgb: (quick(lite0.normalised(rgb[None])).numpy()[0],)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="folders with crowd/, people/, fire/, or with own frames and their counts.csv",
    )
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--name", default=NAME, help="file name of the model")
    parser.add_argument(
        "--leave-out",
        type=re.compile,
        metavar="PATTERN",
        help="pictures by their paths: never shown, told apart at the end; needs its own --cache",
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache/train"))
    parser.add_argument("--epochs", type=int, default=4)
    text = "slower epochs after them, with parts of other frames of the fixed camera put in anew"
    parser.add_argument("--later", type=int, default=0, help=text)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
