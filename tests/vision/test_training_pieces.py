"""Views of a training on disk: a stopped run makes none of them twice."""

import sys
from pathlib import Path

import numpy as np
import pytest

# models/ is a developer's folder, not an installed package
sys.path.append(str(Path(__file__).resolve().parents[2]))

from models.train import pieces


def columns(samples):
    return {"number": np.array(samples)}


def numbers(paths):
    read = []
    for path in paths:
        with np.load(path) as piece:
            read += piece["number"].tolist()
    return read


def plan(made, count, *, breaks_at=None):
    def make(number):
        if number == breaks_at:
            raise OSError("disk full")
        made.append(number)
        return number

    return [lambda number=number: make(number) for number in range(count)]


def test_every_view_is_in_the_pieces_in_the_plans_order(tmp_path):
    count = pieces.VIEWS + 3
    assert numbers(pieces.fill(plan([], count), columns, tmp_path / "new")) == list(range(count))


def test_a_stopped_run_makes_only_the_pieces_that_are_missing(tmp_path):
    count, made = pieces.VIEWS * 2 + 3, []
    with pytest.raises(OSError, match="disk full"):
        pieces.fill(plan([], count, breaks_at=pieces.VIEWS + 5), columns, tmp_path)
    paths = pieces.fill(plan(made, count), columns, tmp_path)
    assert made == list(range(pieces.VIEWS, count))
    assert numbers(paths) == list(range(count))


class Unsaved:
    """A column that the disk has no room for."""

    def __array__(self, dtype=None, copy=None):
        raise OSError("disk full")


def test_a_piece_that_was_only_half_written_is_made_again(tmp_path):
    def half(samples):
        return {**columns(samples), "picture": Unsaved()}

    with pytest.raises(OSError, match="disk full"):
        pieces.fill(plan([], 3), half, tmp_path)
    made = []
    assert numbers(pieces.fill(plan(made, 3), columns, tmp_path)) == made == [0, 1, 2]
