"""Smoke: an MQ-2, certified detectors' contacts, and the siren that both of them sound."""

from micropython import const

from haidang_node.sensors.mq2 import Mq2
from haidang_wire.senml_text import Fixed, Record

_STEP_MS = const(250)
_SUPPLY_DIVIDER = const(2)
# A relay's contact bounces for less than this.
_BOUNCE_MS = const(40)
_SECOND_MS = const(950)
_TICKS_MASK = const((1 << 30) - 1)
_NEVER = const((1 << 30) - 1)
# ISO 8201: three times half a second, then a pause; a bit for each quarter of a second of the 4 s.
_TEMPORAL_3 = const(0x333)
# A silenced alarm that is still there sounds again: UL 217 gives a hush 15 minutes at most.
_SILENCE_S = const(600)
# Whoever silenced it knows of it: so much clean air ends it then.
_CALM_S = const(60)
# A button's loose wire must not silence for ever: released for so long, then pressed, counts.
_LET_GO_S = const(2)
_CONTACT = const(1)
_GAS = const(2)


class Smoke:
    """Samples to state and health; call sample() every period_ms, which changes.

    read_mv() gives the MQ-2's voltage in mV; contact() is 1 while a detector's contact is closed,
    None where none is fitted; siren(1) sounds; air has known, temp_cc and rh_permille;
    read_supply_mv() half of its supply; button() is 1 while pressed; loop.fault is the contact
    line's; permille and hours are the Mq2's; marks: 1 where its heater is still hot, plus twice
    the sources of an alarm that a reset has interrupted. Sampling allocates nothing.
    """

    kind = "smoke"

    def __init__(
        self,
        settings: dict,
        read_mv,
        contact=None,
        siren=None,
        air=None,
        read_supply_mv=None,
        button=None,
        loop=None,
        permille: int = 0,
        hours: int = 0,
        marks: int = 0,
    ) -> None:
        self._read_mv = read_mv
        self._contact = contact
        self._siren = siren
        self.air = air
        self._read_supply_mv = read_supply_mv
        self._button = button
        self.loop = loop
        self.r0_ohm = settings["r0_ohm"]
        self._latch_s = settings["latch_s"] or _NEVER
        self._pattern = 0xFFFF if settings["siren_steady"] else _TEMPORAL_3
        self.gas = Mq2(settings, permille, hours, marks & 1)
        # What was written down of heater and alarm.
        self.marks = marks
        self._told_state = self._told_health = ""
        self._at_ms = 0
        self._second_ms = -_SECOND_MS
        self._looked = self._closed = False
        self._let_go_s = 0
        self._open_s = 0
        # Who has spoken of fire in this alarm.
        self.sources = marks >> 1
        self._acknowledged = False
        self._silent_s = 0
        self._chirp = False
        self._sounding = 0
        self.period_ms = _STEP_MS
        self.health = "warming"
        self.state = "warming"

    def sample(self, now_ms: int) -> None:
        """Reads the pins once and moves the state machine; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        self._look()
        if (now_ms - self._second_ms) & _TICKS_MASK >= _SECOND_MS:
            self._second_ms = now_ms
            supply_mv = 0
            if self._read_supply_mv is not None:
                supply_mv = _SUPPLY_DIVIDER * self._read_supply_mv()
            self.gas.second(self._read_mv(), supply_mv)
            self._open_s = min(self._open_s + 1, _NEVER)
            self._let_go_s = min(self._let_go_s + 1, _LET_GO_S)
            if self._silent_s:
                self._silent_s -= 1
        self._decide()
        self._sound(now_ms)

    def silence(self) -> bool:
        """The siren is quiet for ten minutes, the alarm stays until the air is clean.

        False where nothing sounds: it chirps then.
        """
        if not self.sources:
            self._chirp = True
            return False
        self._acknowledged = True
        self._silent_s = _SILENCE_S
        if not self.gas.sees:
            # Nothing can tell clean air any more: the person can.
            self.gas.rest()
            self.sources &= _CONTACT
        return True

    def changed(self) -> bool:
        """Whether state or health differ from what was last told; the new ones count as told."""
        same = self.state == self._told_state and self.health == self._told_health
        self._told_state = self.state
        self._told_health = self.health
        return not same

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.state == "normal" and self.health in ("ok", "uncalibrated")

    def records(self) -> list:
        """What is known now; a faulty sensor gives its health and no reading."""
        at_ms = self._at_ms
        gas = self.gas
        records = [Record("smoke/health", self.health, at_ms)]
        if gas.sees:
            records.append(Record("smoke/mv", gas.mv, at_ms))
            records.append(Record("smoke/ratio", Fixed(gas.ratio, 3), at_ms))
        if self._contact is not None:
            records.append(Record("smoke/contact", self._closed, at_ms))
        if gas.sees or self.sources or self.state == "warming":
            records.append(Record("smoke/state", self.state, at_ms))
        return records

    state_records = records

    def _look(self) -> None:
        closed = self._contact is not None and self._contact() == 1
        if closed == self._looked:
            self._closed = closed
        self._looked = closed
        # Looked at once more as soon as it cannot be bouncing any more.
        self.period_ms = _STEP_MS if closed == self._closed else _BOUNCE_MS
        pressed = self._button is not None and self._button() == 1
        if pressed:
            if self._let_go_s >= _LET_GO_S:
                self.silence()
            self._let_go_s = 0

    def _decide(self) -> None:
        gas = self.gas
        if self._closed:
            self._open_s = 0
        now = (_CONTACT if self._closed else 0) | (_GAS if gas.level > 1 else 0)
        if now & ~self.sources:
            # A new alarm sounds, also where an older one was silenced.
            self._acknowledged = False
            self._silent_s = 0
        self.sources |= now
        if self.sources:
            self._release()
        self.health = gas.health
        if self.loop is not None and self.loop.fault and gas.health in ("ok", "uncalibrated"):
            self.health = self.loop.fault
        if self.sources:
            self.state = "alarm"
        elif gas.sees:
            self.state = "pre_alarm" if gas.level else "normal"
        elif gas.health in ("warming", "uncalibrated") or self.state in ("alarm", "warming"):
            self.state = "warming"

    def _release(self) -> None:
        calm_s = self._open_s
        if self.sources & _GAS:
            calm_s = min(calm_s, self.gas.calm_s)
        if calm_s >= (min(_CALM_S, self._latch_s) if self._acknowledged else self._latch_s):
            self.gas.rest()
            self.sources = self._silent_s = 0

    def _sound(self, now_ms: int) -> None:
        on = 0
        if self.sources and not self._silent_s:
            on = self._pattern >> (now_ms // _STEP_MS & 15) & 1
        elif self._chirp:
            on = 1
            self._chirp = False
        if self._siren is not None and on != self._sounding:
            self._siren(on)
        self._sounding = on
