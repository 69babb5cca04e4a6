"""Reads picture lists to train and evaluate; a mistake names its file and line.

A list is JSON lines, or a table of pictures counted by hand: `counts.csv` with `image,count`.
"""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

Box = tuple[float, float, float, float]

COUNTS = "counts.csv"

_LABELS = frozenset({"fire", "smoke", "normal"})
_LEAST_PX = 2  # a side; the gateway refuses what is smaller


class RowError(Exception):
    """A row of a picture list, or its picture, cannot be used."""


@dataclass(frozen=True, slots=True)
class Row:
    """One picture with what is known about it.

    `boxes` are (class, normalised centre box) pairs, None where nobody drew boxes; `points` are
    head positions in pixels of the file; `count` is the number of people, None where unknown;
    `group` names the clip or camera a picture comes from, empty where it stands alone.
    """

    image: Path
    where: str
    width: int
    height: int
    labels: frozenset[str]
    boxes: tuple[tuple[str, Box], ...] | None
    points: tuple[tuple[float, float], ...] | None
    count: int | None
    source: str
    smoke_unlabelled: bool
    group: str = ""


def read_rows(split: Path, *more_folders: Path) -> Iterator[Row | RowError]:
    """Yield each row of a list, or the error that makes it unusable; empty lines are skipped.

    A name that ends in .csv is a table of counts, anything else JSON lines. Pictures are looked
    for beside the list, then in `more_folders`. Raises RowError if the list itself cannot be read.
    """
    try:
        # Spreadsheets put a mark before the first letter.
        lines = split.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(f"{split}: cannot be read ({error}); check --data and --split") from error
    row_of = _counted if split.suffix == ".csv" else _row
    for number, line in enumerate(lines, 1):
        if line.strip() and not (row_of is _counted and number == 1 and _is_heading(line)):
            where = f"{split}:{number}"
            try:
                yield row_of(line, where, (split.parent, *more_folders))
            except RowError as error:
                yield error


def good_rows(split: Path) -> list[Row]:
    """Return all rows of a list for training; raises RowError at the first bad one."""
    rows = []
    for row in read_rows(split):
        if isinstance(row, RowError):
            raise row
        rows.append(row)
    return rows


def people_in(row: Row) -> int:
    """Return how many people a row says there are; RowError where it says nothing."""
    if row.count is not None:
        return row.count
    if row.points is not None:
        return len(row.points)
    if row.boxes is not None:
        return sum(kind == "person" for kind, _ in row.boxes)
    raise RowError(f"{row.where}: needs `count`, `points` or `boxes`")


def load_picture(row: Row) -> NDArray[np.uint8]:
    """Return the row's picture as RGB, height x width x 3; RowError if it cannot be read."""
    try:
        with Image.open(row.image) as picture:
            rgb = np.asarray(picture.convert("RGB"))
    except FileNotFoundError as error:
        raise RowError(f"{row.where}: picture {row.image} is missing") from error
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise RowError(f"{row.where}: picture {row.image} cannot be decoded ({error})") from error
    if min(rgb.shape[:2]) < _LEAST_PX:
        high, wide = rgb.shape[:2]
        raise RowError(f"{row.where}: picture {row.image} is {wide} x {high}, too small")
    return rgb


def _counted(line: str, where: str, folders: tuple[Path, ...]) -> Row:
    """Read a line `image,count`; some spreadsheets write a semicolon instead."""
    image, *rest = next(csv.reader([line], delimiter=_delimiter(line)))
    if len(rest) != 1 or not rest[0].strip().isdecimal():
        raise RowError(f"{where}: needs a picture's path and the number of people: `a.jpg,12`")
    fields = {"image": image.strip(), "count": int(rest[0]), "src": "own"}
    return _row(json.dumps(fields), where, folders)


def _is_heading(line: str) -> bool:
    return line.strip().replace(_delimiter(line), ",").lower() == "image,count"


def _delimiter(line: str) -> str:
    return ";" if ";" in line else ","


def _row(line: str, where: str, folders: tuple[Path, ...]) -> Row:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(f"{where}: not JSON ({error})") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("image"), str):
        raise RowError(f"{where}: needs a field `image` with the picture's path")
    try:
        return Row(
            image=_found(raw["image"], folders),
            where=where,
            width=int(raw.get("width", 0)),
            height=int(raw.get("height", 0)),
            labels=_labels(raw.get("labels", [])),
            boxes=_boxes(raw.get("boxes")),
            points=_points(raw.get("points")),
            count=_count(raw.get("count")),
            source=str(raw.get("src", "unknown")),
            smoke_unlabelled=bool(raw.get("smoke_unlabelled", False)),
            group=str(raw.get("group") or ""),
        )
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise RowError(f"{where}: a field has the wrong form ({error})") from error


def _found(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    return folders[0] / name


def _labels(raw: Any) -> frozenset[str]:
    if not isinstance(raw, list) or not _LABELS.issuperset(raw):
        raise ValueError(f"labels are a list of {', '.join(sorted(_LABELS))}")
    return frozenset(raw)


def _count(raw: Any) -> int | None:
    if raw is not None and (type(raw) is not int or raw < 0):
        raise ValueError("count is a whole number, 0 or more")
    return raw


def _boxes(raw: Any) -> tuple[tuple[str, Box], ...] | None:
    if raw is None:
        return None
    made = []
    for kind, cx, cy, width, height in raw:
        box = (float(cx), float(cy), float(width), float(height))
        if not all(map(math.isfinite, box)):
            raise ValueError("a box holds numbers only")
        made.append((str(kind), box))
    return tuple(made)


def _points(raw: Any) -> tuple[tuple[float, float], ...] | None:
    if raw is None:
        return None
    return tuple((float(x), float(y)) for x, y in raw)
