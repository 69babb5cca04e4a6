"""Whatever a smoke sensor's pins do: what must hold at every step."""

from array import array
from typing import Any

from bench import node_pure
from hypothesis import given, settings
from hypothesis import strategies as st

_SETTINGS = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 5,
    "burn_in_h": 0,
    "pre_alarm_permille": 720,
    "alarm_permille": 660,
    "latch_s": 30,
    "siren_steady": False,
}
_SMALL = 1 << 30
_BLIND = {"open", "short", "stuck", "noisy"}
_HEALTH = {"ok", "warming", "uncalibrated"} | _BLIND
# (seconds, millivolts, spread of the noise, contact closed, button pressed)
_STORY = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.one_of(st.integers(0, 3300), st.integers(900, 1900)),
        st.integers(0, 200),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


class _Pins:
    """A sensor, its pins, and the rules that are checked after each step."""

    def __init__(self, resistances: tuple[int, int], supply_mv: int) -> None:
        self.mv = self.closed = self.pressed = self.siren = 0
        self.at_ms = 0
        table = _SETTINGS | {"load_ohm": resistances[0], "r0_ohm": resistances[1]}
        self.smoke: Any = node_pure.whole_smoke(
            table, self._mv, self._closed, self._sound, None, lambda: supply_mv, self._pressed
        )
        self.silenced = False

    def step(self, mv: int) -> None:
        self.mv = mv
        was, sources = self.smoke.state, self.smoke.sources
        looked = self.smoke._looked
        self.at_ms += self.smoke.period_ms
        self.smoke.sample(self.at_ms % _SMALL)
        smoke, gas = self.smoke, self.smoke.gas
        assert smoke.health in _HEALTH
        assert all(abs(number) < _SMALL for number in _numbers(smoke) + _numbers(gas))
        if self.closed and looked:
            assert smoke.state == "alarm"
        if self.siren:
            assert smoke.state == "alarm" or self.pressed
        if smoke.health in _BLIND and self.at_ms % 1000 < 250:
            values = {record.name: record.value for record in smoke.records()}
            assert values.get("smoke/state") in (None, "alarm", "warming")
            assert "smoke/ratio" not in values
        if was == "alarm" != smoke.state:
            calm_s = min([smoke._open_s] + [gas.calm_s] * (sources >> 1 & 1))
            assert calm_s >= 30 or smoke._acknowledged
        before = gas.baseline
        if self.at_ms % 60000 < 250:
            node_pure.smoke_minute(smoke)
            assert 500 << 8 <= gas.baseline <= 2500 << 8
            assert gas.baseline >= before or gas.ratio > gas.pre

    def _mv(self) -> int:
        return self.mv

    def _closed(self) -> int:
        return self.closed

    def _pressed(self) -> int:
        return self.pressed

    def _sound(self, level: int) -> None:
        self.siren = level


def _numbers(part: Any) -> list[int]:
    values: list[int] = []
    for value in vars(part).values():
        if isinstance(value, array):
            values.extend(value)
        elif isinstance(value, int):
            values.append(value)
    return values


@settings(max_examples=25, deadline=None)
@given(
    _STORY,
    st.tuples(st.integers(100, 1_000_000), st.integers(100, 1_000_000)),
    st.integers(0, 3300),
)
def test_rules_that_hold_at_every_step(
    story: list[tuple[int, int, int, bool, bool]], resistances: tuple[int, int], supply_mv: int
) -> None:
    pins = _Pins(resistances, supply_mv)
    for seconds, mv, spread, closed, pressed in story:
        pins.closed, pins.pressed = int(closed), int(pressed)
        for step in range(seconds * 4):
            pins.step(min(max(mv + step * 37 % (spread + 1) - spread // 2, 0), 3300))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3300), st.integers(0, 3300), st.booleans())
def test_a_contact_is_an_alarm_within_two_looks_whatever_the_gas_sensor_says(
    mv: int, later_mv: int, supply: bool
) -> None:
    pins = _Pins((5000, 10000), 2500 if supply else 0)
    for _ in range(40):
        pins.step(mv)
    pins.closed = 1
    began_ms = pins.at_ms
    pins.step(later_mv)
    pins.step(later_mv)
    assert pins.smoke.state == "alarm"
    assert pins.at_ms - began_ms <= 290
