"""The crowd model's network: Lite0 up to block 10 and a joint head at stride 8."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from models.train import crowd_pictures as pictures
from models.train import lite0

LAST_FROZEN = 4
LAST_BLOCK = 10
_LAST_KEPT = 7  # by a training that goes on from an earlier one
FEATURES = (pictures.ROWS, pictures.COLUMNS, 40)
_RARE = -2.5  # at the start a cell is thought to hold a head in one of thirteen cases


def build_tail(*, peaks: bool = True) -> Any:
    """Return the trained part: features (48, 64, 40) -> (48, 64, 2).

    Channel 0 is the square root of people per cell, channel 1 how surely a head's middle lies in
    the cell; without `peaks` there is channel 0 alone.
    """
    features = tf.keras.Input(FEATURES)
    tail = tf.keras.Model(features, _top(features, peaks), name="tail")
    lite0.load_imagenet(tail)
    return tail


def build_lower() -> Any:
    """Return the frozen part: pictures (n, 384, 512, 3) -> features."""
    picture = tf.keras.Input((pictures.HEIGHT_PX, pictures.WIDTH_PX, 3))
    lower = tf.keras.Model(picture, lite0.body(lite0.stem(picture), 0, LAST_FROZEN))
    lite0.load_imagenet(lower)
    return lower


def whole_network(tail: Any) -> Any:
    """Return picture (384, 512, 3) -> the tail's output, in one network."""
    picture = tf.keras.Input((pictures.HEIGHT_PX, pictures.WIDTH_PX, 3), batch_size=1)
    features = lite0.body(lite0.stem(picture), 0, LAST_FROZEN)
    network = tf.keras.Model(picture, _top(features, tail.output_shape[-1] == 2))
    lite0.load_imagenet(network)
    for layer in tail.layers:
        if layer.get_weights():
            network.get_layer(layer.name).set_weights(layer.get_weights())
    return network


def take_over(tail: Any, weights: Path) -> None:
    """Go on from what an earlier training of a tail without peaks kept.

    Its lower blocks know people by now and stay: a third of the time is saved.
    """
    before = build_tail(peaks=False)
    before.load_weights(weights)
    lite0.fill(tail, {x.name: x.get_weights() for x in before.layers if x.get_weights()})
    lower = tuple(f"b{number}_" for number in range(LAST_FROZEN + 1, _LAST_KEPT + 1))
    for layer in tail.layers:
        layer.trainable = not layer.name.startswith(lower)


def _top(features: Any, peaks: bool) -> Any:
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
    roots = layers.ReLU()(layers.Conv2D(1, 1, bias_initializer=start, name="out_root")(both))
    if not peaks:
        return roots
    seldom = tf.keras.initializers.Constant(_RARE)
    heads = layers.Conv2D(1, 1, bias_initializer=seldom, activation="sigmoid", name="out_peak")(
        both
    )
    return layers.Concatenate()([roots, heads])
