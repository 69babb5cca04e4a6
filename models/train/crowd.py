"""Trains the crowd model: `python -m models.train.crowd --data DIR --out models`.

Pictures pass the frozen lower network once (cache folder); blocks 5-10 and the head are trained.
"""

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models.rows import Row, good_rows
from models.train import checkpoints, lite0
from models.train import crowd_pictures as pictures
from models.train.export import write_int8

LAST_FROZEN = 4
LAST_BLOCK = 10
FEATURES = (pictures.ROWS, pictures.COLUMNS, 40)
_BLOCK_CELLS = 8  # counts are compared in squares of 8 x 8 cells
_WITHOUT_PEOPLE = {"weather-web", "ships-sea", "car-park-cam", "kaggle-fire"}
_log = logging.getLogger("train.crowd")


def main() -> None:
    """Cache, train, export."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(options.seed)
    plan = list(_plan(options.data, options.seed))
    store = cached(plan, options.cache / "crowd")
    tail = build_tail()
    train(tail, store, options.cache / "crowd", epochs=options.epochs, seed=options.seed)
    network = whole_network(tail)
    examples = np.stack([make().picture for make in plan[:: max(1, len(plan) // 150)]])
    options.out.mkdir(parents=True, exist_ok=True)
    digest = write_int8(network, examples, options.out / "crowd.tflite")
    _log.info("wrote %s, sha256 %s", options.out / "crowd.tflite", digest)


def cached(plan: list[Callable[[], pictures.Sample]], folder: Path) -> dict[str, Any]:
    """Return features and densities of all views; made once, then read from `folder`."""
    if not (folder / "done.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fill_cache(plan, folder)
    return {
        name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "density")
    }


def build_tail() -> Any:
    """Return the trained part: features (48, 64, 40) -> square root of people per cell."""
    features = tf.keras.Input(FEATURES)
    tail = tf.keras.Model(features, _top(features), name="tail")
    lite0.load_imagenet(tail)
    return tail


def whole_network(tail: Any) -> Any:
    """Return picture (384, 512, 3) -> (48, 64, 1), in one network."""
    picture = tf.keras.Input((pictures.HEIGHT_PX, pictures.WIDTH_PX, 3), batch_size=1)
    features = lite0.body(lite0.stem(picture), 0, LAST_FROZEN)
    network = tf.keras.Model(picture, _top(features))
    lite0.load_imagenet(network)
    for layer in tail.layers:
        if layer.get_weights():
            network.get_layer(layer.name).set_weights(layer.get_weights())
    return network


def train(
    tail: Any, store: dict[str, Any], folder: Path, *, epochs: int, seed: int, batch: int = 8
) -> None:
    """Train all of the tail with a falling rate; goes on after the last epoch kept in `folder`."""
    count = len(store["features"])
    steps = count // batch
    done = checkpoints.restore(tail, folder)
    rate = tf.keras.optimizers.schedules.CosineDecay(
        1e-4, epochs * steps - 100, alpha=0.02, warmup_target=8e-4, warmup_steps=100
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
            part = [tf.constant(store[name][chosen]) for name in ("features", "density")]
            losses.append(float(step(*part)))
            if at % 50 == 49:
                _log.info("epoch %s %s/%s loss %.4f", epoch, at + 1, steps, np.mean(losses[-50:]))
        checkpoints.save(tail, folder, epoch + 1)


def _top(features: Any) -> Any:
    layers = tf.keras.layers
    deep = lite0.body(features, LAST_FROZEN + 1, LAST_BLOCK)
    deep = layers.ReLU(6.0)(layers.Conv2D(64, 1, name="out_deep")(deep))
    deep = layers.UpSampling2D(2, interpolation="bilinear")(deep)
    near = layers.ReLU(6.0)(layers.Conv2D(32, 1, name="out_near")(features))
    both = layers.Concatenate()([deep, near])
    both = layers.DepthwiseConv2D(3, padding="same", name="out_mix_depthwise")(both)
    both = layers.ReLU(6.0)(layers.Conv2D(64, 1, name="out_mix")(both))
    both = layers.DepthwiseConv2D(3, padding="same", name="out_fine_depthwise")(both)
    both = layers.ReLU(6.0)(layers.Conv2D(48, 1, name="out_fine")(both))
    start = tf.keras.initializers.Constant(0.05)
    return layers.ReLU()(layers.Conv2D(1, 1, bias_initializer=start, name="out_root")(both))


def _step(tail: Any, rule: Any) -> Callable[..., Any]:
    variables = tail.trainable_variables

    def step(features: Any, density: Any) -> Any:
        with tf.GradientTape() as tape:
            roots = tail(tf.cast(features, tf.float32), training=True)[..., 0]
            loss = _loss(roots, density)
        slopes = tape.gradient(loss, [v.value for v in variables])
        rule.apply(slopes, variables)
        return loss

    compiled: Callable[..., Any] = tf.function(step)
    return compiled


def _loss(roots: Any, density: Any) -> Any:
    """Add the map's error (of roots, so that dense places do not rule) and the counts' error."""
    shape = tf.reduce_sum(tf.square(roots - tf.sqrt(density)), axis=(1, 2)) / 48.0
    wanted, counted = _counts(density), _counts(tf.square(roots))
    count = tf.reduce_mean(tf.abs(counted - wanted) / tf.sqrt(wanted + 0.5), axis=(1, 2, 3))
    whole, seen = tf.reduce_sum(wanted, axis=(1, 2, 3)), tf.reduce_sum(counted, axis=(1, 2, 3))
    total = tf.abs(seen - whole) / (whole + 4.0)
    return tf.reduce_mean(shape + count + 0.3 * total)


def _counts(density: Any) -> Any:
    squares = tf.nn.avg_pool2d(density[..., None], _BLOCK_CELLS, _BLOCK_CELLS, "VALID")
    return squares * float(_BLOCK_CELLS**2)


def _fill_cache(plan: list[Callable[[], pictures.Sample]], folder: Path) -> None:
    picture = tf.keras.Input((pictures.HEIGHT_PX, pictures.WIDTH_PX, 3))
    lower = tf.keras.Model(picture, lite0.body(lite0.stem(picture), 0, LAST_FROZEN))
    lite0.load_imagenet(lower)
    features_of = tf.function(lower)
    store = np.lib.format.open_memmap(
        folder / "features.npy", "w+", np.float16, (len(plan), *FEATURES)
    )
    densities = []
    for at in range(0, len(plan), 16):
        samples = [make() for make in plan[at : at + 16]]
        stacked = np.stack([sample.picture for sample in samples])
        store[at : at + len(samples)] = features_of(lite0.normalised(stacked)).numpy()
        densities += [sample.density for sample in samples]
        if at % 512 == 0:
            _log.info("cached %s of %s views", at, len(plan))
    store.flush()
    np.save(folder / "density.npy", np.stack(densities))
    (folder / "done.json").write_text(json.dumps({"views": len(plan)}))


def _plan(data: Path, seed: int) -> Iterator[Callable[[], pictures.Sample]]:
    """Yield one maker per view; each draws from its own seed, so the order does not matter."""
    rows = good_rows(data / "crowd" / "train.jsonl") + good_rows(data / "people" / "train.jsonl")
    fires = [r for name in ("train", "train2") for r in good_rows(data / "fire" / f"{name}.jsonl")]
    empty = [r for r in fires if r.source in _WITHOUT_PEOPLE and "normal" in r.labels]
    number = seed * 1_000_000

    def drawn() -> np.random.Generator:
        nonlocal number
        number += 1
        return np.random.default_rng(number)

    # repeats and the range of scales (512 x 384 pixels per picture pixel) by source
    table = {"mall": (2, 0.45, 1.6), "shanghaitech-a": (5, 0.7, 2.2), "ucf-cc-50": (8, 0.5, 1.5)}
    for row in rows:
        if row.source in table:
            repeats, least, most = table[row.source]
            yield _whole(row)
            for _ in range(repeats):
                yield _scaled(row, drawn(), least, most)
    for row in empty:
        yield _whole(row)
        yield _scaled(row, drawn(), 0.6, 2.0)
    bodies = [pictures.people_of(row) for row in rows if row.boxes is not None]
    for row in (r for r in rows if r.boxes is not None):
        yield _scaled(row, drawn(), 0.3, 1.0)
    for _ in range(1300):
        draw = drawn()
        yield _street(bodies, empty[int(draw.integers(len(empty)))], draw)


def _whole(row: Row) -> Callable[[], pictures.Sample]:
    return lambda: pictures.plain(_people(row))


def _scaled(
    row: Row, draw: np.random.Generator, least: float, most: float
) -> Callable[[], pictures.Sample]:
    return lambda: pictures.scaled(_people(row), draw, least, most)


def _street(
    bodies: list[pictures.People], empty: Row, draw: np.random.Generator
) -> Callable[[], pictures.Sample]:
    return lambda: pictures.street(bodies, _people(empty), draw)


def _people(row: Row) -> pictures.People:
    return pictures.people_of(row)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with fire/, crowd/, people/"
    )
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--cache", type=Path, default=Path(".cache/train"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
