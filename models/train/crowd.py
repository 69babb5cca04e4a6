"""Trains the crowd model: `python -m models.train.crowd --data DIR --out models`.

Pictures pass the frozen lower network once (cache folder); blocks 5-10 and the head are trained.
`--data` may name several folders: lists of labelled pictures (`crowd/`, `people/`, and `fire/` for
scenes without people), or own frames with their counts in `counts.csv`.
"""

import argparse
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.manifest import read_manifest

from models.rows import Row, good_rows
from models.train import checkpoints, crowd_network, crowd_views, lite0, rounding
from models.train import crowd_pictures as pictures
from models.train.crowd_views import Make
from models.train.export import write_int8

VALIDATION = ("crowd/val.jsonl", "people/val.jsonl")
NAME = "crowd-research.tflite"
COLUMNS = ("features", "density", "peaks", "marked")
_BLOCK_CELLS = 8  # counts are compared in squares of 8 x 8 cells
_PEAK_SHARE = 0.3
_MODELS = Path(__file__).resolve().parents[1]
_log = logging.getLogger("train.crowd")


def main() -> None:
    """Cache, train, export, compare."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(options.seed)
    rows = crowd_views.labelled(options.data)
    if not rows:
        raise SystemExit("train.crowd: no folder of --data holds crowd/, people/ or counts.csv")
    plan = list(crowd_views.plan(rows, crowd_views.scenes(options.data), options.seed))
    folder = options.cache / "crowd"
    store = cached(plan, folder)
    tail = crowd_network.build_tail()
    if options.start is not None:
        crowd_network.take_over(tail, options.start)
    train(tail, store, folder, epochs=options.epochs, seed=options.seed, highest_rate=options.rate)
    network = crowd_network.whole_network(tail)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / options.name
    # Under its name there is only what has passed the check.
    candidate = path.with_suffix(".candidate.tflite")
    digest = write_int8(network, examples(plan), candidate)
    compare(network, candidate, [r for f in options.data for r in _validation(f)] or rows)
    candidate.replace(path)
    _log.info("wrote %s, sha256 %s", path, digest)


def cached(plan: Sequence[Make], folder: Path) -> dict[str, Any]:
    """Return features and maps of all views; made once, then read from `folder`."""
    if not (folder / "done.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fill_cache(plan, folder)
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS}


def examples(plan: Sequence[Make]) -> Any:
    """Return about 150 pictures of a plan, for the export."""
    return np.stack([make().picture for make in plan[:: max(1, len(plan) // 150)]])


def train(
    tail: Any,
    store: dict[str, Any],
    folder: Path,
    *,
    epochs: int,
    seed: int,
    highest_rate: float,
    batch: int = 8,
) -> None:
    """Train what is trainable with a falling rate; goes on after the last epoch in `folder`."""
    count = len(store["features"])
    steps = count // batch
    done = checkpoints.restore(tail, folder)
    warming = min(100, epochs * steps // 10)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        highest_rate / 8,
        epochs * steps - warming,
        alpha=0.02,
        warmup_target=highest_rate,
        warmup_steps=warming,
    )
    rule = tf.keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=1.0)
    rule.build(tail.trainable_variables)
    rule.iterations.assign(done * steps)
    step = _step(tail, rule)
    draw = np.random.default_rng(seed + done)
    for epoch in range(done, epochs):
        order, losses = draw.permutation(count), []
        for at in range(steps):
            chosen = np.sort(order[at * batch : (at + 1) * batch])
            losses.append(float(step(*(tf.constant(store[name][chosen]) for name in COLUMNS))))
            if at % 50 == 49:
                _log.info("epoch %s %s/%s loss %.4f", epoch, at + 1, steps, np.mean(losses[-50:]))
        checkpoints.save(tail, folder, epoch + 1)


def compare(network: Any, path: Path, rows: Sequence[Row]) -> None:
    """Log what 8 bits cost on labelled pictures; ModelError where that is too much."""
    model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest())
    model.load()

    def real(rgb: pictures.Picture) -> tuple[Any, ...]:
        return (network(lite0.normalised(rgb[None]), training=False).numpy()[0],)

    spec = read_manifest(_MODELS).crowd.spec
    for source, (before, after) in rounding.check_crowd(rows, real, model.run, spec).items():
        _log.info("%s: error %.3f people in real numbers, %.3f in 8 bits", source, before, after)


def _step(tail: Any, rule: Any) -> Callable[..., Any]:
    variables = tail.trainable_variables

    def step(features: Any, density: Any, peaks: Any, marked: Any) -> Any:
        with tf.GradientTape() as tape:
            seen = tail(tf.cast(features, tf.float32), training=True)
            loss = _loss(seen, density, tf.cast(peaks, tf.float32), marked)
        slopes = tape.gradient(loss, [v.value for v in variables])
        rule.apply(slopes, variables)
        return loss

    compiled: Callable[..., Any] = tf.function(step)
    return compiled


def _loss(seen: Any, density: Any, peaks: Any, marked: Any) -> Any:
    """Add the map's error (of roots, so that dense places do not rule), counts' and peaks' error.

    Where nobody marked the heads only the count of the whole picture speaks.
    """
    roots = seen[..., 0]
    places = tf.reduce_sum(tf.square(roots - tf.sqrt(density)), axis=(1, 2)) / 48.0
    wanted, counted = _counts(density), _counts(tf.square(roots))
    places += tf.reduce_mean(tf.abs(counted - wanted) / tf.sqrt(wanted + 0.5), axis=(1, 2, 3))
    if seen.shape[-1] > 1:
        places += _PEAK_SHARE * _peak_loss(seen[..., 1], peaks)
    whole, found = tf.reduce_sum(wanted, axis=(1, 2, 3)), tf.reduce_sum(counted, axis=(1, 2, 3))
    total = tf.abs(found - whole) / (whole + 4.0)
    return tf.reduce_mean(marked * places + 0.5 * total)


def _peak_loss(seen: Any, wanted: Any) -> Any:
    """Return the focal loss of a map of heads (Zhou et al. 2019, Objects as Points, eq. 1)."""
    sure = tf.clip_by_value(seen, 1e-4, 1.0 - 1e-4)
    heads = tf.cast(wanted > 0.999, tf.float32)
    hit = heads * tf.square(1.0 - sure) * tf.math.log(sure)
    miss = (1.0 - heads) * (1.0 - wanted) ** 4 * tf.square(sure) * tf.math.log(1.0 - sure)
    count = tf.reduce_sum(heads, axis=(1, 2))
    return -tf.reduce_sum(hit + miss, axis=(1, 2)) / (count + 1.0)


def _counts(density: Any) -> Any:
    squares = tf.nn.avg_pool2d(density[..., None], _BLOCK_CELLS, _BLOCK_CELLS, "VALID")
    return squares * float(_BLOCK_CELLS**2)


def _fill_cache(plan: Sequence[Make], folder: Path) -> None:
    features_of = tf.function(crowd_network.build_lower())
    store = np.lib.format.open_memmap(
        folder / "features.npy", "w+", np.float16, (len(plan), *crowd_network.FEATURES)
    )
    kept: dict[str, list[Any]] = {"density": [], "peaks": [], "marked": []}
    for at in range(0, len(plan), 16):
        samples = [make() for make in plan[at : at + 16]]
        stacked = np.stack([sample.picture for sample in samples])
        store[at : at + len(samples)] = features_of(lite0.normalised(stacked)).numpy()
        kept["density"] += [sample.density for sample in samples]
        kept["peaks"] += [sample.peaks.astype(np.float16) for sample in samples]
        kept["marked"] += [np.float32(sample.marked) for sample in samples]
        if at % 512 == 0:
            _log.info("cached %s of %s views", at, len(plan))
    store.flush()
    for name, column in kept.items():
        np.save(folder / f"{name}.npy", np.stack(column))
    (folder / "done.json").write_text(json.dumps({"views": len(plan)}))


def _validation(folder: Path) -> list[Row]:
    lists = [folder / name for name in VALIDATION]
    return [row for path in lists if path.is_file() for row in good_rows(path)]


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
    parser.add_argument("--cache", type=Path, default=Path(".cache/train"))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=8e-4, help="the highest rate of learning")
    parser.add_argument(
        "--start", type=Path, help="begin with an earlier training's epoch.weights.h5"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
