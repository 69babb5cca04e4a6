"""Smoke at one board: the MQ-2 on its analogue pin and the detector's relay contact."""

SMOKE_ADC_PIN = 34
CONTACT_PIN = 27
SIREN_PIN = 25

ADC_MAX_UV = 3_300_000

_MQ2_SUPPLY_MV = 5000
_MQ2_LOAD_OHM = 5000
_MQ2_CLEAN_AIR_OHM = 10000
_MQ2_KNEE_PPM = 200.0  # Rs/R0 = 1 / (1 + ppm / knee) ** slope; 1 in clean air
_MQ2_SLOPE = 0.6
_MQ2_DIVIDER = 2 / 3


class SmokeWorld:
    """`smoke_ppm` 0 is clean air; `smoke_open` and `smoke_short` break the analogue wire.

    `smoke_pin_mv` from 0 on is a recorded voltage at the pin, which no physics changes any more.
    """

    def __init__(self) -> None:
        self.smoke_ppm = 0.0
        self.smoke_pin_mv = -1.0
        self.smoke_open = False
        self.smoke_short = False

    def smoke_adc_uv(self) -> float:
        """Microvolts on the MQ-2's pin now."""
        if self.smoke_open:
            return 0.0
        if self.smoke_short:
            return ADC_MAX_UV
        if self.smoke_pin_mv >= 0:
            return self.smoke_pin_mv * 1000
        return smoke_uv(self.smoke_ppm)


def smoke_uv(ppm: float) -> float:
    """Microvolts that an MQ-2 in the reference wiring puts on its pin."""
    ratio: float = 1.0 / (1.0 + max(0.0, ppm) / _MQ2_KNEE_PPM) ** _MQ2_SLOPE
    sensor_ohm = _MQ2_CLEAN_AIR_OHM * ratio
    output_mv = _MQ2_SUPPLY_MV * _MQ2_LOAD_OHM / (_MQ2_LOAD_OHM + sensor_ohm)
    return output_mv * 1000 * _MQ2_DIVIDER
