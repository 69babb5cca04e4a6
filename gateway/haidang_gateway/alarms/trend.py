"""Whether a crowd grows so fast that the next level is near."""

from haidang_gateway.alarms import levels
from haidang_gateway.alarms.document import State
from haidang_gateway.model import CrowdSeen
from haidang_gateway.site import CrowdZone

# One sample in so long, and so many: the slope over two and a half minutes.
_SAMPLE_MS = 30_000
_SAMPLES = 6
_LEAST_MS = 60_000


def followed(
    state: State, fact: CrowdSeen, zone: CrowdZone, sustain_ms: int, lead_ms: int
) -> State:
    """The news of the trend after one count; it must hold like a level, and longer to end."""
    if fact.density_m2 is None:
        return {}
    samples = [sample for sample in state.get("trend", []) if _is_near(sample[0], fact.at_ms)]
    soon = _soon_ms(samples, fact, zone)
    was = state.get("growth") or levels.new_track(1, fact.at_ms)
    growth = levels.mark(was, 1 if soon is not None and soon <= lead_ms else 0, fact.at_ms)
    if not samples or fact.at_ms - samples[-1][0] >= _SAMPLE_MS:
        samples = [*samples, [fact.at_ms, fact.density_m2]][-_SAMPLES:]
    growth = levels.settle(growth, fact.at_ms, sustain_ms, max(2 * sustain_ms, _LEAST_MS))
    return {"trend": samples, "growth": growth}


def is_growing(state: State) -> bool:
    """Whether the next level is near."""
    return bool(state.get("growth", {}).get("rank"))


def _is_near(at_ms: int, now_ms: int) -> bool:
    return 0 <= now_ms - at_ms <= _SAMPLE_MS * _SAMPLES


def _soon_ms(samples: list[list[float]], fact: CrowdSeen, zone: CrowdZone) -> float | None:
    """Time to the next level at the slope since the oldest sample; None where it does not rise."""
    density = fact.density_m2 or 0.0
    above = [level for level in zone.levels_m2 if level > density]
    if not samples or not above or fact.at_ms - samples[0][0] < _LEAST_MS:
        return None
    slope = (density - samples[0][1]) / (fact.at_ms - samples[0][0])
    return (min(above) - density) / slope if slope > 0 else None
