"""Ranges behave like sets of numbers and stay sorted, disjoint and apart."""

from haidang_wire import ranges
from wire_expect import numbers


def test_adding_joins_neighbours_and_tells_what_was_there():
    have = []
    assert ranges.add(have, 5)
    assert ranges.add(have, 7)
    assert have == [[5, 5], [7, 7]]
    assert ranges.add(have, 6)
    assert have == [[5, 7]]
    assert not ranges.add(have, 6)
    assert ranges.add(have, 4)
    assert ranges.add(have, 8)
    assert have == [[4, 8]]


def test_removing_splits():
    have = [[1, 5]]
    assert ranges.remove(have, 3)
    assert have == [[1, 2], [4, 5]]
    assert not ranges.remove(have, 3)
    assert ranges.remove(have, 1)
    assert ranges.remove(have, 2)
    assert have == [[4, 5]]


def test_adding_a_range_swallows_what_it_touches():
    have = [[1, 2], [5, 6], [9, 9], [20, 30]]
    ranges.add_range(have, 3, 8)
    assert have == [[1, 9], [20, 30]]
    ranges.add_range(have, 12, 11)
    assert have == [[1, 9], [20, 30]]
    ranges.add_range(have, 12, 13)
    assert have == [[1, 9], [12, 13], [20, 30]]


def test_gaps_are_what_is_missing_below_the_end():
    have = [[3, 4], [7, 7]]
    assert ranges.gaps(have, 0, 10) == [[0, 2], [5, 6], [8, 9]]
    assert ranges.gaps(have, 4, 7) == [[5, 6]]
    assert ranges.gaps([], 0, 0) == []
    assert ranges.gaps([[0, 100]], 5, 50) == []


def test_from_sorted_count_and_each_agree():
    have = ranges.from_sorted([1, 2, 2, 3, 9, 11, 12])
    assert have == [[1, 3], [9, 9], [11, 12]]
    assert ranges.count(have) == 6
    assert list(ranges.each(have)) == [1, 2, 3, 9, 11, 12]


def test_random_operations_match_a_set():
    draw = numbers(7, 60)
    model = set()
    have = []
    for _ in range(600):
        n = next(draw)
        what = next(draw) % 4
        if what < 2:
            assert ranges.add(have, n) == (n not in model)
            model.add(n)
        elif what == 2:
            assert ranges.remove(have, n) == (n in model)
            model.discard(n)
        else:
            hi = n + next(draw) % 5
            ranges.add_range(have, n, hi)
            model.update(range(n, hi + 1))
        assert have == ranges.from_sorted(sorted(model))
        assert ranges.contains(have, n) == (n in model)
