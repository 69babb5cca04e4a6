"""EfficientNet-Lite0 in torch, quick in 16 bits on one processor; weights by Keras name."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.train import lite0

_LEARN_FROM = 4  # one in so many pictures of a batch tells the slope of a depthwise kernel


class Blocks(nn.Module):
    """Layers by their name in Keras; a network is made of them in `forward()`."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()

    def add_depthwise(self, name: str, channels: int, side: int, stride: int = 1) -> None:
        """Add a depthwise convolution."""
        self.layers[name] = nn.Conv2d(channels, channels, side, stride, groups=channels)

    def add_block(self, number: int) -> None:
        """Add the layers of one inverted residual block."""
        block = lite0.blocks()[number]
        wide = block.inputs * block.expand
        if block.expand > 1:
            self.layers[f"b{number}_expand"] = nn.Conv2d(block.inputs, wide, 1)
        self.add_depthwise(f"b{number}_depthwise", wide, block.kernel, block.stride)
        self.layers[f"b{number}_project"] = nn.Conv2d(wide, block.outputs, 1)

    def block(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Run one block."""
        block, y = lite0.blocks()[number], x
        if block.expand > 1:
            y = functional.relu6(self.layers[f"b{number}_expand"](y))
        y = functional.relu6(self.middle(number, y))
        y = self.layers[f"b{number}_project"](y)
        same = block.stride == 1 and block.inputs == block.outputs
        return x + self.beside(y) if same else y

    def middle(self, number: int, x: torch.Tensor) -> torch.Tensor:
        """Run a block's depthwise convolution."""
        return self.depthwise(f"b{number}_depthwise", x)

    def beside(self, y: torch.Tensor) -> torch.Tensor:
        """Return what a block adds to its shortcut."""
        return y

    def depthwise(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Run a depthwise convolution, padded as TensorFlow's "same" does for even sides."""
        layer = self.layers[name]
        out: torch.Tensor = _Depthwise.apply(x, layer.weight, layer.bias, layer.stride[0])
        return out

    def fill(self, weights: dict[str, list[Any]]) -> None:
        """Give every layer that is in `weights` its kernel and bias, in Keras's order of axes."""
        with torch.no_grad():
            for name, (kernel, bias) in weights.items():
                if name in self.layers:
                    order = (2, 3, 0, 1) if name.endswith("depthwise") else (3, 2, 0, 1)
                    turned = np.ascontiguousarray(kernel.transpose(order))
                    self.layers[name].weight.copy_(torch.from_numpy(turned))
                    self.layers[name].bias.copy_(torch.from_numpy(bias))

    def keras_weights(self) -> dict[str, list[Any]]:
        """Return kernel and bias, if any, by layer name in Keras's order of axes."""
        return {name: _to_keras(name, layer) for name, layer in self.layers.items()}


def _to_keras(name: str, layer: nn.Module) -> list[Any]:
    kernel = layer.weight.detach().numpy()
    if kernel.ndim == 2:
        order: tuple[int, ...] = (1, 0)
    else:
        order = (2, 3, 0, 1) if name.endswith("depthwise") else (2, 3, 1, 0)
    bias = [] if layer.bias is None else [layer.bias.detach().numpy().copy()]
    return [np.ascontiguousarray(kernel.transpose(order)), *bias]


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution whose way back takes a fifth of the library's time.

    The slope of the input is a convolution again; that of the kernel is the mean over one picture
    in `_LEARN_FROM` of the batch, drawn anew each time.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, stride: int) -> Any:
        ctx.save_for_backward(x, weight)
        ctx.stride, more = stride, weight.shape[-1] - stride
        ctx.edges = (more // 2, more - more // 2) * 2
        kernel, channels = weight.to(x.dtype), x.shape[1]
        if stride == 1:
            return functional.conv2d(x, kernel, bias.to(x.dtype), 1, more // 2, 1, channels)
        wide = functional.pad(x, ctx.edges)
        return functional.conv2d(wide, kernel, bias.to(x.dtype), stride, 0, 1, channels)

    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        x, weight = ctx.saved_tensors
        slope = slope.contiguous(memory_format=torch.channels_last)
        turned = weight.to(slope.dtype).flip(2, 3)
        first, last = ctx.edges[:2]
        if ctx.stride == 1:
            back = functional.conv2d(slope, turned, None, 1, last, 1, x.shape[1])
        else:
            apart = torch.zeros_like(x, memory_format=torch.channels_last)
            apart[:, :, :: ctx.stride, :: ctx.stride] = slope
            rest = weight.shape[-1] - 1
            apart = functional.pad(apart, (rest - first, first) * 2)
            back = functional.conv2d(apart, turned, None, 1, 0, 1, x.shape[1])
        return back, _kernel_slope(x, slope, weight, ctx), slope.float().sum((0, 2, 3)), None


def _kernel_slope(x: Any, slope: Any, weight: Any, ctx: Any) -> Any:
    side, step = weight.shape[-1], ctx.stride
    count, channels, high, wide = slope.shape
    every = min(count, _LEARN_FROM)
    chosen = range(int(torch.randint(every, (1,))), count, every)
    total = torch.zeros(side, side, channels)
    ones = torch.ones(1, high * wide, dtype=slope.dtype)
    product = torch.empty(high, wide, channels, dtype=slope.dtype)
    for number in chosen:
        one = functional.pad(x[number : number + 1], ctx.edges)[0].permute(1, 2, 0)
        its = slope[number].permute(1, 2, 0)
        for row in range(side):
            for column in range(side):
                part = one[row : row + step * high : step, column : column + step * wide : step]
                torch.mul(part, its, out=product)
                total[row, column] += (ones @ product.view(high * wide, channels))[0]
    return total.permute(2, 0, 1)[:, None] * (count / len(chosen))
