"""The level meter of a world on its UART, in the form that each make gives to its distances."""

from haidang_board.physics_echoes import Meter
from haidang_board.world_water import ULTRASONIC_RX_PIN, WaterWorld

_ASKED = ("jsn_sr04t", "aj_sr04m")
_NOISE_MM = 2
_SEED = 1
# What MaxBotix' data sheet says of a target too near and of none.
_MB73XX_NEAREST_MM = 300
_MB73XX_NONE_MM = 5000


class Ultrasonic:
    """Speaks every 100 ms, the JSN-SR04T and AJ-SR04M only when asked."""

    rx_pin = ULTRASONIC_RX_PIN
    period_s = 0.1

    def __init__(self, world: WaterWorld) -> None:
        self._world = world
        self._frozen = b""
        self._meter: Meter | None = None

    @property
    def baud(self) -> int:
        """The rate that it is set to."""
        return self._world.meter_baud

    def due(self, now_s: float) -> bytes:
        """The bytes of one period."""
        world = self._world
        asked, world.meter_asked = world.meter_asked, False
        if world.ultrasonic_silent or (world.meter in _ASKED and not asked):
            return b""
        frame = meter_frame(world.meter, self._told_mm(now_s))
        if world.meter_fault == "frozen":
            self._frozen = self._frozen or frame
            return self._frozen
        self._frozen = b""
        # A loose contact takes a byte of each frame, another one each time.
        lost = world.random.randrange(len(frame))
        return frame[:lost] + frame[lost + 1 :] if world.meter_fault == "cut" else frame

    def _told_mm(self, now_s: float) -> int:
        world = self._world
        scene = world.scene
        if scene is None:
            self._meter = None
            noise_mm = world.random.randint(-_NOISE_MM, _NOISE_MM)
            return min(max(world.echo_mm() + noise_mm, 0), 0xFFFF)
        if self._meter is None or self._meter.scene is not scene:
            self._meter = Meter(_SEED, scene)
        told_mm = self._meter.told_mm(now_s)
        world.water_mm = round(scene.water.level_mm(now_s))
        return told_mm


def meter_frame(make: str, distance_mm: int) -> bytes:
    """What a meter of this make (a driver's name in node.json) says for a distance; 0: no echo."""
    if make == "mb73xx":
        told_mm = distance_mm if 0 < distance_mm < _MB73XX_NONE_MM else _MB73XX_NONE_MM
        return b"R%04d\r" % max(told_mm, _MB73XX_NEAREST_MM)
    body = bytes([distance_mm >> 8, distance_mm & 0xFF])
    total = sum(body) if make == "aj_sr04m" else 0xFF + sum(body)
    return b"\xff" + body + bytes([total & 0xFF])


def ultrasonic_frame(distance_mm: int) -> bytes:
    """One A02YYUW frame (A02YYUW data sheet, UART automatic output)."""
    return meter_frame("a02yyuw", distance_mm)
