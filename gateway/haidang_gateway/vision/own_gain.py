"""A camera's own factor for its counts, learnt from pictures of it that were counted by hand."""

from dataclasses import replace

from haidang_gateway.vision.picture import CrowdCount


def corrected(seen: CrowdCount, gain: float) -> CrowdCount:
    """Return `gain` times as many people, interval and map with them; 1 leaves all as it is."""
    if gain == 1.0:
        return seen
    return replace(
        seen,
        count=seen.count * gain,
        low=seen.low * gain,
        high=seen.high * gain,
        density_map=seen.density_map * seen.density_map.dtype.type(gain),
    )
