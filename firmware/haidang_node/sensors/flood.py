"""Flood: the water's level under an ultrasonic meter, its rate of rise and its state."""

from array import array

from micropython import const

from haidang_node.sensors.filters import Median
from haidang_node.sensors.states import Ladder
from haidang_node.sensors.ultrasonic import Ultrasonic
from haidang_wire.senml_text import Record

# FloodNet NYC: median of 7 readings 250 ms apart, noise floor 10 mm, limit of 254 mm/min.
_MEDIAN = const(7)
_NOISE_MM = const(10)
_GRADIENT_MM_PER_MIN = const(254)
# A car under the sensor is gone after 3 s; water that rose that fast is still there.
_JUMP_MS = const(3000)
_SILENT_MS = const(3000)
_RATE_STEP_MS = const(10000)
_RATE_STEPS = const(30)
_RATE_LEAST_STEPS = const(6)
_NEEDED_SAMPLES = const(4)
_CALM_SAMPLES = const(40)
_BUFFER_BYTES = const(64)
# Times wrap here, so that they stay small integers on the chip.
_TICKS_MASK = const((1 << 30) - 1)
_STILL_MS = const(60000)
# More broken than sound frames: the cable or another sensor disturbs.
_JUDGED_FRAMES = const(20)


class Flood:
    """Frames to level, state and health; call sample() every 250 ms.

    readinto(buffer) gives the UART's bytes, None where there are none. Sampling allocates nothing.
    """

    kind = "flood"
    period_ms = 250

    def __init__(self, settings: dict, readinto, air=None) -> None:
        del air
        self._readinto = readinto
        self._mount_mm = settings["mount_mm"]
        self._thresholds = (settings["watch_mm"], settings["warning_mm"], settings["danger_mm"])
        self._ladder = Ladder(
            ("normal", "watch", "warning", "danger"),
            self._thresholds,
            (_NEEDED_SAMPLES, _NEEDED_SAMPLES, _NEEDED_SAMPLES),
            settings["hysteresis_mm"],
            _CALM_SAMPLES,
        )
        self._buffer = bytearray(_BUFFER_BYTES)
        self._meter = Ultrasonic()
        self._median = Median(_MEDIAN)
        self._history_mm = array("i", [0] * _RATE_STEPS)
        self._steps = 0
        self._step_ms = 0
        self._level_mm = 0
        self._moved_ms = 0
        self._jump_ms = -1
        self._heard_ms = 0
        self._told_state = ""
        self._told_health = ""
        self._at_ms = 0
        self.health = "warming"
        self.state = "normal"

    def sample(self, now_ms: int) -> None:
        """Reads what the meter sent and moves the state machine; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        distance_mm = self._newest_mm()
        if distance_mm:
            self._heard_ms = now_ms
            self._median.add(self._mount_mm - distance_mm)
        self.health = self._judge(now_ms)
        if self.health == "silent":
            self._median.clear()
            self._steps = 0
        elif distance_mm and self._median.full:
            self._measure(now_ms)

    def changed(self) -> bool:
        """Whether state or health differ from what was last told; the new ones count as told."""
        same = self.state == self._told_state and self.health == self._told_health
        self._told_state = self.state
        self._told_health = self.health
        return not same

    def resume(self, state: str, health: str, now_ms: int) -> None:
        """What was told before a deep sleep: only a change is news."""
        self._heard_ms = now_ms
        self._ladder.force(("normal", "watch", "warning", "danger").index(state))
        self.state = state
        self._told_state = state
        self._told_health = health

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.state == "normal" and self.health == "ok"

    def records(self) -> list:
        """What is known now; a silent meter gives its health and no level."""
        at_ms = self._at_ms
        records = [Record("flood/health", self.health, at_ms)]
        if self.health != "ok":
            return records
        records.append(Record("flood/level", self._level_mm, at_ms))
        rate_mm_h = self._rate_mm_h()
        if rate_mm_h is not None:
            records.append(Record("flood/rate", rate_mm_h, at_ms))
            level = self._ladder.level
            if rate_mm_h > 0 and level < len(self._thresholds):
                missing_mm = max(0, self._thresholds[level] - self._level_mm)
                records.append(Record("flood/to_next", missing_mm * 3600 // rate_mm_h, at_ms))
        records.append(Record("flood/state", self.state, at_ms))
        return records

    state_records = records

    def distance_mm(self) -> int:
        """From the sensor down to the water or street, median of the last frames; while ok."""
        return self._mount_mm - self._median.value()

    def _newest_mm(self) -> int:
        newest = 0
        count = self._readinto(self._buffer)
        while count:
            for i in range(count):
                distance_mm = self._meter.take(self._buffer[i])
                if distance_mm:
                    newest = distance_mm
            count = self._readinto(self._buffer) if count == _BUFFER_BYTES else 0
        return newest

    def _judge(self, now_ms: int) -> str:
        if (now_ms - self._heard_ms) & _TICKS_MASK > _SILENT_MS:
            # Moved along, so that it stays silent when the time wraps.
            self._heard_ms = (now_ms - _SILENT_MS - 1) & _TICKS_MASK
            return "silent"
        meter = self._meter
        if meter.good + meter.bad >= _JUDGED_FRAMES:
            noisy = meter.bad > meter.good
            meter.good = meter.bad = 0
            return "noisy" if noisy else "ok"
        if self.health == "noisy":
            return "noisy"
        return "ok" if self._median.full else "warming"

    def _measure(self, now_ms: int) -> None:
        level_mm = self._median.value()
        if self._steps == 0:
            self._level_mm = level_mm
            self._moved_ms = now_ms
        still_ms = min((now_ms - self._moved_ms) & _TICKS_MASK, _STILL_MS)
        allowed_mm = _NOISE_MM + still_ms * _GRADIENT_MM_PER_MIN // 60000
        if abs(level_mm - self._level_mm) > allowed_mm:
            if self._jump_ms < 0:
                self._jump_ms = now_ms
            if (now_ms - self._jump_ms) & _TICKS_MASK < _JUMP_MS:
                return
        self._jump_ms = -1
        self._moved_ms = now_ms
        self._level_mm = level_mm
        self._ladder.sample(level_mm)
        self.state = self._ladder.name
        self._remember(now_ms)

    def _remember(self, now_ms: int) -> None:
        if self._steps and (now_ms - self._step_ms) & _TICKS_MASK < _RATE_STEP_MS:
            return
        self._step_ms = now_ms
        self._history_mm[self._steps % _RATE_STEPS] = self._level_mm
        self._steps += 1

    def _rate_mm_h(self) -> int | None:
        steps = min(self._steps, _RATE_STEPS)
        if steps < _RATE_LEAST_STEPS:
            return None
        oldest_mm = self._history_mm[(self._steps - steps) % _RATE_STEPS]
        newest_mm = self._history_mm[(self._steps - 1) % _RATE_STEPS]
        return (newest_mm - oldest_mm) * 3600000 // ((steps - 1) * _RATE_STEP_MS)
