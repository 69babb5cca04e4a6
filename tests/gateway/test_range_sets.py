"""Ranges of numbers against Python's own sets."""

from haidang_gateway.ingest.range_sets import outside, union, without
from haidang_wire import ranges as seqs
from hypothesis import given
from hypothesis import strategies as st

_SETS = st.sets(st.integers(0, 60))


def _ranges(numbers: set[int]) -> list[list[int]]:
    return seqs.from_sorted(sorted(numbers))


@given(st.lists(_SETS, max_size=4))
def test_a_union_has_what_any_has(sets: list[set[int]]) -> None:
    assert union(*map(_ranges, sets)) == _ranges(set().union(*sets))


@given(_SETS, _SETS)
def test_without_leaves_the_rest(whole: set[int], taken: set[int]) -> None:
    assert without(_ranges(whole), _ranges(taken)) == _ranges(whole - taken)
    apart = [[number, number] for number in sorted(taken)]
    assert without(_ranges(whole), apart) == _ranges(whole - taken)


@given(
    _SETS,
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.sampled_from("ab"))),
    st.integers(0, 30),
)
def test_what_is_outside_comes_once_rising_and_under_a_word_that_named_it(
    known: set[int], spans: list[tuple[int, int, str]], floor: int
) -> None:
    named = [(low, low + more, word) for low, more, word in spans]
    words = {
        word: {n for low, high, w in named if w == word for n in range(low, high + 1)}
        for word in "ab"
    }
    found = [
        (number, word)
        for low, high, word in outside(_ranges(known), named, floor)
        for number in range(low, high + 1)
    ]
    numbers = [number for number, _ in found]
    everything = words["a"] | words["b"]
    assert numbers == sorted(n for n in everything - known if n >= floor)
    assert all(number in words[word] for number, word in found)
