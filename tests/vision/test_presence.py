"""Signs of life, silence and configuration of cameras, as values."""

from itertools import pairwise
from pathlib import Path

import pytest
from haidang_gateway.errors import ConfigError
from haidang_gateway.model import Heard, Silence
from haidang_gateway.settings import CameraSettings, EvidenceSettings
from haidang_gateway.vision.lines import AliveLine, FaultLine, FlameLine
from haidang_gateway.vision.posts import post_of, zone_area_m2
from haidang_gateway.vision.presence import Presence, Spot
from hypothesis import given
from hypothesis import strategies as st

ALIVE = AliveLine(frames=1, dropped=0, fps=5.0, at_ms=7)
FAULT = FaultLine(error="no answer", hint="Look at the cable", at_ms=7)
FLAMES = FlameLine(active=True, score=0.9, box=None, at_ms=7)
PERSPECTIVE = (
    ((0.3, 0.4), (0.0, 0.0)),
    ((0.7, 0.4), (10.0, 0.0)),
    ((1.0, 1.0), (10.0, 20.0)),
    ((0.0, 1.0), (0.0, 20.0)),
)


def presence():
    return Presence(Spot(source="camera:east", place="market-3"), silence_ms=20_000, now_ms=0)


def kinds(facts):
    return [type(fact).__name__ for fact in facts]


def test_the_first_sign_of_life_is_told_even_without_a_silence_before():
    # The gateway may have told a silence before it was restarted; somebody must end it.
    assert kinds(presence().hear(ALIVE, 100)) == ["Heard", "HealthFact"]


def test_life_that_goes_on_is_no_news():
    seen = presence()
    seen.hear(ALIVE, 100)
    assert seen.hear(ALIVE, 200) == []


def test_a_camera_that_never_spoke_is_silent_after_the_limit():
    seen = presence()
    assert seen.check(19_999) == []
    assert kinds(seen.check(20_000)) == ["Silence"]
    assert seen.check(60_000) == []


def test_faults_and_sightings_are_no_sign_of_life():
    seen = presence()
    seen.hear(ALIVE, 0)
    for now_ms in range(1000, 21_000, 1000):
        seen.hear(FAULT, now_ms)
        seen.hear(FLAMES, now_ms)
    assert [f.since_ms for f in seen.check(21_000)] == [0]


def test_a_fault_is_told_once_and_its_end_too():
    seen = presence()
    seen.hear(ALIVE, 0)
    lines = (FAULT, FAULT, ALIVE, ALIVE)
    told = [fact.health for i, line in enumerate(lines) for fact in seen.hear(line, 100 * i)]
    assert told == ["silent", "ok"]


@given(st.lists(st.tuples(st.integers(0, 30_000), st.sampled_from((ALIVE, FAULT, FLAMES, None)))))
def test_silence_and_return_alternate(story):
    seen, now_ms, told = presence(), 0, []
    for past_ms, line in story:
        now_ms += past_ms
        facts = seen.check(now_ms) if line is None else seen.hear(line, now_ms)
        told += [type(fact) for fact in facts if isinstance(fact, Silence | Heard)]
    assert all(before is not after for before, after in pairwise(told))


def camera(**changes):
    return CameraSettings(id="east", place="market-3", url="rtsp://10.0.0.7/1", **changes)


def test_a_camera_without_a_zone_watches_its_whole_picture():
    post = post_of(camera(), Path("/models"), Path("/data"), EvidenceSettings())
    assert (post.source, post.place, post.worker.models_dir) == (
        "camera:east",
        "market-3",
        "/models",
    )
    (zone,) = post.worker.zones
    assert (zone.id, zone.area_m2, len(zone.polygon)) == ("east", None, 4)


def test_the_area_is_measured_through_the_ground_points():
    assert zone_area_m2(camera(ground=PERSPECTIVE, zone=tuple(p for p, _ in PERSPECTIVE))) == (
        pytest.approx(200)
    )
    assert zone_area_m2(camera(ground=PERSPECTIVE, area_m2=180.0)) == 180.0


def test_a_zone_that_reaches_into_the_sky_is_refused():
    with pytest.raises(ConfigError, match="not on the ground"):
        zone_area_m2(camera(ground=PERSPECTIVE))
