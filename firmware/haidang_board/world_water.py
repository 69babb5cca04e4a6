"""Water at one board: under its level meter, over its pressure transducer, at its float."""

from typing import TYPE_CHECKING

from haidang_board.physics_water import sound_m_s
from haidang_board.world_air import AirWorld

if TYPE_CHECKING:
    from haidang_board.physics_echoes import Scene

ULTRASONIC_RX_PIN = 16
TRANSDUCER_ADC_PIN = 32
FLOAT_PIN = 33

_RANGE_MM = 5000
# At the pin: 4-20 mA over 100 ohm, 0.5-4.5 V over a divider of 1:2.
_SIGNALS_MV = {"current": (400.0, 1600.0), "voltage": (250.0, 2000.0)}
# What an open wire and a supply of 24 V (limited) or 5 V put on the pin.
_FAULTS_MV = {"open": 0.0, "short": 2500.0}
_SOUND_MM_PER_US = 0.34645
# The air that meters take for granted, but for those that measure it.
_ASSUMED_C = 25.0
_COMPENSATED = ("mb73xx",)


class WaterWorld(AirWorld):
    """`water_mm` is above the street, `mount_mm` the meter's height above it.

    `told_mm` from 0 on is a recorded distance, which neither water nor air changes any more.

    `scene` drives the meter by physics instead (and water_mm follows its water). `meter` is the
    make, by its driver's name; `meter_baud` the rate it is set to; `meter_fault` "frozen": the
    same frame for ever, "cut": each frame lacks a byte; `ultrasonic_silent`: none at all.
    `transducer` current or voltage is on GPIO32, 200 mm below the street, range 5 m;
    `transducer_fault` "open" or "short".
    """

    def __init__(self) -> None:
        self.water_mm = 0
        self.mount_mm = 3000
        self.told_mm = -1
        self.scene: "Scene | None" = None
        self.meter = "a02yyuw"
        self.meter_baud = 9600
        self.meter_fault = ""
        self.meter_asked = False
        self.ultrasonic_silent = False
        self.transducer = ""
        self.transducer_mm = -200
        self.transducer_fault = ""

    def echo_mm(self) -> int:
        """The distance that a perfect meter tells in the air of now: too near where it is warm."""
        if self.told_mm >= 0:
            return self.told_mm
        distance_mm = self.mount_mm - int(self.water_mm)
        if self.meter in _COMPENSATED:
            return distance_mm
        return round(distance_mm * sound_m_s(_ASSUMED_C) / sound_m_s(self.temp_c))

    def heard(self, rx_pin: int, data: bytes) -> None:
        """What the board says to the thing on its UART: 0x55 asks a meter."""
        if rx_pin == ULTRASONIC_RX_PIN and b"\x55" in data:
            self.meter_asked = True

    def transducer_adc_uv(self) -> float:
        """Microvolts on the transducer's pin now; 0 where there is none."""
        if not self.transducer:
            return 0.0
        if self.transducer_fault:
            return _FAULTS_MV[self.transducer_fault] * 1000
        dry_mv, span_mv = _SIGNALS_MV[self.transducer]
        depth_mm = max(0.0, self.water_mm - self.transducer_mm)
        return (dry_mv + span_mv * depth_mm / _RANGE_MM) * 1000

    def pulse_us(self, pin: int) -> int:
        """How long the echo pin of a pulsed meter is high; -2 where it does not answer."""
        if self.ultrasonic_silent or pin != ULTRASONIC_RX_PIN:
            return -2
        return round(self.echo_mm() * 2 / _SOUND_MM_PER_US)
