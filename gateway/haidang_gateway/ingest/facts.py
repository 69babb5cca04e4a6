"""From the records of a pack to facts for the alarm rules."""

import functools
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
Sample = tuple[int, dict[str, Value]]
"""What was measured together: its uptime in ms, and the values by name."""
_HEALTH = "/health"
# What all facts of one sample have in common.
_Common = dict[str, Any]
_Maker = Callable[[dict[str, Value], _Common], Iterator[Fact]]
# A node measures the same few things all day; what a strange one invents stays small.
_SETS_OF_NAMES = 256


def facts_of(
    samples: Iterable[Sample], *, source: str, place: str, zero_ms: int, received_ms: int
) -> tuple[Fact, ...]:
    """The facts of a pack in the order of its samples; `zero_ms` is Unix ms of uptime 0."""
    facts: list[Fact] = []
    for up_ms, values in samples:
        common = {
            "source": source,
            "place": place,
            "at_ms": zero_ms + up_ms,
            "received_ms": received_ms,
        }
        for make in _makers_for(tuple(values)):
            facts.extend(make(values, common))
    return tuple(facts)


def samples_of(records: Iterable[Record]) -> list[Sample]:
    """What was measured together, in the order of a pack's records."""
    samples: list[Sample] = []
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
_MAKERS: tuple[tuple[frozenset[str], _Maker], ...] = (
    (frozenset(name for name in NAMES if name.endswith(_HEALTH)), _health),
    (frozenset({"smoke/state"}), _smoke),
    (frozenset({"flood/state", "flood/level"}), _flood),
    (frozenset({"footfall/devices", "footfall/suppressed"}), _footfall),
    (frozenset({"node/power", "node/supply"}), _power),
)


@functools.lru_cache(maxsize=_SETS_OF_NAMES)
def _makers_for(names: tuple[str, ...]) -> tuple[_Maker, ...]:
    return tuple(make for wanted, make in _MAKERS if not wanted.isdisjoint(names))


def _number(value: Value | None) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _whole(value: Value | None) -> int | None:
    number = _number(value)
    return None if number is None else round(number)
