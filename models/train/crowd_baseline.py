"""Makes the crowd model's baseline: ImageNet features as they are and a density head.

`python -m models.train.crowd_baseline --data DIR --out FILE.tflite`, for `models/evaluate.py crowd
--baseline FILE.tflite`. Whole pictures of the same lists, no windows, no composites.
"""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models.train import crowd_network, crowd_views, lite0
from models.train.crowd_pictures import Sample
from models.train.export import write_int8

_EPOCHS, _BATCH, _WARM_STEPS, _RATE = 12, 8, 100, 2e-3
_SCENES = 73  # as many as the baseline on record saw
_BLOCK_CELLS = 8  # counts are compared in squares of 8 x 8 cells
_log = logging.getLogger("train.crowd_baseline")


def main() -> None:
    """Look at every picture once, train the head, export."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(1)
    empty = crowd_views.scenes([options.data])
    chosen = empty[:: max(1, len(empty) // _SCENES)][:_SCENES]
    plan = crowd_views.plain_plan(crowd_views.labelled([options.data]), chosen)
    samples = [make() for make in plan]
    _log.info("looking at %s pictures", len(samples))
    network = _network(samples)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    shown = np.stack([s.picture for s in samples[:: max(1, len(samples) // 150)]])
    digest = write_int8(network, shown, options.out)
    _log.info("wrote %s, sha256 %s", options.out, digest)


def _network(samples: Sequence[Sample]) -> Any:
    features = tf.keras.Input(
        (*samples[0].density.shape, lite0.blocks()[crowd_network.LAST_FROZEN].outputs)
    )
    tail = tf.keras.Model(features, crowd_network.top(features, peaks=False))
    lite0.load_imagenet(tail)
    for layer in tail.layers:
        layer.trainable = layer.name.startswith("out_")
    _train(tail, samples)
    return crowd_network.whole_network(
        {layer.name: layer.get_weights() for layer in tail.layers if layer.get_weights()},
        peaks=False,
    )


def _features(samples: Sequence[Sample]) -> Any:
    """Return what blocks 0-4 see, (n, 48, 64, 40)."""
    whole = crowd_network.whole_network({}, peaks=False)
    lower = tf.function(tf.keras.Model(whole.input, whole.get_layer("out_near").input))
    return np.concatenate([lower(lite0.normalised(s.picture[None])).numpy() for s in samples])


def _train(tail: Any, samples: Sequence[Sample]) -> None:
    """Train what is trainable with a falling rate."""
    features, density = _features(samples), np.stack([s.density for s in samples])
    steps = len(samples) // _BATCH
    rate = tf.keras.optimizers.schedules.CosineDecay(
        _RATE / 8,
        _EPOCHS * steps - _WARM_STEPS,
        alpha=0.02,
        warmup_target=_RATE,
        warmup_steps=_WARM_STEPS,
    )
    rule = tf.keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=1.0)
    rule.build(tail.trainable_variables)
    step = _step(tail, rule)
    draw = np.random.default_rng(1)
    for epoch in range(_EPOCHS):
        order, losses = draw.permutation(len(samples)), []
        for at in range(steps):
            chosen = np.sort(order[at * _BATCH : (at + 1) * _BATCH])
            losses.append(float(step(tf.constant(features[chosen]), tf.constant(density[chosen]))))
        _log.info("epoch %s loss %.4f", epoch, np.mean(losses))


def _step(tail: Any, rule: Any) -> Callable[..., Any]:
    variables = tail.trainable_variables

    def step(features: Any, density: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _loss(tail(features, training=True)[..., 0], density)
        slopes = tape.gradient(loss, [v.value for v in variables])
        rule.apply(slopes, variables)
        return loss

    compiled: Callable[..., Any] = tf.function(step)
    return compiled


def _loss(roots: Any, density: Any) -> Any:
    """Add the map's error (of roots, so that dense places do not rule) and that of counts."""
    places = tf.reduce_sum(tf.square(roots - tf.sqrt(density)), axis=(1, 2)) / 48.0
    wanted, counted = _counts(density), _counts(tf.square(roots))
    places += tf.reduce_mean(tf.abs(counted - wanted) / tf.sqrt(wanted + 0.5), axis=(1, 2, 3))
    whole, found = tf.reduce_sum(wanted, axis=(1, 2, 3)), tf.reduce_sum(counted, axis=(1, 2, 3))
    return tf.reduce_mean(places + 0.5 * tf.abs(found - whole) / (whole + 4.0))


def _counts(density: Any) -> Any:
    squares = tf.nn.avg_pool2d(density[..., None], _BLOCK_CELLS, _BLOCK_CELLS, "VALID")
    return squares * float(_BLOCK_CELLS**2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with crowd/, people/, fire/"
    )
    parser.add_argument("--out", type=Path, required=True, help="the .tflite file to write")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
