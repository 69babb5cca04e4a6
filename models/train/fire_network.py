"""The fire network: a frozen lower part (int8), a tail in torch, both in Keras for the export."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from torch import nn
from torch.nn import functional

from models.train import lite0
from models.train.export import write_int8

LAST_FROZEN = 7  # blocks 0..7 stay as ImageNet left them
UPPER_FROM = 11  # of the blocks below this, the depthwise layers stay too: they are the dearest
_HIDDEN = 128
_DROPPED = 0.2
_SKIPPED = 0.1  # share of the pictures that pass by a block with a shortcut while it learns
_STRONGEST = 0.3  # weight at the start of the strongest cell in the picture's logits


class Lower:
    """The frozen part as an int8 file, as it will run in the field: 5 times as quick as float."""

    def __init__(self, path: Path, side_px: int, examples_u8: Any) -> None:
        """Make the file with the examples (n, side, side, 3) unless it is there."""
        if not path.exists():
            picture = tf.keras.Input((side_px, side_px, 3), batch_size=1)
            lower = tf.keras.Model(picture, lite0.body(lite0.stem(picture), 0, LAST_FROZEN))
            lite0.load_imagenet(lower)
            write_int8(lower, examples_u8, path)
        self._runtime = tf.lite.Interpreter(model_path=str(path), num_threads=1)
        self._runtime.allocate_tensors()
        self._input = self._runtime.get_input_details()[0]["index"]
        self._output = self._runtime.get_output_details()[0]

    def steps(self, picture_u8: Any) -> Any:
        """Return the features of one picture in 8-bit steps, (rows, columns, channels)."""
        self._runtime.set_tensor(self._input, picture_u8[None])
        self._runtime.invoke()
        return self._runtime.get_tensor(self._output["index"])[0]

    def features(self, steps: Any) -> torch.Tensor:
        """Return features (n, channels, rows, columns) of stacked steps."""
        scale, zero = self._output["quantization"]
        real = (torch.from_numpy(steps).float() - zero) * scale
        return real.permute(0, 3, 1, 2)


class FireNetwork(nn.Module):
    """Features (n, 80, h, w) -> picture logits (n, 2) and cell logits (n, 2, h / 2, w / 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        for number, block in enumerate(lite0.blocks()):
            if number > LAST_FROZEN:
                self._add_block(number, block)
            if LAST_FROZEN < number < UPPER_FROM:
                self.layers[f"b{number}_depthwise"].requires_grad_(requires_grad=False)
        self.layers["head"] = nn.Conv2d(320, 1280, 1)
        self.layers["out_hidden"] = nn.Conv2d(1280, _HIDDEN, 1)
        self.layers["out_cells"] = nn.Conv2d(_HIDDEN, 2, 1)
        self.layers["out_picture"] = nn.Linear(1280 + _HIDDEN, 2)
        self.layers["out_strongest"] = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.layers["out_strongest"].weight.copy_(torch.eye(2) * _STRONGEST)
        self._fill(lite0.imagenet())

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = features.contiguous(memory_format=torch.channels_last)
        for number in range(LAST_FROZEN + 1, lite0.BLOCKS):
            x = self._block(number, x)
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
        weights = {name: _to_keras(name, layer) for name, layer in self.layers.items()}
        kernel, bias = weights.pop("out_picture")
        return weights | {"out_whole": [kernel[:-_HIDDEN], bias], "out_peak": [kernel[-_HIDDEN:]]}

    def _add_block(self, number: int, block: lite0.Block) -> None:
        wide = block.inputs * block.expand
        if block.expand > 1:
            self.layers[f"b{number}_expand"] = nn.Conv2d(block.inputs, wide, 1)
        self.layers[f"b{number}_depthwise"] = nn.Conv2d(
            wide, wide, block.kernel, stride=block.stride, groups=wide
        )
        self.layers[f"b{number}_project"] = nn.Conv2d(wide, block.outputs, 1)

    def _block(self, number: int, x: torch.Tensor) -> torch.Tensor:
        block, y = lite0.blocks()[number], x
        if block.expand > 1:
            y = functional.relu6(self.layers[f"b{number}_expand"](y))
        # In 16 bits the way back to a depthwise convolution's kernel takes ten times as long.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training and number < UPPER_FROM):
            y = y if number < UPPER_FROM else y.float()
            y = functional.relu6(self._conv(f"b{number}_depthwise", y))
        y = self.layers[f"b{number}_project"](y)
        same = block.stride == 1 and block.inputs == block.outputs
        return x + self._skipped(y) if same else y

    def _skipped(self, y: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return y
        kept = torch.rand(len(y), 1, 1, 1) >= _SKIPPED
        return y * (kept / (1 - _SKIPPED)).to(y.dtype)

    def _conv(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Pad as TensorFlow's "same" does for even sides: at stride 2 the odd pixel goes last."""
        layer = self.layers[name]
        more = layer.kernel_size[0] - layer.stride[0]
        first, last = more // 2, more - more // 2
        even = first if first == last else 0
        x = x if first == last else functional.pad(x, (first, last, first, last))
        y = functional.conv2d(x, layer.weight, None, layer.stride, even, 1, layer.groups)
        # Within the convolution the way back to the bias takes ten times as long.
        return y + layer.bias[:, None, None].to(y.dtype)

    def _fill(self, weights: dict[str, list[Any]]) -> None:
        with torch.no_grad():
            for name, (kernel, *bias) in weights.items():
                if name not in self.layers:
                    continue
                order = (2, 3, 0, 1) if name.endswith("depthwise") else (3, 2, 0, 1)
                turned = kernel.T if kernel.ndim == 2 else kernel.transpose(order)
                self.layers[name].weight.copy_(torch.from_numpy(turned.copy()))
                if bias:
                    self.layers[name].bias.copy_(torch.from_numpy(bias[0]))


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


def _to_keras(name: str, layer: nn.Module) -> list[Any]:
    kernel = layer.weight.detach().numpy()
    if kernel.ndim == 2:
        turned = kernel.T
    elif name.endswith("depthwise"):
        turned = kernel.transpose(2, 3, 0, 1)
    else:
        turned = kernel.transpose(2, 3, 1, 0)
    bias = [] if layer.bias is None else [layer.bias.detach().numpy().copy()]
    return [np.ascontiguousarray(turned), *bias]
