"""What else sees fire, scored like the shipped model: a baseline file, a detector from PyPI."""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from haidang_gateway.errors import ModelError
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
_WEIGHTS = Path("models") / "fire_resnet18_fp16.pth"
_SIDE_PX = 224
_ABSENT = (
    "--peer needs the weights of fire-detector and torch: `pip install --no-deps "
    "fire-detector==1.0.3` and `pip install torch`"
)


def fire_detector() -> Callable[[Picture], float]:
    """Return fire-detector 1.0.3's score for fire in a picture; ModelError if it is not there.

    Its own code is not imported: it wants torchvision and ultralytics. The network is rebuilt here
    as that package builds it (ResNet18, 224 x 224, no normalisation, two classes, fire first).
    """
    package = importlib.util.find_spec("fire_detector")
    if package is None or not package.submodule_search_locations:
        raise ModelError(_ABSENT)
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise ModelError(_ABSENT) from error
    path = Path(package.submodule_search_locations[0]) / _WEIGHTS
    raw = torch.load(path, map_location="cpu", weights_only=True)
    state = {name: value.float() for name, value in raw.items()}

    def score(rgb: Picture) -> float:
        shown = Image.fromarray(rgb).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
        x = torch.from_numpy(np.asarray(shown, np.float32).transpose(2, 0, 1)[None] / 255)
        with torch.inference_mode():
            return float(torch.softmax(_resnet18(torch, state, x), 1)[0, 0])

    return score


def _resnet18(torch: Any, state: dict[str, Any], x: Any) -> Any:
    """The 18-layer residual network (He et al. 2016) with torchvision's names of the weights."""
    f = torch.nn.functional

    def conv(x: Any, name: str, stride: int = 1) -> Any:
        kernel = state[f"{name}.weight"]
        return f.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    def norm(x: Any, name: str) -> Any:
        kept = [
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        ]
        return f.batch_norm(x, *kept)

    def block(x: Any, name: str, stride: int) -> Any:
        y = f.relu(norm(conv(x, f"{name}.conv1", stride), f"{name}.bn1"))
        y = norm(conv(y, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in state:
            x = norm(conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        return f.relu(x + y)

    x = f.max_pool2d(f.relu(norm(conv(x, "conv1", 2), "bn1")), 3, 2, 1)
    for layer in range(1, 5):
        x = block(x, f"layer{layer}.0", 1 if layer == 1 else 2)
        x = block(x, f"layer{layer}.1", 1)
    return f.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])
