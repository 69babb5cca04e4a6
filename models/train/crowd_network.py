"""The crowd model's network: Lite0 up to block 10 and a joint head at stride 8."""

from typing import Any

import tensorflow as tf
import torch
from torch import nn
from torch.nn import functional

from models.train import crowd_pictures as pictures
from models.train import lite0
from models.train.torch_blocks import Blocks

LAST_FROZEN = 4
LAST_BLOCK = 10
_DEEP, _NEAR, _MIX, _FINE = 64, 32, 64, 48
_START = 0.05  # the root of people in a cell, before anything is learnt
_RARE = -2.5  # at the start a cell is thought to hold a head in one of thirteen cases


class Tail(Blocks):
    """The trained part: features (n, 40, 48, 64) -> two fields (n, 48, 64).

    The first is the square root of people per cell (below 0: none), the second the logit of how
    surely a head's middle lies in the cell.
    """

    def __init__(self) -> None:
        """Begin with ImageNet's weights."""
        super().__init__()
        for number in range(LAST_FROZEN + 1, LAST_BLOCK + 1):
            self.add_block(number)
        deep, near = (lite0.blocks()[number].outputs for number in (LAST_BLOCK, LAST_FROZEN))
        self.layers["out_deep"] = nn.Conv2d(deep, _DEEP, 1)
        self.layers["out_near"] = nn.Conv2d(near, _NEAR, 1)
        self.add_depthwise("out_mix_depthwise", _DEEP + _NEAR, 3)
        self.layers["out_mix"] = nn.Conv2d(_DEEP + _NEAR, _MIX, 1)
        self.add_depthwise("out_fine_depthwise", _MIX, 3)
        self.layers["out_fine"] = nn.Conv2d(_MIX, _FINE, 1)
        self.layers["out_root"] = nn.Conv2d(_FINE, 1, 1)
        self.layers["out_peak"] = nn.Conv2d(_FINE, 1, 1)
        nn.init.constant_(self.layers["out_root"].bias, _START)
        nn.init.constant_(self.layers["out_peak"].bias, _RARE)
        self.fill(lite0.imagenet())

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        deep = features
        for number in range(LAST_FROZEN + 1, LAST_BLOCK + 1):
            deep = self.block(number, deep)
        deep = functional.relu6(self.layers["out_deep"](deep))
        deep = functional.interpolate(deep, scale_factor=2, mode="bilinear")
        near = functional.relu6(self.layers["out_near"](features))
        both = torch.cat([deep, near], 1)
        for name in ("out_mix", "out_fine"):
            both = functional.relu6(self.layers[name](self.depthwise(f"{name}_depthwise", both)))
        with torch.autocast("cpu", enabled=False):
            both = both.float()
            return self.layers["out_root"](both)[:, 0], self.layers["out_peak"](both)[:, 0]

    def more(self, gain: float) -> "Tail":
        """Count `gain` times as many people; return itself."""
        layer = self.layers["out_root"]
        with torch.no_grad():
            layer.weight.mul_(gain**0.5)
            layer.bias.mul_(gain**0.5)
        return self


def whole_network(weights: dict[str, list[Any]], *, peaks: bool = True) -> Any:
    """Return picture (384, 512, 3) -> (48, 64, 2) in Keras: roots from 0 up, heads 0..1.

    Without `peaks` there are the roots alone.
    """
    picture = tf.keras.Input((pictures.HEIGHT_PX, pictures.WIDTH_PX, 3), batch_size=1)
    features = lite0.body(lite0.stem(picture), 0, LAST_FROZEN)
    network = tf.keras.Model(picture, top(features, peaks=peaks))
    lite0.load_imagenet(network)
    lite0.fill(network, weights)
    return network


def top(features: Any, *, peaks: bool) -> Any:
    """Add what `Tail` is, in Keras."""
    layers = tf.keras.layers
    deep = lite0.body(features, LAST_FROZEN + 1, LAST_BLOCK)
    deep = layers.ReLU(6.0)(layers.Conv2D(_DEEP, 1, name="out_deep")(deep))
    deep = layers.UpSampling2D(2, interpolation="bilinear")(deep)
    near = layers.ReLU(6.0)(layers.Conv2D(_NEAR, 1, name="out_near")(features))
    both = layers.Concatenate()([deep, near])
    both = layers.DepthwiseConv2D(3, padding="same", name="out_mix_depthwise")(both)
    both = layers.ReLU(6.0)(layers.Conv2D(_MIX, 1, name="out_mix")(both))
    both = layers.DepthwiseConv2D(3, padding="same", name="out_fine_depthwise")(both)
    both = layers.ReLU(6.0)(layers.Conv2D(_FINE, 1, name="out_fine")(both))
    start = tf.keras.initializers.Constant(_START)
    roots = layers.ReLU()(layers.Conv2D(1, 1, bias_initializer=start, name="out_root")(both))
    if not peaks:
        return roots
    heads = layers.Conv2D(1, 1, activation="sigmoid", name="out_peak")(both)
    return layers.Concatenate()([roots, heads])
