"""Pictures in which nobody is: sources of such scenes, less those where somebody was seen."""

from collections.abc import Iterable
from pathlib import Path

from models.rows import Row

_SOURCES = {"weather-web", "ships-sea", "car-park-cam", "kaggle-fire"}
_SEEN = Path(__file__).resolve().parent / "lists" / "people_in_scenes.txt"


def without_people(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of scenes; the list of those with people was made by looking at them all."""
    peopled = set(_SEEN.read_text(encoding="utf-8").split())
    return [
        row
        for row in rows
        if row.source in _SOURCES and "normal" in row.labels and row.image.stem not in peopled
    ]
