"""Trains the fire and smoke model: `python -m models.train.fire --data DIR --out models`.

Pictures pass the frozen lower network once (cache folder); the tail and the heads are trained.
"""

import argparse
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from haidang_gateway.vision.interpreter import Model

from models.rows import Row, good_rows, load_picture
from models.train import checkpoints, lite0, rounding
from models.train import fire_fakes as fakes
from models.train import fire_pictures as pictures
from models.train.export import write_int8

LAST_FROZEN = 10  # blocks 0..10 stay as ImageNet left them
FEATURES = (14, 14, 112)
LISTS = ("train", "train2")
VALIDATION = ("val", "val2")
COLUMNS = ("features", "label", "label_weight", "cells", "cells_weight")
Make = Callable[[], pictures.Sample]
_CELL_SHARE = 0.5  # weight of the cell map in the loss
_STREETS = {
    "hcmc-street-cam",
    "car-park-cam",
    "vehicles-openimages",
    "penn-fudan",
    "mall",
    "fire-8",
}
_OPEN_LICENCES = {"fire-8", "sath-fire-smoke", "hcmc-street-cam", "car-park-cam", "ships-sea"}
_log = logging.getLogger("train.fire")


def main() -> None:
    """Cache, train, export."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(options.seed)
    rows = [row for name in LISTS for row in good_rows(options.data / "fire" / f"{name}.jsonl")]
    if options.open_licences_only:
        rows = [row for row in rows if row.source in _OPEN_LICENCES]
    cache = options.cache / _variant(options)
    plans = _plans(rows, options.seed, composites=not options.without_composites)
    store = joined([cached(plan, cache / name) for name, plan in plans.items()])
    tail = build_tail()
    train(tail, store, cache, epochs=options.epochs, seed=options.seed)
    network = whole_network(tail)
    examples = np.stack([_plain_picture(row) for row in rows[:: max(1, len(rows) // 300)]])
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "fire.tflite"
    # Under its name there is only what has passed the check.
    candidate = path.with_suffix(".candidate.tflite")
    digest = write_int8(network, examples, candidate)
    compare(network, candidate, options.data / "fire")
    candidate.replace(path)
    _log.info("wrote %s, sha256 %s", path, digest)


def compare(network: Any, path: Path, lists: Path) -> None:
    """Log what 8 bits cost on the validation lists; ModelError where that is too much."""
    model = Model(path, hashlib.sha256(path.read_bytes()).hexdigest())
    model.load()

    def real(rgb: pictures.Picture) -> tuple[Any, ...]:
        outputs = network(lite0.normalised(rgb[None]), training=False)
        return tuple(output.numpy()[0] for output in outputs)

    judges = [rounding.judge_of(run, pictures.SIDE_PX) for run in (real, model.run)]
    for name in VALIDATION:
        before, after = rounding.check(good_rows(lists / f"{name}.jsonl"), *judges)
        _log.info("%s: AP of an alarm %.4f in real numbers, %.4f in 8 bits", name, before, after)


def cached(plan: list[Make], folder: Path) -> dict[str, Any]:
    """Return features and targets of all views of a plan; made once, then read from `folder`."""
    if not (folder / "done.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fill_cache(plan, folder)
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS}


def joined(stores: list[dict[str, Any]]) -> dict[str, Any]:
    """Put several caches behind one another, in memory."""
    return {name: np.concatenate([store[name] for store in stores]) for name in COLUMNS}


def build_tail() -> Any:
    """Return the trained part: features -> 2 picture logits and 7 x 7 x 2 cell logits."""
    features = tf.keras.Input(FEATURES)
    tail = tf.keras.Model(features, _top(features), name="tail")
    lite0.load_imagenet(tail)
    return tail


def whole_network(tail: Any) -> Any:
    """Return picture (224, 224, 3) -> the tail's outputs, in one network."""
    picture = tf.keras.Input((pictures.SIDE_PX, pictures.SIDE_PX, 3), batch_size=1)
    features = lite0.body(lite0.stem(picture), 0, LAST_FROZEN)
    network = tf.keras.Model(picture, _top(features))
    lite0.load_imagenet(network)
    for layer in tail.layers:
        if layer.get_weights():
            network.get_layer(layer.name).set_weights(layer.get_weights())
    return network


def train(
    tail: Any, store: dict[str, Any], folder: Path, *, epochs: int, seed: int, batch: int = 48
) -> None:
    """Train the heads for one epoch, then heads and tail together with a falling rate.

    Goes on after the last epoch kept in `folder`.
    """
    count = len(store["features"])
    steps = count // batch
    heads = [v for v in tail.trainable_variables if v.path.startswith("out_")]
    done = checkpoints.restore(tail, folder)
    phases = ((0, 1, heads, 1e-3), (done, epochs, tail.trainable_variables, 3e-4))
    draw = np.random.default_rng(seed + done)
    for number, (first, length, variables, rate) in enumerate(phases[int(done > 0) :]):
        fall = tf.keras.optimizers.schedules.CosineDecay(rate, length * steps, alpha=0.02)
        rule = tf.keras.optimizers.AdamW(fall, weight_decay=1e-3, clipnorm=1.0)
        rule.build(variables)
        rule.iterations.assign(first * steps)
        step = _step(tail, rule, variables)
        for epoch in range(first, length):
            order, losses = draw.permutation(count), []
            for at in range(steps):
                chosen = np.sort(order[at * batch : (at + 1) * batch])
                losses.append(float(step(*(_part(store[name], chosen) for name in store))))
                if at % 50 == 49:
                    _log.info("part %s epoch %s %s/%s loss %.4f", number, epoch, at + 1, steps,
                              np.mean(losses[-50:]))  # fmt: skip
            if variables is not heads:
                checkpoints.save(tail, folder, epoch + 1)


