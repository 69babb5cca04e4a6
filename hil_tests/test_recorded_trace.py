"""A recorded trace at the board's own inputs: `--hil-trace FILE`, a short one without it."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from haidang_tools import traces
from haidang_tools.brokers import Broker
from haidang_tools.traces import Trace
from rig.bench import AIR_PROBE, CONTACT, FAST_TIME, LEVEL_UART, SMOKE_ADC, Bench
from rig.choice import option
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_SHORT = "t_s,contact,water_mm\n0,0,0\n3,1,0\n8,0,0\n"
_NEEDS = {
    "smoke_ppm": SMOKE_ADC,
    "contact": CONTACT,
    "water_mm": LEVEL_UART,
    "distance_mm": LEVEL_UART,
    "temp_c": AIR_PROBE,
    "rh_pct": AIR_PROBE,
}
_KIND = {SMOKE_ADC: "smoke", CONTACT: "smoke", LEVEL_UART: "flood", AIR_PROBE: "env"}
_SENSORS = {
    "smoke": {"warmup_s": 5, "burn_in_h": 0, "latch_s": 0},
    "flood": {"mount_mm": 3000},
    "env": {"driver": "sht3x"},
}
_MOUNT_MM = 3000


def test_a_trace_is_played_at_the_boards_inputs(
    bench: Bench,
    node: Node,
    broker: Broker,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    given = option(pytestconfig, "--hil-trace")
    trace = traces.load(Path(given)) if given else traces.read(io.StringIO(_SHORT), "short")
    columns = _playable(trace, bench)
    kinds = sorted({_KIND[_NEEDS[column]] for column in columns})
    node.prepare(sensors={kind: _SENSORS[kind] for kind in kinds})
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=FAST_TIME not in bench.lacks)
        wait_until(lambda: len(gateway.packs) > 1, "the first readings", 60)
        _play(bench, trace, columns)
        if not given:
            wait_until(lambda: "alarm" in gateway.seen("smoke/state"), "the alarm")
        for kind in kinds:
            record_property(kind, [str(word) for word in gateway.seen(f"{kind}/state")])
        assert gateway.bad == []


def _playable(trace: Trace, bench: Bench) -> list[str]:
    """The columns that this bench can play; skips where there is none."""
    able = [name for name in trace.columns if name in _NEEDS and _NEEDS[name] not in bench.lacks]
    if not able:
        pytest.skip(f"this bench can play none of {', '.join(trace.columns)}")
    return able


def _play(bench: Bench, trace: Trace, columns: list[str]) -> None:
    now: dict[str, float] = {"temp_c": 30.0, "rh_pct": 70.0}
    for row, following in zip(trace.rows, (*trace.rows[1:], None), strict=True):
        news = {name: float(row.values[name]) for name in columns if name in row.values}
        now |= news
        _set(bench, news, now)
        pause_s = 5.0 if following is None else following.t_s - row.t_s
        if pause_s > 0:
            bench.pass_time(round(pause_s * 1000))


def _set(bench: Bench, news: dict[str, float], now: dict[str, float]) -> None:
    if "smoke_ppm" in news:
        bench.set_smoke_ppm(news["smoke_ppm"])
    if "contact" in news:
        bench.set_contact(bool(news["contact"]))
    if "water_mm" in news:
        bench.set_water_mm(round(news["water_mm"]))
    if "distance_mm" in news:
        bench.set_water_mm(round(_MOUNT_MM - news["distance_mm"]))
    if "temp_c" in news or "rh_pct" in news:
        bench.set_air(now["temp_c"], now["rh_pct"])
