"""Flood: the water's level, its rate of rise, its state, and the health of its meter."""

from micropython import const

from haidang_node.sensors.gauge import Gauge
from haidang_wire.senml_text import Record

# Times wrap here, so that they stay small integers on the chip.
_TICKS_MASK = const((1 << 30) - 1)
# FloodNet NYC: readings 250 ms apart. A dry street needs a fourth of them.
_FAST_MS = const(250)
_SLOW_MS = const(1000)
# A level is known at least so often, or something is in the meter's way.
_STILL_MS = const(60000)
# No meter gives the very same number so long: sound and noise move it by a millimetre at least.
_FROZEN_MS = const(21600000)
# Line and frames are judged over this time.
_JUDGED_MS = const(3000)
# A state falls when so many blocks in a row say so.
_CALM_BLOCKS = const(10)
# A level that rises to every state: the first block alone decides.
_ANY_MM = const(32767)
_DRY_MM = const(25)
_RISEN_READINGS = const(3)
_STATES = ("normal", "watch", "warning", "danger")
_USABLE = ("ok", "uncalibrated")
# How far the zero trim moves before it is kept: flash pages wear.
_KEPT_MM = const(10)
_NEVER_MM = const(1000)
_LONG_MS = const(600000)
_RATE_LEAST_STEPS = const(3)
# The rate of rise is smoothed over so many steps, about a minute and a half.
_RATE_STEPS = const(4)
_RATE_STEP_MS = const(20000)
_FASTEST_MM_H = const(254 * 60)


