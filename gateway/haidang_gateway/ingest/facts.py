"""From the records of a pack to facts for the alarm rules."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

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
# What all facts of one sample have in common.
_Common = dict[str, Any]


def facts_of(
    records: Iterable[Record], *, source: str, place: str, zero_ms: int, received_ms: int
) -> tuple[Fact, ...]:
    """The facts of a pack in the order of its samples; `zero_ms` is Unix ms of uptime 0."""
    facts: list[Fact] = []
    for up_ms, values in _samples(records):
        common = {
            "source": source,
            "place": place,
            "at_ms": zero_ms + up_ms,
            "received_ms": received_ms,
        }
        for names, make in _MAKERS:
            if not names.isdisjoint(values):
                facts.extend(make(values, common))
    return tuple(facts)


def _samples(records: Iterable[Record]) -> list[tuple[int, dict[str, Value]]]:
    """What was measured together, by its uptime."""
    samples: list[tuple[int, dict[str, Value]]] = []
    values: dict[str, Value] = {}
    sampled_ms = None
    for name, value, up_ms in records:
        if up_ms != sampled_ms:
            values, sampled_ms = {}, up_ms
            samples.append((up_ms, values))
        values[name] = value
    return samples


def _smoke(values: dict[str, Value], common: _Common) -> Iterator[SmokeFact]:
    state = values.get("smoke/state")
    if isinstance(state, str):
        yield SmokeFact(
            state=state,
            ratio=_number(values.get("smoke/ratio")),
            **common,
        )


def _flood(values: dict[str, Value], common: _Common) -> Iterator[FloodFact]:
    state, level = values.get("flood/state"), values.get("flood/level")
    yield FloodFact(
        state=state if isinstance(state, str) else None,
        level_mm=_whole(level),
        rate_mm_h=_whole(values.get("flood/rate")),
        to_next_s=_whole(values.get("flood/to_next")),
        **common,
    )


def _footfall(values: dict[str, Value], common: _Common) -> Iterator[FootfallFact]:
    yield FootfallFact(
        devices=_whole(values.get("footfall/devices")),
        low=_whole(values.get("footfall/low")),
        high=_whole(values.get("footfall/high")),
        **common,
    )


def _power(values: dict[str, Value], common: _Common) -> Iterator[PowerFact]:
    # A good supply is told by its voltage alone, also by a node that has just restarted.
    word = values.get("node/power", "ok" if "node/supply" in values else None)
    if isinstance(word, str):
        yield PowerFact(
            word=word,
            **common,
        )


def _health(values: dict[str, Value], common: _Common) -> Iterator[HealthFact]:
    for name, value in values.items():
        if name.endswith(_HEALTH) and isinstance(value, str):
            yield HealthFact(
                sensor=name.removesuffix(_HEALTH),
                health=value,
                **common,
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
