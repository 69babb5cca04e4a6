"""Makes the crowd model's baseline: ImageNet features as they are and a density head.

`python -m models.train.crowd_baseline --data DIR --out FILE.tflite`, for `models/evaluate.py crowd
--baseline FILE.tflite`. Whole pictures of the same lists, no windows, no composites.
"""

import argparse
import logging
from pathlib import Path

import tensorflow as tf

from models.train import crowd, crowd_network, crowd_views
from models.train.export import write_int8

_EPOCHS = 12
_SCENES = 73  # as many as the baseline on record saw
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
    folder = options.cache / "crowd-baseline"
    store = crowd.cached(plan, folder)
    tail = crowd_network.build_tail(peaks=False)
    for layer in tail.layers:
        layer.trainable = layer.name.startswith("out_")
    crowd.train(tail, store, folder, epochs=_EPOCHS, seed=1, highest_rate=2e-3)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    digest = write_int8(crowd_network.whole_network(tail), crowd.examples(plan), options.out)
    _log.info("wrote %s, sha256 %s", options.out, digest)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with crowd/, people/, fire/"
    )
    parser.add_argument("--out", type=Path, required=True, help="the .tflite file to write")
    parser.add_argument("--cache", type=Path, default=Path(".cache/train"))
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
