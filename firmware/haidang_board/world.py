"""The street around one board: what a scenario sets, and what the board's pins see of it.

Electrical constants are those of the reference wiring: MQ-2 on GPIO34, its relay contact on
GPIO27 (to ground, pull-up: closed reads 0), supply divider on GPIO35, ultrasonic A02YYUW on the
UART whose rx is GPIO16, companion Wi-Fi sniffer on the UART whose rx is GPIO26, siren on GPIO25,
lamp on GPIO2. Smoke, water, air and phones are told in modules of their own.
"""

import random
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from haidang_board.world_air import AIR_PINS, AirWorld
from haidang_board.world_phones import PhonesWorld
from haidang_board.world_smoke import (
    ADC_MAX_UV,
    CONTACT_PIN,
    LOOP_ADC_PIN,
    SIREN_PIN,
    SMOKE_ADC_PIN,
    SmokeWorld,
    smoke_uv,
)
from haidang_board.world_time import WorldTime
from haidang_board.world_water import TRANSDUCER_ADC_PIN, ULTRASONIC_RX_PIN, WaterWorld

if TYPE_CHECKING:
    from haidang_board.world_serial import Line

__all__ = [
    "CONTACT_PIN",
    "LED_PIN",
    "SIREN_PIN",
    "SMOKE_ADC_PIN",
    "SNIFFER_RX_PIN",
    "SUPPLY_ADC_PIN",
    "ULTRASONIC_RX_PIN",
    "World",
    "smoke_uv",
]

SUPPLY_ADC_PIN = 35
LED_PIN = 2
SNIFFER_RX_PIN = 26

_SUPPLY_DIVIDER = 1 / 2
_ADC_NOISE_UV = 2000
_EDGES_KEPT = 4096

Listener = Callable[[int, int], None]


class World(SmokeWorld, WaterWorld, AirWorld, PhonesWorld):
    """Plain attributes, set at any time from any thread; each board has a world of its own.

    `networks` maps the SSIDs in reach to their keys, `signals_dbm` to their strength where it is
    not `rssi_dbm`; `hidden` ones do not tell their name. `radio_fault` "error": the Wi-Fi driver
    refuses every join, "deaf": it finds nothing; it is over after `radio_cure`: "cycle" (switched
    off and on), "reset", "never". The other faults break one sensor each. `lines` are serial lines
    to the outside, by the rx pin of the UART that they lead to.
    """

    def __init__(self, *, seed: int = 1) -> None:
        WorldTime.__init__(self)
        SmokeWorld.__init__(self)
        WaterWorld.__init__(self)
        AirWorld.__init__(self)
        PhonesWorld.__init__(self)
        self.wifi_up = True
        self.networks = {"demo": "secret"}
        self.rssi_dbm = -60
        self.signals_dbm: dict[str, int] = {}
        self.hidden: set[str] = set()
        self.radio_fault = ""
        self.radio_cure = "cycle"
        self.supply_mv = 5000
        self.random = random.Random(seed)
        self.lines: dict[int, "Line"] = {}
        self.edges: deque[tuple[int, int, int]] = deque(maxlen=_EDGES_KEPT)
        self._driven: dict[int, int] = {}
        self._levels: dict[int, int] = {}
        self._lock = threading.Lock()
        self._listener: Listener | None = None

    @property
    def contact_closed(self) -> bool:
        """The smoke sensor's relay contact: closed pulls its pin to ground."""
        return self._levels.get(CONTACT_PIN) == 0

    @contact_closed.setter
    def contact_closed(self, closed: bool) -> None:
        self.set_level(CONTACT_PIN, 0 if closed else 1)

    def set_level(self, pin: int, level: int) -> None:
        """Drive an input pin from outside; an edge reaches the board's interrupt."""
        with self._lock:
            changed = self._levels.get(pin) != level
            self._levels[pin] = level
            listener = self._listener
        if changed and listener is not None:
            listener(pin, level)

    def pin(self, pin: int) -> int:
        """The level the board drives on an output pin; 0 for one it never drove."""
        return self._driven.get(pin, 0)

    def adc_uv(self, pin: int) -> int:
        """What an ideal meter reads on an analogue pin, in microvolts."""
        if pin == SMOKE_ADC_PIN:
            microvolts = self.smoke_adc_uv()
            return int(microvolts) if self.smoke_stuck else self._noisy(microvolts)
        if pin == LOOP_ADC_PIN:
            return self._noisy(self.loop_mv * 1000)
        if pin == SUPPLY_ADC_PIN:
            return self._noisy(self.supply_mv * 1000 * _SUPPLY_DIVIDER)
        if pin == TRANSDUCER_ADC_PIN:
            return self._noisy(self.transducer_adc_uv())
        return 0

    def level(self, pin: int, pulled_up: bool) -> int:
        """The level of an input pin: driven from outside, by the board, or by its pull-up."""
        if pin in self._levels:
            return self._levels[pin]
        return self._driven.get(pin, 1 if pulled_up or pin in AIR_PINS else 0)

    def drive(self, pin: int, level: int, now_ms: int) -> None:
        """The board drives an output; changes are kept in `edges` as (ms, pin, level)."""
        if self._driven.get(pin) != level:
            self._driven[pin] = level
            self.edges.append((now_ms, pin, level))

    def release(self) -> None:
        """The board lost its power: every output floats to 0."""
        self._driven.clear()

    def listen(self, listener: Listener | None) -> None:
        """Name who is told of edges on input pins (one board per world)."""
        with self._lock:
            self._listener = listener

    def _noisy(self, microvolts: float) -> int:
        if not 0 < microvolts < ADC_MAX_UV:
            return int(min(max(microvolts, 0), ADC_MAX_UV))
        noise = self.random.uniform(-_ADC_NOISE_UV, _ADC_NOISE_UV)
        return int(min(max(microvolts + noise, 0), ADC_MAX_UV))
