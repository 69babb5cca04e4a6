"""The frozen part of a network as an int8 file, as it will run in the field."""

from pathlib import Path
from typing import Any

import tensorflow as tf
import torch

from models.train import lite0
from models.train.export import write_int8


class Lower:
    """ImageNet's blocks 0 to `last` in 8 bits: five times as quick as real numbers."""

    def __init__(self, path: Path, size_px: tuple[int, int], last: int, examples_u8: Any) -> None:
        """Make the file with the examples (n, high, wide, 3) unless it is there."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = tf.keras.Input((size_px[1], size_px[0], 3), batch_size=1)
            lower = tf.keras.Model(picture, lite0.body(lite0.stem(picture), 0, last))
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
