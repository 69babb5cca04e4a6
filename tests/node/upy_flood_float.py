"""A float beside the meter, or alone: it lifts the state, and a contradiction is a fault."""

import micropython
from haidang_node.sensors.drivers import a02yyuw
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.flood_float import FloatAlone, FloodAndFloat

from board_parts import EndlessUart
from flood_street import SETTINGS, Air, FloodStreet


def test_a_float_lifts_the_state_even_where_the_meter_is_silent() -> None:
    up = [0]
    bench = FloodStreet(closed=lambda: up[0])
    bench.run(10, 450)
    assert bench.flood.state == "watch"
    up[0] = 1
    bench.run(3, 450)
    assert bench.flood.state == "warning"
    assert bench.values()["flood/float"] is True
    bench.run(7)
    values = bench.values()
    assert values == {"flood/health": "silent", "flood/float": True, "flood/state": "warning"}
    up[0] = 0
    bench.run(20, 450)
    assert bench.flood.state == "watch"


def test_a_float_that_dances_on_the_waves_changes_nothing() -> None:
    looks = [0]

    def closed():
        looks[0] += 1
        return looks[0] % 2

    bench = FloodStreet(closed=closed)
    bench.run(60, 100)
    assert bench.flood.state == "normal"


def test_float_and_meter_that_contradict_each_other_are_a_fault() -> None:
    for level_mm, up in ((20, 1), (700, 0)):
        bench = FloodStreet(closed=lambda up=up: up)
        bench.run(40, level_mm)
        assert bench.flood.health == "ok"
        bench.run(60, level_mm)
        assert bench.flood.health == "stuck"
        assert bench.flood.contradicts()
        assert bench.flood.state == "warning"


def test_a_float_alone_tells_the_state_of_its_height() -> None:
    up = [0]
    alone = FloatAlone(dict(SETTINGS, float_mm=850), lambda: up[0])
    for step in range(3):
        alone.sample(step * 250)
    assert [record.value for record in alone.records()] == ["warming"]
    for step in range(8):
        alone.sample(step * 250)
    assert alone.changed()
    assert alone.normal
    up[0] = 1
    for step in range(16):
        alone.sample(step * 250)
    assert alone.changed()
    values = {record.name: record.value for record in alone.records()}
    assert values == {"flood/health": "ok", "flood/float": True, "flood/state": "danger"}


def _frame(distance_mm):
    head = bytes([0xFF, distance_mm >> 8, distance_mm & 0xFF])
    return head + bytes([sum(head) & 0xFF])


def test_sampling_allocates_nothing() -> None:
    meter = a02yyuw.make(SETTINGS, EndlessUart(_frame(2600)).readinto, None)
    plain = Flood(SETTINGS, meter, Air(3000))
    floating = FloodAndFloat(lambda: 1, SETTINGS, meter)
    micropython.heap_lock()
    try:
        for step in range(400):
            plain.sample(step * 250)
            floating.sample(step * 250)
            plain.changed()
    finally:
        micropython.heap_unlock()
    assert plain.state == "watch"
    assert floating.state == "warning"
