"""Writes a trained Keras network as a full int8 TFLite file with pixels 0..255 as its input."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models.train import lite0


def write_int8(network: Any, pictures_u8: Any, path: Path) -> str:
    """Quantise with the given pictures (n, h, w, 3) as examples; return the file's SHA-256.

    A half black, half white picture goes first: it pins the input's scale to exactly one pixel
    step, so that the gateway hands over raw pixels.
    """
    edge = np.zeros_like(pictures_u8[:1])
    edge[:, : edge.shape[1] // 2] = 255

    def examples() -> Iterator[list[Any]]:
        for picture in np.concatenate([edge, pictures_u8]):
            yield [lite0.normalised(picture[None])]

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    data = converter.convert()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
