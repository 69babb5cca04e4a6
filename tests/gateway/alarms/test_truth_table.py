"""The documented truth tables are what the rules do, in whatever order sources speak."""

import itertools

import pytest
import truth_table
from truth_table import BEGIN, END, PAGE, SIGNS, pair

STRONG = {"node `alarm`", "camera flames"}


def test_the_page_holds_the_tables_that_the_rules_give() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = text.partition(BEGIN)[2].partition(END)[0]
    assert shown == truth_table.tables(), "run tests/gateway/alarms/truth_table.py and read it"


@pytest.mark.parametrize("place", ["market", "lane"])
def test_two_sources_observe_a_fire_where_one_is_strong_or_a_person(place: str) -> None:
    for first, second in itertools.product(SIGNS, SIGNS):
        observed = {first, second} & STRONG or "report" in (first, second)
        expected = "confirmed, Severe, Observed" if observed else "suspected, Moderate, Likely"
        assert pair(first, second, place) == expected, (first, second)
        assert pair(second, first, place) == expected, (second, first)