def _top(features: Any) -> Any:
    layers = tf.keras.layers
    deep = lite0.head(lite0.body(features, LAST_FROZEN + 1, lite0.BLOCKS - 1))
    hidden = layers.Conv2D(128, 1, name="out_hidden")(deep)
    hidden = layers.ReLU(6.0)(hidden)
    cells = layers.Conv2D(2, 1, name="out_cells")(hidden)
    whole = layers.GlobalAveragePooling2D()(deep)
    strongest = layers.GlobalMaxPooling2D()(hidden)
    both = layers.Concatenate()([whole, strongest])
    return [layers.Dense(2, name="out_picture")(both), cells]


def _step(tail: Any, rule: Any, variables: Any) -> Callable[..., Any]:
    def step(features: Any, label: Any, label_weight: Any, cells: Any, cells_weight: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            logits, cell_logits = tail(tf.cast(features, tf.float32), training=True)
            smooth = label * 0.96 + 0.02
            loss = _masked(smooth, logits, label_weight)
            loss += _CELL_SHARE * _masked(cells, cell_logits, cells_weight)
        slopes = tape.gradient(loss, [v.value for v in variables])
        rule.apply(slopes, variables)
        return loss

    compiled: Callable[..., Any] = tf.function(step)
    return compiled


def _masked(truth: Any, logits: Any, weight: Any) -> Any:
    each = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    return tf.reduce_sum(each * weight) / (tf.reduce_sum(weight) + 1e-6)


def _part(column: Any, chosen: Any) -> Any:
    return tf.constant(column[chosen])


def _fill_cache(plan: list[Make], folder: Path) -> None:
    """Write every view's features and targets as .npy files, one batch at a time."""
    picture = tf.keras.Input((pictures.SIDE_PX, pictures.SIDE_PX, 3))
    lower = tf.keras.Model(picture, lite0.body(lite0.stem(picture), 0, LAST_FROZEN))
    lite0.load_imagenet(lower)
    features_of = tf.function(lower)
    store = np.lib.format.open_memmap(
        folder / "features.npy", "w+", np.float16, (len(plan), *FEATURES)
    )
    targets: dict[str, list[Any]] = {
        n: [] for n in ("label", "label_weight", "cells", "cells_weight")
    }
    for at in range(0, len(plan), 64):
        samples = [make() for make in plan[at : at + 64]]
        stacked = np.stack([sample.picture for sample in samples])
        store[at : at + len(samples)] = features_of(lite0.normalised(stacked)).numpy()
        for name, column in targets.items():
            column.extend(getattr(sample, name) for sample in samples)
        if at % 1024 == 0:
            _log.info("cached %s of %s views", at, len(plan))
    store.flush()
    for name, column in targets.items():
        np.save(folder / f"{name}.npy", np.stack(column))
    (folder / "done.json").write_text(json.dumps({"views": len(plan)}))


def _plans(rows: list[Row], seed: int, *, composites: bool) -> dict[str, list[Make]]:
    """Return the views to make, in two caches; each view draws from a seed of its own."""
    normal = [row for row in rows if not row.labels & set(pictures.KINDS)]
    later = _Later(seed * 1_000_000)
    plans = {"views": list(_views(rows, normal, later, seed))}
    if composites:
        plans["views"] += _composites(rows, normal, later, seed)
    cloths = _Later(seed * 1_000_000 + 500_000)
    plans["cloths"] = [cloths(partial(fakes.clothed, burning=False), row) for row in normal]
    if composites:
        streets = [row for row in normal if row.source in _STREETS]
        plans["cloths"] += [cloths(partial(fakes.clothed, burning=True), row) for row in streets]
    return plans


class _Later:
    """Makes view makers; every one gets the next seed."""

    def __init__(self, first: int) -> None:
        self._number = first

    def __call__(self, make: Callable[..., pictures.Sample], *rows: Row) -> Make:
        self._number += 1
        draw = np.random.default_rng(self._number)
        return lambda: make(*(pictures.scene_of(row) for row in rows), draw)


def _views(rows: list[Row], normal: list[Row], later: _Later, seed: int) -> Iterator[Make]:
    pick = np.random.default_rng(seed)
    for row in rows:
        yield later(lambda scene, _: pictures.plain(scene), row)
        for _ in range(3):
            yield later(pictures.cropped, row)
    for row in rows[::2]:
        others = [rows[int(i)] for i in pick.integers(len(rows), size=3)]
        yield later(lambda a, b, c, d, draw: pictures.mosaic([a, b, c, d], draw), row, *others)
    for row in normal:
        yield later(fakes.trapped, row)


def _composites(rows: list[Row], normal: list[Row], later: _Later, seed: int) -> Iterator[Make]:
    """Yield normal scenes with rendered and with pasted fires."""
    pick = np.random.default_rng(seed + 1)
    cuttable = [row for row in rows if row.boxes and any(k == "fire" for k, _ in row.boxes)]
    for row in [row for row in normal if row.source in _STREETS] * 2:
        yield later(fakes.rendered, row)
    for row in normal:
        yield later(fakes.pasted, row, cuttable[int(pick.integers(len(cuttable)))])


def _variant(options: argparse.Namespace) -> str:
    """Name the cache folder: other pictures, other folder."""
    name = "fire-plain" if options.without_composites else "fire"
    return name + ("-open" if options.open_licences_only else "")


def _plain_picture(row: Row) -> Any:
    return pictures.resized(load_picture(row), pictures.SIDE_PX, pictures.SIDE_PX)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with fire/, crowd/, people/"
    )
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/train"))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-composites", action="store_true", help="for comparison only")
    parser.add_argument(
        "--open-licences-only", action="store_true", help="leave out sources without CC BY licence"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
