"""From the records of a pack to facts for the alarm rules."""

import functools
from collections.abc import Callable, Iterable

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
IsIdle = Callable[[str, str], bool]
"""Whether at a place nothing comes of a smoke detector's word."""
_HEALTH = "/health"
_Maker = Callable[[dict[str, Value], str, str, int, int], Iterable[Fact]]
"""Facts of a sample's values, source, place, time and arrival (Unix ms)."""
# A node measures the same few things all day; what a strange one invents stays small.
_SETS_OF_NAMES = 256


def facts_of(
    samples: Iterable[Sample],
    *,
    source: str,
    place: str,
    zero_ms: int,
    received_ms: int,
    is_idle: IsIdle = lambda _place, _state: False,
) -> tuple[Fact, ...]:
    """The facts of a pack in the order of its samples; `zero_ms` is Unix ms of uptime 0.

    A sample of a smoke detector alone that says what is idle brings none: so do nearly all packs.
    Behind one that brings any, what is idle can be told no more.
    """
    facts: list[Fact] = []
    for up_ms, values in samples:
        makers = _makers_for(tuple(values))
        quiet = not facts and makers == _SMOKE_ALONE
        if quiet and is_idle(place, str(values.get("smoke/state"))):
            continue
        for make in makers:
            facts.extend(make(values, source, place, zero_ms + up_ms, received_ms))
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


def _smoke(
    values: dict[str, Value], source: str, place: str, at_ms: int, received_ms: int
) -> Iterable[SmokeFact]:
    state = values.get("smoke/state")
    if not isinstance(state, str):
        return ()
    ratio = _number(values.get("smoke/ratio"))
    fact = SmokeFact(
        source=source,
        place=place,
        state=state,
        ratio=ratio,
        at_ms=at_ms,
        received_ms=received_ms,
    )
    return (fact,)


def _flood(
    values: dict[str, Value], source: str, place: str, at_ms: int, received_ms: int
) -> Iterable[FloodFact]:
    state, level = values.get("flood/state"), values.get("flood/level")
    fact = FloodFact(
        source=source,
        place=place,
        state=state if isinstance(state, str) else None,
        level_mm=_whole(level),
        rate_mm_h=_whole(values.get("flood/rate")),
        to_next_s=_whole(values.get("flood/to_next")),
        at_ms=at_ms,
        received_ms=received_ms,
    )
    return (fact,)


def _footfall(
    values: dict[str, Value], source: str, place: str, at_ms: int, received_ms: int
) -> Iterable[FootfallFact]:
    fact = FootfallFact(
        source=source,
        place=place,
        devices=_whole(values.get("footfall/devices")),
        low=_whole(values.get("footfall/low")),
        high=_whole(values.get("footfall/high")),
        at_ms=at_ms,
        received_ms=received_ms,
    )
    return (fact,)


def _power(
    values: dict[str, Value], source: str, place: str, at_ms: int, received_ms: int
) -> Iterable[PowerFact]:
    # A good supply is told by its voltage alone, also by a node that has just restarted.
    word = values.get("node/power", "ok" if "node/supply" in values else None)
    if not isinstance(word, str):
        return ()
    fact = PowerFact(source=source, place=place, word=word, at_ms=at_ms, received_ms=received_ms)
    return (fact,)


def _health(
    values: dict[str, Value], source: str, place: str, at_ms: int, received_ms: int
) -> Iterable[HealthFact]:
    return [
        HealthFact(
            source=source,
            place=place,
            sensor=name.removesuffix(_HEALTH),
            health=value,
            at_ms=at_ms,
            received_ms=received_ms,
        )
        for name, value in values.items()
        if name.endswith(_HEALTH) and isinstance(value, str)
    ]


_SMOKE_ALONE: tuple[_Maker, ...] = (_smoke,)
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
