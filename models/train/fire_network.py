"""The fire network: a frozen lower part (int8), a tail in torch, both in Keras for the export."""

import math
from typing import Any

import tensorflow as tf
import torch
from torch import nn
from torch.nn import functional

from models.train import lite0
from models.train.torch_blocks import Blocks

LAST_FROZEN = 7  # blocks 0..7 stay as ImageNet left them
UPPER_FROM = 11  # of the blocks below this, the depthwise layers stay too: they are the dearest
_HIDDEN = 128
_DROPPED = 0.2
_SKIPPED = 0.1  # share of the pictures that pass by a block with a shortcut while it learns
_STRONGEST = 0.3  # weight at the start of the strongest cell in the picture's logits


class FireNetwork(Blocks):
    """Features (n, 80, h, w) -> picture logits (n, 2) and cell logits (n, 2, h / 2, w / 2)."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(LAST_FROZEN + 1, lite0.BLOCKS):
            self.add_block(number)
            if number < UPPER_FROM:
                self.layers[f"b{number}_depthwise"].requires_grad_(requires_grad=False)
        self.layers["head"] = nn.Conv2d(320, 1280, 1)
        self.layers["out_hidden"] = nn.Conv2d(1280, _HIDDEN, 1)
        self.layers["out_cells"] = nn.Conv2d(_HIDDEN, 2, 1)
        self.layers["out_picture"] = nn.Linear(1280 + _HIDDEN, 2)
        self.layers["out_strongest"] = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.layers["out_strongest"].weight.copy_(torch.eye(2) * _STRONGEST)
        self.fill(lite0.imagenet())

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = features.contiguous(memory_format=torch.channels_last)
        for number in range(LAST_FROZEN + 1, lite0.BLOCKS):
            x = self.block(number, x)
        deep = functional.relu6(self.layers["head"](x))
        hidden = functional.relu6(self.layers["out_hidden"](deep))
        with torch.autocast("cpu", enabled=False):
            return self._heads(deep.float(), hidden.float())

    def _heads(
        self, deep: torch.Tensor, hidden: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        cells = self.layers["out_cells"](hidden)
        both = torch.cat([deep.mean((2, 3)), hidden.amax((2, 3))], 1)
        dropped = functional.dropout(both, _DROPPED, self.training)
        picture = self.layers["out_picture"](dropped)
        return picture + self.layers["out_strongest"](cells.amax((2, 3))), cells

    def stretch(self, edges: list[float], by: float, score: float) -> None:
        """Spread the picture's logits `by` as much and give those at `edges` this score."""
        at, picture = math.log(score / (1 - score)), self.layers["out_picture"]
        with torch.no_grad():
            picture.weight.mul_(by)
            picture.bias.copy_((picture.bias - torch.tensor(edges)) * by + at)
            self.layers["out_strongest"].weight.mul_(by)

    def keras_weights(self) -> dict[str, list[Any]]:
        """Return kernel and bias by layer name in Keras's order of axes."""
        weights = super().keras_weights()
        kernel, bias = weights.pop("out_picture")
        return weights | {"out_whole": [kernel[:-_HIDDEN], bias], "out_peak": [kernel[-_HIDDEN:]]}

    def middle(self, number: int, x: torch.Tensor) -> torch.Tensor:
        # In 16 bits the way back to a depthwise convolution's kernel takes ten times as long.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training and number < UPPER_FROM):
            return self.depthwise(f"b{number}_depthwise", x if number < UPPER_FROM else x.float())

    def beside(self, y: torch.Tensor) -> torch.Tensor:
        """Leave the block out for some of the pictures while it learns."""
        if not self.training:
            return y
        kept = torch.rand(len(y), 1, 1, 1) >= _SKIPPED
        return y * (kept / (1 - _SKIPPED)).to(y.dtype)

    def depthwise(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Pad as TensorFlow's "same" does for even sides: at stride 2 the odd pixel goes last."""
        layer = self.layers[name]
        more = layer.kernel_size[0] - layer.stride[0]
        first, last = more // 2, more - more // 2
        even = first if first == last else 0
        x = x if first == last else functional.pad(x, (first, last, first, last))
        y = functional.conv2d(x, layer.weight, None, layer.stride, even, 1, layer.groups)
        # Within the convolution the way back to the bias takes ten times as long.
        return y + layer.bias[:, None, None].to(y.dtype)


def keras_network(weights: dict[str, list[Any]], side_px: int) -> Any:
    """Return picture (1, side, side, 3) -> [picture logits, cell logits], for the export."""
    layers = tf.keras.layers
    picture = tf.keras.Input((side_px, side_px, 3), batch_size=1)
    deep = lite0.head(lite0.body(lite0.stem(picture), 0, lite0.BLOCKS - 1))
    hidden = layers.ReLU(6.0)(layers.Conv2D(_HIDDEN, 1, name="out_hidden")(deep))
    cells = layers.Conv2D(2, 1, name="out_cells")(hidden)
    # One layer for both would put means under 1 and peaks up to 6 into the same 8 bits.
    logits = layers.Add()(
        [
            layers.Dense(2, name="out_whole")(layers.GlobalAveragePooling2D()(deep)),
            _of_peaks("out_peak", hidden),
            _of_peaks("out_strongest", cells),
        ]
    )
    network = tf.keras.Model(picture, [logits, cells])
    lite0.load_imagenet(network)
    lite0.fill(network, weights)
    return network


def _of_peaks(name: str, cells: Any) -> Any:
    layers = tf.keras.layers
    return layers.Dense(2, use_bias=False, name=name)(layers.GlobalMaxPooling2D()(cells))
