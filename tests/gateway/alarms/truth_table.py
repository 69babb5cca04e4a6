"""What two sources make of each other, as the rules themselves say: the tables of docs/alarms.md.

`python truth_table.py` with tests and gateway on the path writes them into the page.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alarm_city import EAST, NODE_A, NODE_B, STREET, WEST
from alarm_people import Waters
from haidang_gateway.model import FireSeen, SmokeFact

PAGE = Path(__file__).parents[3] / "docs" / "alarms.md"
BEGIN, END = "<!-- truth: begin -->\n", "<!-- truth: end -->"
SIGNS = ("node `pre_alarm`", "node `alarm`", "camera smoke", "camera flames", "report")

Act = Callable[[Waters], Any]


def tables() -> str:
    """All tables in Markdown."""
    parts = [
        "Fire: what the first source alone makes, and what a second one makes of it at once "
        "(`here`: at the same place, `reach`: at a place whose circle meets this one).\n",
        _table(("first source", "alone", "alone, held", *SIGNS), _fires("market", "here")),
        _table(("first source", "", "", *SIGNS), _fires("lane", "reach")),
        "Flood and crowd: the alarm of the last source named.\n",
        _table(("what is known", "what it makes"), _others()),
    ]
    return "\n".join(parts)


def outcome(documents: list[dict[str, Any]], place: str = "market") -> str:
    """The last word about a place, as a table has it."""
    said = [d for d in documents if d["place"]["id"] == place]
    if not said:
        return "nothing"
    last = said[-1]
    return f"{last['state']}, {last['severity']}, {last['certainty']}"


def sign(city: Waters, what: str, number: int, place: str = "market") -> list[dict[str, Any]]:
    """One source's sign of a fire; sources of another number are others."""
    if what == "report":
        return city.report(f"person {number}", "fire", place)
    if what.startswith("node"):
        source = (NODE_A, NODE_B)[number]
        state = "alarm" if "`alarm`" in what else "pre_alarm"
        return city.hear(SmokeFact(place=place, state=state, ratio=None, **city._when(source)))
    kind: Any = "smoke" if "smoke" in what else "fire"
    when = city._when((EAST, WEST)[number])
    fact = FireSeen(place=place, kind=kind, active=True, score=0.9, box=None, **when)
    return city.hear(fact)


def pair(first: str, second: str, place: str = "market") -> str:
    """What a second source makes of the first one's fire at the market."""
    city = Waters()
    documents = sign(city, first, 0)
    return outcome(documents + sign(city, second, 1, place))


def _fires(place: str, where: str) -> Iterator[tuple[str, ...]]:
    for first in SIGNS:
        city = Waters()
        documents = sign(city, first, 0)
        alone = outcome(documents)
        held = outcome(documents + city.wait(60))
        cells = [pair(first, second, place) for second in SIGNS]
        begin = (alone, held) if where == "here" else ("", "")
        yield (f"{first}, {where}", *begin, *cells)


def _others() -> Iterator[tuple[str, str]]:
    rows: tuple[tuple[str, str, tuple[Act, ...]], ...] = (
        ("a gauge above its first level", "river", (_gauge,)),
        ("the same, held", "river", (_gauge, _half_a_minute)),
        ("a gauge, then a second one within reach", "river", (_gauge, _street)),
        ("a report, then a gauge", "river", (_report("flood", "river"), _gauge)),
        ("a gauge that will reach a level within the lead time, held", "river", (_rise, _wait)),
        ("high water upstream, held", "river", (_upper, _wait)),
        ("one report of water", "river", (_report("flood", "river"),)),
        ("two people's reports of water", "river", (_report("flood", "river", "flood"),)),
        ("a camera's density, held", "square", (_crowd,)),
        ("phones alone", "square", (_phones,)),
        ("a camera's density, held, and phones that agree", "square", (_crowd, _phones)),
        ("a report, then a camera's density", "square", (_report("crowd", "square"), _crowd)),
        ("two people's reports of a crowd", "square", (_report("crowd", "square", "crowd"),)),
    )
    for name, place, acts in rows:
        city = Waters()
        documents = [document for act in acts for document in act(city)]
        yield name, outcome(documents, place)


def _gauge(city: Waters) -> list[dict[str, Any]]:
    return city.water(4100)


def _street(city: Waters) -> list[dict[str, Any]]:
    return city.water(350, "watch", STREET)


def _rise(city: Waters) -> list[dict[str, Any]]:
    return city.rise(3900, 800)


def _upper(city: Waters) -> list[dict[str, Any]]:
    return city.upper(4100)


def _half_a_minute(city: Waters) -> list[dict[str, Any]]:
    return city.wait(30)


_wait = _half_a_minute


def _crowd(city: Waters) -> list[dict[str, Any]]:
    return city.watch_crowd(210, 34)


def _phones(city: Waters) -> list[dict[str, Any]]:
    return city.phones(200)


def _report(hazard: str, place: str, again: str = "") -> Act:
    def tell(city: Waters) -> list[dict[str, Any]]:
        documents = city.report("Hoa", hazard, place)
        return documents + (city.report("Nam", again, place) if again else [])

    return tell


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> int:
    """Write the tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + tables() + END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
