"""Zones, counts and ground areas."""

import numpy as np
import pytest
from haidang_gateway.errors import ConfigError
from haidang_gateway.vision.crowd import ZoneCount, zone_mask
from haidang_gateway.vision.ground import Ground, polygon_area
from hypothesis import assume, given
from hypothesis import strategies as st

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
unit = st.floats(0, 1)


def test_people_outside_the_zone_are_not_counted():
    density = np.zeros((12, 16), dtype=np.float32)
    density[:, :4] = 0.25
    density[:, 12:] = 1.0
    seen = ZoneCount(LEFT_HALF, area_m2=24.0).see(density, low_share=0.5, high_share=2.0)
    assert (seen.count, seen.low, seen.high, seen.density_m2) == (12.0, 6.0, 24.0, 0.5)


def test_one_wild_picture_does_not_move_the_count():
    zone = ZoneCount(SQUARE)
    people = np.full((12, 16), 10 / 192, dtype=np.float32)
    counts = [
        zone.see(people * factor, low_share=1, high_share=1).count for factor in (1, 1, 1, 9, 1)
    ]
    assert counts[-1] == 10.0


def test_an_unknown_area_gives_no_density():
    seen = ZoneCount(SQUARE).see(np.ones((3, 4), dtype=np.float32), low_share=1, high_share=1)
    assert seen.density_m2 is None


def test_a_zone_of_two_points_is_refused():
    with pytest.raises(ConfigError, match="three points"):
        ZoneCount(((0.0, 0.0), (1.0, 1.0)))


@given(st.tuples(unit, unit, unit, unit))
def test_the_mask_of_a_rectangle_has_its_area(corners):
    left, right = sorted(corners[:2])
    top, bottom = sorted(corners[2:])
    mask = zone_mask(((left, top), (right, top), (right, bottom), (left, bottom)), 24, 32)
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert mask.mean() == pytest.approx((right - left) * (bottom - top), abs=0.03)


def test_zones_that_share_a_border_count_nobody_twice():
    right = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
    assert np.allclose(zone_mask(LEFT_HALF, 10, 13) + zone_mask(right, 10, 13), 1)


def test_a_square_seen_in_perspective_keeps_its_area():
    picture = ((0.3, 0.4), (0.7, 0.4), (1.0, 1.0), (0.0, 1.0))
    ground = Ground(picture, ((0, 0), (10, 0), (10, 20), (0, 20)))
    assert ground.area_m2(picture) == pytest.approx(200.0)
    near = ground.area_m2(((0.4, 0.9), (0.6, 0.9), (0.6, 0.95), (0.4, 0.95)))
    far = ground.area_m2(((0.4, 0.45), (0.6, 0.45), (0.6, 0.5), (0.4, 0.5)))
    assert far > near * 3


def test_the_sky_has_no_position_on_the_ground():
    picture = ((0.3, 0.4), (0.7, 0.4), (1.0, 1.0), (0.0, 1.0))
    ground = Ground(picture, ((0, 0), (10, 0), (10, 20), (0, 20)))
    with pytest.raises(ConfigError, match="not on the ground"):
        ground.to_metres((0.5, 0.0))


def test_three_points_on_a_line_are_refused():
    with pytest.raises(ConfigError, match="one line"):
        Ground(((0, 0), (0.5, 0.5), (1, 1), (0, 1)), ((0, 0), (1, 0), (1, 1), (0, 1)))


def test_points_in_crossed_order_are_refused():
    with pytest.raises(ConfigError, match="not on the ground"):
        Ground(((0, 0), (1, 0), (1, 1), (0, 1)), ((0, 0), (1, 0), (0, 1), (1, 1)))


@given(st.tuples(unit, unit), st.floats(0.2, 5), st.floats(0.2, 5))
def test_a_view_from_above_scales_only(point, wide, deep):
    ground = Ground(SQUARE, ((0, 0), (wide, 0), (wide, deep), (0, deep)))
    x, y = ground.to_metres(point)
    assert (x, y) == (
        pytest.approx(point[0] * wide, abs=1e-6),
        pytest.approx(point[1] * deep, abs=1e-6),
    )


@given(st.lists(st.tuples(unit, unit), min_size=3, max_size=8))
def test_area_does_not_depend_on_the_direction(points):
    assume(len(set(points)) >= 3)
    assert polygon_area(points) == pytest.approx(polygon_area(points[::-1]))
