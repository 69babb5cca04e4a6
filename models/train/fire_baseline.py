"""Makes the fire model's baseline: ImageNet features as they are and a linear head.

`python -m models.train.fire_baseline --data DIR --out FILE.tflite`, for `models/evaluate.py fire
--baseline FILE.tflite`. Whole pictures of the training lists, no augmentation, nothing chosen.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from torch.nn import functional

from models.rows import Row, good_rows, load_picture
from models.train import fire_pictures as pictures
from models.train import lite0
from models.train.export import write_int8

_SIDE_PX = 224  # what ImageNet taught the network
_SHRINK = 1e-3  # weight decay of the logistic regression
_LISTS = ("train", "train2")
_log = logging.getLogger("train.fire_baseline")


def main() -> None:
    """Look at every training picture once, fit, export."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = _options()
    torch.set_num_threads(1)
    rows = [row for name in _LISTS for row in good_rows(options.data / "fire" / f"{name}.jsonl")]
    examples = np.stack([_picture(row) for row in rows[:: len(rows) // 200]])
    seen = _features(rows, examples, options.out.with_suffix(".features.tflite"))
    kernel, bias = _fitted(seen, rows)
    digest = write_int8(_with_head(kernel, bias), examples, options.out)
    _log.info("wrote %s, sha256 %s", options.out, digest)


def _features(rows: list[Row], examples: Any, path: Path) -> Any:
    """Return 1280 means for each row, by the int8 network."""
    picture = tf.keras.Input((_SIDE_PX, _SIDE_PX, 3), batch_size=1)
    network = tf.keras.Model(picture, tf.keras.layers.GlobalAveragePooling2D()(_deep(picture)))
    lite0.load_imagenet(network)
    write_int8(network, examples, path)
    runtime = tf.lite.Interpreter(model_path=str(path), num_threads=1)
    runtime.allocate_tensors()
    output = runtime.get_output_details()[0]
    scale, zero = output["quantization"]
    seen = []
    for number, row in enumerate(rows):
        runtime.set_tensor(runtime.get_input_details()[0]["index"], _picture(row)[None])
        runtime.invoke()
        seen.append((runtime.get_tensor(output["index"])[0].astype(np.float32) - zero) * scale)
        if number % 500 == 499:
            _log.info("seen %s of %s pictures", number + 1, len(rows))
    path.unlink()
    return np.stack(seen)


def _fitted(seen: Any, rows: list[Row]) -> tuple[Any, Any]:
    """Fit a logistic regression for flames and one for smoke, where that was labelled."""
    features = torch.from_numpy(seen)
    truth = torch.tensor([[float(k in row.labels) for k in pictures.KINDS] for row in rows])
    known = torch.tensor([[1.0, float(not row.smoke_unlabelled)] for row in rows])
    kernel = torch.zeros(features.shape[1], len(pictures.KINDS), requires_grad=True)
    bias = torch.zeros(len(pictures.KINDS), requires_grad=True)
    rule = torch.optim.LBFGS([kernel, bias], max_iter=300, line_search_fn="strong_wolfe")

    def slope() -> Any:
        rule.zero_grad()
        logits = features @ kernel + bias
        each = functional.binary_cross_entropy_with_logits(logits, truth, known)
        loss = each + _SHRINK * (kernel**2).sum()
        loss.backward()
        return loss

    rule.step(slope)
    return kernel.detach().numpy(), bias.detach().numpy()


def _with_head(kernel: Any, bias: Any) -> Any:
    """Return the network in the shipped model's form; its cells are the head's view of each."""
    picture = tf.keras.Input((_SIDE_PX, _SIDE_PX, 3), batch_size=1)
    deep = _deep(picture)
    mean = tf.keras.layers.GlobalAveragePooling2D()(deep)
    logits = tf.keras.layers.Dense(2, name="out_picture")(mean)
    cells = tf.keras.layers.Conv2D(2, 1, name="out_cells")(deep)
    network = tf.keras.Model(picture, [logits, cells])
    lite0.load_imagenet(network)
    lite0.fill(network, {"out_picture": [kernel, bias], "out_cells": [kernel[None, None], bias]})
    return network


def _deep(picture: Any) -> Any:
    return lite0.head(lite0.body(lite0.stem(picture), 0, lite0.BLOCKS - 1))


def _picture(row: Row) -> pictures.Picture:
    return pictures.resized(load_picture(row), _SIDE_PX, _SIDE_PX)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with fire/ and people/")
    parser.add_argument("--out", type=Path, required=True, help="the .tflite file to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()
