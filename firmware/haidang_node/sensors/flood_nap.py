"""A flood meter on a battery node: what it needs behind a deep sleep, when it may sleep again."""

from micropython import const

_STATES = ("normal", "watch", "warning", "danger")
# Of the ten calm blocks that end a state: the sleep itself was calm.
_SLEPT_BLOCKS = const(8)
_TICKS_MASK = const((1 << 30) - 1)
# Longer makes no difference to the gauge.
_LONGEST_MS = const(1 << 22)


def kept(sensor, now_ms: int) -> str:
    """Level, zero trim, for how long nothing was believed, and when; no semicolon, no slash."""
    gauge = sensor.gauge
    if not gauge.started:
        return ""
    return "%d,%d,%d,%d" % (gauge.level_mm, gauge.trim_mm, gauge.blind_ms, now_ms)


def resume(sensor, state: str, health: str, text: str, now_ms: int) -> None:
    """What was told before the sleep, and what kept() gave."""
    sensor.state, sensor.health = state, health
    sensor.changed()
    sensor.health = "warming"
    sensor.rank = _STATES.index(state)
    sensor.calm = _SLEPT_BLOCKS
    sensor.before_mm = 0
    if text:
        level_mm, trim_mm, blind_ms, at_ms = [int(value) for value in text.split(",")]
        slept_ms = (now_ms - at_ms) & _TICKS_MASK
        gauge = sensor.gauge
        gauge.level_mm, gauge.trim_mm = level_mm, trim_mm
        gauge.blind_ms = min(blind_ms + slept_ms, _LONGEST_MS)
        gauge.started = True


def busy(sensor) -> bool:
    """Whether the node should stay awake: no level yet, or the state may change."""
    rank = sensor.rank
    rises = rank < len(sensor.thresholds) and sensor.gauge.level_mm >= sensor.thresholds[rank]
    return sensor.health == "warming" or rank > 0 or rises
