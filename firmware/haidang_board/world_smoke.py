"""Smoke at one board: the MQ-2 on its analogue pin, contacts and their line, the button."""

from haidang_board.physics_smoke import Air, Mq2
from haidang_board.world_time import WorldTime

SMOKE_ADC_PIN = 34
LOOP_ADC_PIN = 36
CONTACT_PIN = 27
SILENCE_PIN = 14
SIREN_PIN = 25

ADC_MAX_UV = 3_300_000

_MQ2_SUPPLY_MV = 5000
_MQ2_LOAD_OHM = 5000
_MQ2_CLEAN_AIR_OHM = 10000
_MQ2_KNEE_PPM = 200.0  # Rs/R0 = 1 / (1 + ppm / knee) ** slope; 1 in clean air
_MQ2_SLOPE = 0.6
_MQ2_DIVIDER = 2 / 3


class SmokeWorld(WorldTime):
    """`smoke_ppm` 0 is clean air; `smoke_open` and `smoke_short` break the analogue wire.

    `smoke_stuck`: the pin keeps its voltage, without noise. `smoke_pin_mv` from 0 on is a
    recorded voltage, which no physics changes any more. `mq2`: without one the pin follows the
    data sheet's curve at once; with one (`smoke_physics`) it has a heater, noise, drift and
    weather. `loop_mv` is the supervised contact line's voltage.
    """

    supply_mv: int
    temp_c: float
    humidity_pct: float

    def __init__(self) -> None:
        self.smoke_ppm = 0.0
        self.smoke_pin_mv = -1.0
        self.smoke_open = False
        self.smoke_short = False
        self.loop_mv = 1650
        self.mq2: Mq2 | None = None
        self._kept_uv: float | None = None
        self._seen_s = 0.0
        self._ohm = 0.0

    def smoke_physics(self, seed: int = 1, age_s: float = 1e7) -> Mq2:
        """Fit a sensor with a heater, cold now; its `heater_on` may be switched."""
        self.mq2 = Mq2(seed, float(_MQ2_CLEAN_AIR_OHM), age_s)
        self._seen_s = self.now_s
        self._ohm = self.mq2.step(0.0, self._air_at_the_sensor())
        return self.mq2

    def smoke_power_on(self) -> None:
        """The board was without power, and the heater with it."""
        if self.mq2 is not None:
            self.mq2.power_on()
            self._seen_s = self.now_s

    @property
    def smoke_stuck(self) -> bool:
        """Whether the pin keeps its voltage."""
        return self._kept_uv is not None

    @smoke_stuck.setter
    def smoke_stuck(self, stuck: bool) -> None:
        self._kept_uv = self.smoke_adc_uv() if stuck else None

    def smoke_adc_uv(self) -> float:
        """Microvolts on the MQ-2's pin now."""
        if self._kept_uv is not None:
            return self._kept_uv
        if self.smoke_open:
            return 0.0
        if self.smoke_short:
            return ADC_MAX_UV
        if self.smoke_pin_mv >= 0:
            return self.smoke_pin_mv * 1000
        if self.mq2 is None:
            return smoke_uv(self.smoke_ppm, self.supply_mv)
        return _pin_uv(self._sensed_ohm(self.mq2), self.supply_mv)

    def _sensed_ohm(self, mq2: Mq2) -> float:
        while self._seen_s < self.now_s:
            # Steps of a second: the noise is one per reading.
            seconds = min(1.0, self.now_s - self._seen_s)
            self._ohm = mq2.step(seconds, self._air_at_the_sensor())
            self._seen_s += seconds
        return self._ohm

    def _air_at_the_sensor(self) -> Air:
        return Air(self.smoke_ppm, self.temp_c, self.humidity_pct)


def smoke_uv(ppm: float, supply_mv: int = _MQ2_SUPPLY_MV) -> float:
    """Microvolts that an MQ-2 in the reference wiring puts on its pin."""
    ratio: float = 1.0 / (1.0 + max(0.0, ppm) / _MQ2_KNEE_PPM) ** _MQ2_SLOPE
    return _pin_uv(_MQ2_CLEAN_AIR_OHM * ratio, supply_mv)


def _pin_uv(sensor_ohm: float, supply_mv: int) -> float:
    output_mv = supply_mv * _MQ2_LOAD_OHM / (_MQ2_LOAD_OHM + sensor_ohm)
    return output_mv * 1000 * _MQ2_DIVIDER
