"""Trains the fire and smoke model: `python -m models.train.fire --data DIR --out models`.

`fire.tflite` learns from openly licensed sources alone; with `--research` it learns on from all
sources into `fire-research.tflite`. Views of every picture pass the frozen lower network once
(cache folder), the rest is trained on them. Thresholds are chosen on clips and cameras cut out of
the training lists, never on the validation lists. A stopped run goes on from its last epoch.
`--second-epochs` adds a stage of thin smoke and nights, which the shipped files have not seen.
"""

import argparse
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import read_manifest
from haidang_gateway.vision.second_look import SecondLook

from models.rows import Row, good_rows, load_picture
from models.train import fire_choice as choice
from models.train import fire_pictures as pictures
from models.train import fire_second as second
from models.train import fire_views as plans
from models.train import lite0, rounding
from models.train.export import write_int8
from models.train.fire_network import LAST_FROZEN, FireNetwork, keras_network
from models.train.fire_store import Store, fill
from models.train.fire_training import Training, halfway, losses
from models.train.lower import Lower

LISTS = ("train", "train2")
VALIDATION = ("val", "val2")
_MODELS = Path(__file__).resolve().parents[1]
_STRETCHED = 2.0  # smoothed labels press all that burns between .96 and .99
_EXAMPLES = 200  # pictures to measure the ranges for 8 bits
_log = logging.getLogger("train.fire")


def main() -> None:
    """Cache, train, choose, export."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    lists = options.data / "fire"
    name = "fire-research" if options.research else "fire"
    # What is exported is checked and given thresholds as it will be used, with its second look.
    look = read_manifest(_MODELS, name).fire.second_look
    learnt, held = plans.held_out([r for n in LISTS for r in good_rows(lists / f"{n}.jsonl")])
    free, held_free = _open(learnt), _open(held)
    _log.info("%s pictures to train on, %s of them openly licensed; %s and %s held out",
              len(learnt), len(free), len(held), len(held_free))  # fmt: skip
    folder = options.cache / "fire"
    folder.mkdir(parents=True, exist_ok=True)
    examples = np.stack([plain_picture(row) for row in free[:: max(1, len(free) // _EXAMPLES)]])
    size_px = (pictures.SIDE_PX, pictures.SIDE_PX)
    lower = Lower(folder / "lower.tflite", size_px, LAST_FROZEN, examples)
    pieces = fill(plans.views(free, free, options.seed), lower, folder / "open")
    judge = choice.Judge(lower, held_free)
    training = Training(folder / "open-tail", options.epochs, options.seed)
    network = training.run(lambda: Store(pieces, lower), judge)
    if options.second_epochs:
        network = _second_stage(options, network, free, pieces=pieces, lower=lower, judge=judge)
    if options.research:
        rest = [row for row in learnt if row.source not in plans.OPEN_LICENCES]
        more = fill(plans.views(rest, learnt, options.seed + 1), lower, folder / "research")
        every_other = {piece: slice(None, None, 2) for piece in pieces}
        judge = choice.Judge(lower, held)
        training = Training(folder / "research-tail", options.research_epochs, options.seed)
        training.start_from(network)
        network = training.run(lambda: Store(more, lower, some=every_other), judge)
    export(network, judge, examples, options.out / f"{name}.tflite", lists, second=look)


def export(
    network: FireNetwork,
    judge: choice.Judge,
    examples: Any,
    path: Path,
    lists: Path,
    *,
    second: SecondLook | None,
) -> None:
    """Write the int8 file and print its SHA-256 and thresholds; ModelError if 8 bits cost much."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network.stretch(judge.edges(network), _STRETCHED, choice.MIDDLE)
    keras = keras_network(network.keras_weights(), pictures.SIDE_PX)
    # Under its name there is only what has passed the check.
    candidate = path.with_suffix(".candidate.tflite")
    digest = write_int8(keras, examples, candidate)
    whole = _compare(keras, candidate, lists, second)
    candidate.replace(path)
    print(json.dumps({"sha256": digest, **judge.thresholds(whole)}))


def _second_stage(
    options: argparse.Namespace,
    first: FireNetwork,
    rows: list[Row],
    *,
    pieces: list[Path],
    lower: Lower,
    judge: choice.Judge,
) -> FireNetwork:
    """Learn on with thin smoke, nights and what `first` has hard; return the mean of both."""
    folder = options.cache / "fire"
    plan = plans.views(rows, rows, options.seed)
    harder = fill(second.views(rows, options.seed + 2), lower, folder / "open-second")

    def opened() -> Store:
        some = second.thinned(plan, pieces)
        some = second.weighed(some, losses(first, Store([], lower, some=some)))
        return Store(harder, lower, some=some)

    training = Training(folder / "open-second-tail", options.second_epochs, options.seed)
    training.start_from(first)
    # What it learns anew it pays for with what it knew: the mean keeps most of both.
    return halfway(first, training.run(opened, judge))


def plain_picture(row: Row) -> pictures.Picture:
    """Return the whole picture at the network's size."""
    return pictures.resized(load_picture(row), pictures.SIDE_PX, pictures.SIDE_PX)


def _compare(network: Any, path: Path, lists: Path, second: SecondLook | None) -> rounding.Judge:
    """Log what 8 bits cost on the validation lists; return the judge in 8 bits."""
    model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest())
    model.load()

    compiled = tf.function(network)

    def real(rgb: pictures.Picture) -> tuple[Any, ...]:
        outputs = compiled(lite0.normalised(rgb[None]), training=False)
        return tuple(output.numpy()[0] for output in outputs)

    judges = [rounding.judge_of(run, pictures.SIDE_PX, second) for run in (real, model.run)]
    for name in VALIDATION:
        before, after = rounding.check(good_rows(lists / f"{name}.jsonl"), *judges)
        _log.info("%s: AP of an alarm %.4f in real numbers, %.4f in 8 bits", name, before, after)
    return judges[1]


def _open(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.source in plans.OPEN_LICENCES]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with fire/ and people/")
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/train"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--second-epochs", type=int, default=0, help="of thin smoke and nights; the card tells"
    )
    parser.add_argument("--research-epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--research", action="store_true", help="learn on from sources without a clear licence"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