class Flood:
    """A meter's readings to level, state and health; call sample() every period_ms.

    meter: read() -> mm (a distance for a `beam`, else a depth), 0 no echo, None nothing; `good`,
    `bad`, `fault`. store (put, commit) takes level and zero trim at a change of either one's
    state; last is what it had of an earlier life. Sampling allocates nothing, except there.
    """

    kind = "flood"

    def __init__(self, settings: dict, meter, air=None, last=None, store=None) -> None:
        self.meter = meter
        self.store = store
        self._kept_mm = last[1] if last else _NEVER_MM
        # Whose distances would need the air's temperature.
        self.air = None if meter.corrected else air
        self._guessed = self.air is not None and not settings["sound_cc"]
        zero_mm = settings["mount_mm" if meter.beam else "zero_mm"]
        self.gauge = Gauge(zero_mm, meter.beam, meter.corrected, air, settings["sound_cc"])
        if last:
            # Water may have come since, or a car.
            self.gauge.level_mm, self.gauge.trim_mm = last
            self.gauge.blind_ms = _LONG_MS
            self.gauge.started = True
        self.thresholds = (settings["watch_mm"], settings["warning_mm"], settings["danger_mm"])
        self._hysteresis_mm = settings["hysteresis_mm"]
        # What flood_nap sets behind a deep sleep.
        self.rank = self.calm = 0
        self.before_mm = _ANY_MM
        self.reading_mm = None
        self._unclear_ms = self._frozen_ms = 0
        self._judged_ms = self._block_ms = -1
        self._steps = self._step_mm = self._step_ms = 0
        self._rate_mm_h = 0
        self._told_state = ""
        self._told_health = ""
        self._at_ms = 0
        self._line = "warming"
        self.period_ms = _FAST_MS
        self.health = "warming"
        self.state = "normal"

    def sample(self, now_ms: int) -> None:
        """Reads what the meter says and moves the state machine; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        if self._judged_ms < 0:
            self._judged_ms = self._block_ms = now_ms
        meter = self.meter
        reading_mm = meter.read()
        if reading_mm == 0 and meter.beam:
            reading_mm = None
        if reading_mm != self.reading_mm:
            self.reading_mm = reading_mm
            self._frozen_ms = 0
        if self.gauge.take(reading_mm):
            passed_ms = (now_ms - self._block_ms) & _TICKS_MASK
            self._block_ms = now_ms
            self._unclear_ms += passed_ms
            self._frozen_ms = min(self._frozen_ms + passed_ms, _FROZEN_MS)
            if self.gauge.close(now_ms):
                self._measure(now_ms)
            # Told already; stays small.
            self._unclear_ms = min(self._unclear_ms, 2 * _STILL_MS)
        self.health = self._judge(now_ms)
        gauge = self.gauge
        dry = gauge.level_mm <= _DRY_MM and gauge.risen < _RISEN_READINGS
        self.period_ms = _SLOW_MS if dry and self.normal else _FAST_MS

    def changed(self) -> bool:
        """Whether state or health differ from what was last told; the new ones count as told."""
        same = self.state == self._told_state and self.health == self._told_health
        self._told_state = self.state
        self._told_health = self.health
        return not same

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.state == "normal" and self.health in _USABLE

    def records(self) -> list:
        """What is known now; a faulty meter gives its health and no level."""
        at_ms = self._at_ms
        records = [Record("flood/health", self.health, at_ms)]
        if self.health not in _USABLE:
            return records
        level_mm = self.gauge.level_mm
        records.append(Record("flood/level", level_mm, at_ms))
        rate_mm_h, rank = self._rate_mm_h, self.rank
        if self._steps >= _RATE_LEAST_STEPS:
            records.append(Record("flood/rate", rate_mm_h, at_ms))
            if rate_mm_h > 0 and rank < len(self.thresholds):
                missing_mm = max(0, self.thresholds[rank] - level_mm)
                records.append(Record("flood/to_next", missing_mm * 3600 // rate_mm_h, at_ms))
        records.append(Record("flood/state", self.state, at_ms))
        return records

    state_records = records

    def _measure(self, now_ms: int) -> None:
        gap = self._line != "ok" or self._unclear_ms > _STILL_MS
        self._line = "ok"
        self._unclear_ms = 0
        level_mm = self.gauge.level_mm
        before = self.rank
        self._climb(level_mm)
        self.state = _STATES[self.rank]
        trim_mm = self.gauge.trim_mm
        far = not -_KEPT_MM < trim_mm - self._kept_mm < _KEPT_MM
        if self.store and (far or self.rank != before):
            self._kept_mm = trim_mm
            self._keep(self.store, level_mm, trim_mm)
        passed_ms = (now_ms - self._step_ms) & _TICKS_MASK
        if gap:
            self._steps = self._rate_mm_h = 0
        elif passed_ms < _RATE_STEP_MS:
            return
        else:
            # A level that jumped moves the rate no more than the fastest water does.
            rise_mm_h = (level_mm - self._step_mm) * 3600 // (passed_ms // 1000)
            rise_mm_h = max(-_FASTEST_MM_H, min(_FASTEST_MM_H, rise_mm_h))
            self._steps = min(self._steps + 1, _RATE_STEPS)
            change = rise_mm_h - self._rate_mm_h
            self._rate_mm_h += (change + self._steps // 2) // self._steps
        self._step_mm = level_mm
        self._step_ms = now_ms

    def _keep(self, store, level_mm: int, trim_mm: int) -> None:
        try:
            store.put("flood_mm", level_mm)
            store.put("flood_trim", trim_mm)
            store.commit()
        except OSError:
            # A restart will know less; no alarm waits for flash.
            return

    def _climb(self, level_mm: int) -> None:
        # What two blocks in a row reach is the state; it is left with hysteresis and slowly.
        lowest_mm = min(level_mm, self.before_mm)
        self.before_mm = level_mm
        thresholds = self.thresholds
        rank = self.rank
        while rank < len(thresholds) and lowest_mm >= thresholds[rank]:
            rank += 1
        if rank == self.rank and rank and self._left(level_mm, rank):
            self.calm += 1
        else:
            self.calm = 0
        if self.calm >= _CALM_BLOCKS:
            self.calm = 0
            while rank and self._left(level_mm, rank):
                rank -= 1
        self.rank = rank

    def _left(self, level_mm: int, rank: int) -> bool:
        # Half way down at the latest: a low level must be left on a dry street.
        mm = self.thresholds[rank - 1]
        return level_mm < mm - min(self._hysteresis_mm, mm // 2)

    def _judge(self, now_ms: int) -> str:
        meter = self.meter
        if meter.fault:
            self._line = "warming"
            self._judged_ms = now_ms
            return meter.fault
        if (now_ms - self._judged_ms) & _TICKS_MASK >= _JUDGED_MS:
            self._judged_ms = now_ms
            if meter.bad > meter.good:
                self._line = "noisy"
            elif not meter.good:
                self._line = "silent"
            elif self._line in ("noisy", "silent"):
                self._line = "warming"
                self._unclear_ms = 0
            meter.good = meter.bad = 0
        line = self._line
        unclear = self._unclear_ms > _STILL_MS or self._frozen_ms >= _FROZEN_MS
        if unclear and line in ("ok", "warming"):
            return "stuck"
        if line == "ok" and (self._guessed or (self.air and not self.air.known)):
            return "uncalibrated"
        return line
