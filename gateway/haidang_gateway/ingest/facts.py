"""From the records of a pack to facts for the alarm rules."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from haidang_wire.senml import Record
from haidang_wire.vocabulary import NAMES

from haidang_gateway.model import (
    Fact,
    FloodFact,
    FootfallFact,
    HealthFact,
    PowerFact,
    SmokeFact,
)

Value = int | float | bool | str
_HEALTH = "/health"


def facts_of(
    records: Iterable[Record], *, source: str, place: str, zero_ms: int, received_ms: int
) -> tuple[Fact, ...]:
    """The facts of a pack in the order of its samples; `zero_ms` is Unix ms of uptime 0."""
    facts: list[Fact] = []
    for up_ms, sample in groupby(records, key=attrgetter("up_ms")):
        values: dict[str, Value] = {record.name: record.value for record in sample}
        common = _Common(source, place, zero_ms + up_ms, received_ms)
        for names, make in _MAKERS:
            if not names.isdisjoint(values):
                facts.extend(make(values, common))
    return tuple(facts)


class _Common:
    def __init__(self, source: str, place: str, at_ms: int, received_ms: int) -> None:
        self.source = source
        self.place = place
        self.at_ms = at_ms
        self.received_ms = received_ms


def _smoke(values: dict[str, Value], common: _Common) -> Iterator[SmokeFact]:
    state = values.get("smoke/state")
    if isinstance(state, str):
        yield SmokeFact(
            source=common.source,
            place=common.place,
            state=state,
            ratio=_number(values.get("smoke/ratio")),
            at_ms=common.at_ms,
            received_ms=common.received_ms,
        )


def _flood(values: dict[str, Value], common: _Common) -> Iterator[FloodFact]:
    state, level = values.get("flood/state"), values.get("flood/level")
    yield FloodFact(
        source=common.source,
        place=common.place,
        state=state if isinstance(state, str) else None,
        level_mm=_whole(level),
        rate_mm_h=_whole(values.get("flood/rate")),
        to_next_s=_whole(values.get("flood/to_next")),
        at_ms=common.at_ms,
        received_ms=common.received_ms,
    )


def _footfall(values: dict[str, Value], common: _Common) -> Iterator[FootfallFact]:
    yield FootfallFact(
        source=common.source,
        place=common.place,
        devices=_whole(values.get("footfall/devices")),
        low=_whole(values.get("footfall/low")),
        high=_whole(values.get("footfall/high")),
        at_ms=common.at_ms,
        received_ms=common.received_ms,
    )


def _power(values: dict[str, Value], common: _Common) -> Iterator[PowerFact]:
    # A good supply is told by its voltage alone, also by a node that has just restarted.
    word = values.get("node/power", "ok" if "node/supply" in values else None)
    if isinstance(word, str):
        yield PowerFact(
            source=common.source,
            place=common.place,
            word=word,
            at_ms=common.at_ms,
            received_ms=common.received_ms,
        )


def _health(values: dict[str, Value], common: _Common) -> Iterator[HealthFact]:
    for name, value in values.items():
        if name.endswith(_HEALTH) and isinstance(value, str):
            yield HealthFact(
                source=common.source,
                place=common.place,
                sensor=name.removesuffix(_HEALTH),
                health=value,
                at_ms=common.at_ms,
                received_ms=common.received_ms,
            )


# What is made where one of these readings is there, in the order in which the rules hear it.
_MAKERS: tuple[tuple[frozenset[str], Callable[[dict[str, Value], _Common], Iterator[Fact]]], ...]
_MAKERS = (
    (frozenset(name for name in NAMES if name.endswith(_HEALTH)), _health),
    (frozenset({"smoke/state"}), _smoke),
    (frozenset({"flood/state", "flood/level"}), _flood),
    (frozenset({"footfall/devices", "footfall/suppressed"}), _footfall),
    (frozenset({"node/power", "node/supply"}), _power),
)


def _number(value: Value | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _whole(value: Value | None) -> int | None:
    number = _number(value)
    return None if number is None else round(number)
