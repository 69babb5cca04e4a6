"""The evaluation of the models as a user runs it, and pictures for its lists."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from haidang_gateway.vision.frame import Picture
from PIL import Image
from waiting import DEADLINE_S


def evaluated(root: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run the evaluation as a user does; exit status, last JSON line, standard error."""
    done = subprocess.run(
        [sys.executable, str(root / "models" / "evaluate.py"), *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr


def street_picture(seed: int, width: int = 384, height: int = 288) -> Picture:
    """A grey street under a pale sky with a few dull blocks: nothing that burns."""
    draw = np.random.default_rng(seed)
    picture = np.full((height, width, 3), (128, 130, 128), np.float32)
    picture[: height // 3] = (170, 185, 200)
    for _ in range(12):
        x, y = int(draw.integers(width - 40)), int(draw.integers(height // 4, height - 60))
        shade = draw.uniform(50, 170)
        picture[y : y + int(draw.integers(20, 60)), x : x + int(draw.integers(15, 40))] = shade
    shown: Picture = np.clip(picture + draw.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
    return shown


def save_list(folder: Path, rows: list[dict[str, Any]], pictures: dict[str, Picture]) -> None:
    """Pictures, and `list.jsonl` with these rows beside them."""
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / name, quality=92)
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / "list.jsonl").write_text(text, encoding="utf-8")
