"""`haidang replay`: plays a recorded trace to a virtual board and tells what its sensors say.

The board runs the real application without a network; see docs/sensors/README.md for the file.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from haidang_board.errors import BoardError
from haidang_board.rig import Board
from haidang_board.world import World

from haidang_tools import flash, traces
from haidang_tools.board import SerialBoard
from haidang_tools.errors import InputRefused, ToolError
from haidang_tools.provision import check_on_board
from haidang_tools.traces import Trace

_MAC = "240ac4000001"
# 160 KiB for the application, the virtual board's own ROM and what makes time fast.
_HEAP = "230K"
# Between the begin of the board's life and the trace's: sensors warm up in the first row's world.
_LEAD_S = 240.0
_SLICE_S = 30.0
_LOOK_S = 0.2
# What a sensor still does with the last row.
_TAIL_S = 15.0
_CHANGE = re.compile(rb"^ *(\d+) I report: (\w+): (\w*), health (\w+)", re.MULTILINE)
# Which sensors see a column.
_SENSOR_OF = {
    "smoke": ("smoke_ppm", "smoke_mv", "smoke_open", "smoke_short", "contact"),
    "flood": ("water_mm", "distance_mm", "level_silent", "float"),
    "footfall": ("phones",),
    "env": ("temp_c", "rh_pct", "air_fault"),
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    # A sensor that has been burnt in.
    "smoke": {"burn_in_h": 0},
    "flood": {},
    "footfall": {"window_s": 60},
    "env": {},
}


class Change(NamedTuple):
    """A sensor's new state or health, at a time of the trace."""

    t_s: float
    sensor: str
    state: str
    health: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", type=Path, help="a CSV trace: t_s and columns such as smoke_ppm")
    parser.add_argument(
        "--config", type=Path, help="a node.json whose sensors are played to; else all defaults"
    )
    parser.add_argument(
        "--image", type=Path, help="flash file, kept: the next replay with it starts sooner"
    )
    parser.add_argument("--real-time", action="store_true", help="as fast as it was recorded")
    parser.add_argument(
        "--lead-s",
        type=float,
        default=_LEAD_S,
        help="how long the first row's world stands before (%(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per change")


def run(args: argparse.Namespace) -> int:
    """Play the file and print each change as it comes."""
    trace = traces.load(args.file)
    sensors = _sensors(trace, args.config)
    print(f"{args.file}: {len(trace.rows)} rows, {trace.seconds:g} s", file=sys.stderr)
    fast = not args.real_time
    changes = replay(trace, sensors, image=args.image, lead_s=args.lead_s, fast=fast)
    for change in changes:
        if args.json:
            print(json.dumps(change._asdict()), flush=True)
        else:
            print(
                f"{change.t_s:10.1f} s  {change.sensor}: {change.state}, health {change.health}",
                flush=True,
            )
    return 0


def replay(
    trace: Trace,
    sensors: dict[str, Any],
    *,
    image: Path | None = None,
    lead_s: float = _LEAD_S,
    fast: bool = True,
) -> Iterator[Change]:
    """What the sensors of a virtual board tell, as it comes; times are the trace's.

    `sensors` is that table of node.json; `image` the board's flash, a fresh one if None. What is
    told before the trace begins has times below its first. InputRefused where the node refuses
    `sensors`, ToolError where the board does not live through it.
    """
    world = World()
    world.wifi_up = False
    with tempfile.TemporaryDirectory() as folder:
        try:
            flash_file = image or Path(folder) / "flash.img"
            with Board(flash_file, _MAC, world, _HEAP) as board:
                yield from _played(board, trace, sensors, lead_s, fast=fast)
        except BoardError as error:
            raise ToolError(str(error)) from error


def script(trace: Trace, world: World, sensors: dict[str, Any]) -> list[Any]:
    """The rows as things to be done in a world, each at its time of the trace."""
    return [(row.t_s, partial(_apply, world, row.values, sensors)) for row in trace.rows]


def _played(
    board: Board, trace: Trace, sensors: dict[str, Any], lead_s: float, *, fast: bool
) -> Iterator[Change]:
    _install(board, sensors)
    world, first_s = board.world, trace.rows[0].t_s
    _apply(world, trace.rows[0].values, sensors)
    board.fast = fast
    board.power_on()
    # The trace begins here; the board's own uptime began before, on a busy machine seconds before.
    began_s = world.now_s
    offset_s = first_s - lead_s - (began_s - board.power_on_s)
    world.play([(lead_s + at_s - first_s, do) for at_s, do in script(trace, world, sensors)])
    end_s = began_s + lead_s + trace.seconds + _TAIL_S
    told_ms = -1
    while True:
        left_s = end_s - world.now_s
        _pass(board, min(left_s, _SLICE_S if fast else _LOOK_S), fast=fast)
        before_ms = told_ms
        for up_ms, change in _changes(board.console, offset_s):
            if up_ms > before_ms:
                yield change
                told_ms = up_ms
        if left_s <= 0:
            return


def _install(board: Board, sensors: dict[str, Any]) -> None:
    document = {
        "v": 1,
        "wifi": [{"ssid": "replay", "key": "no network here"}],
        "broker": {"host": "192.0.2.1"},
        "sensors": sensors,
        "report_s": 60,
        "heartbeat_s": 3600,
    }
    board.power_on()
    with SerialBoard(board.port) as serial:
        flash.install(serial, flash.application(flash.SOURCE, serial.facts()))
        data = json.dumps(document).encode()
        check_on_board(serial, data)
        serial.put("/node.json", data)
    board.power_off()


def _pass(board: Board, seconds: float, *, fast: bool) -> None:
    if fast:
        board.hurry(max(1, round(seconds * 1000)))
    else:
        time.sleep(max(0.0, seconds))


def _changes(console: bytes, offset_s: float) -> Iterator[tuple[int, Change]]:
    for up, sensor, state, health in _CHANGE.findall(console):
        words = (word.decode() for word in (sensor, state, health))
        yield int(up), Change(round(int(up) / 1000 + offset_s, 3), *words)


def _sensors(trace: Trace, config: Path | None) -> dict[str, Any]:
    if config is None:
        wanted = [kind for kind, names in _SENSOR_OF.items() if {*names} & {*trace.columns}]
        if "float" in trace.columns:
            raise InputRefused("a trace with float needs --config: its float_pin is not default")
        return {kind: dict(_DEFAULTS[kind]) for kind in wanted or ["env"]}
    try:
        sensors = json.loads(config.read_text(encoding="utf-8-sig"))["sensors"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputRefused(f"{config}: no node.json with sensors: {error}") from error
    if not isinstance(sensors, dict):
        raise InputRefused(f"{config}: sensors must be an object in {{ }}")
    return sensors


def _apply(world: World, values: dict[str, float | str], sensors: dict[str, Any]) -> None:
    for name, value in values.items():
        if name in _PLAIN:
            setattr(world, _PLAIN[name], value)
        else:
            _SPECIAL[name](world, value, sensors)


def _set_water(world: World, value: Any, sensors: dict[str, Any]) -> None:
    world.mount_mm = sensors.get("flood", {}).get("mount_mm", world.mount_mm)
    world.water_mm = round(value)


def _set_float(world: World, value: Any, sensors: dict[str, Any]) -> None:
    pin = sensors.get("flood", {}).get("float_pin", -1)
    if pin >= 0:
        world.set_level(pin, 0 if value else 1)


def _set_contact(world: World, value: Any, sensors: dict[str, Any]) -> None:
    pin = sensors.get("smoke", {}).get("contact_pin", 27)
    if pin >= 0:
        world.set_level(pin, 0 if value else 1)


def _set_air_fault(world: World, value: Any, sensors: dict[str, Any]) -> None:
    del sensors
    world.air_fault = "" if value == "none" else value


_PLAIN = {
    "smoke_ppm": "smoke_ppm",
    "smoke_mv": "smoke_pin_mv",
    "smoke_open": "smoke_open",
    "smoke_short": "smoke_short",
    "distance_mm": "told_mm",
    "level_silent": "ultrasonic_silent",
    "temp_c": "temp_c",
    "rh_pct": "humidity_pct",
    "phones": "phones",
    "supply_mv": "supply_mv",
}
_SPECIAL: dict[str, Callable[[World, Any, dict[str, Any]], None]] = {
    "contact": _set_contact,
    "water_mm": _set_water,
    "float": _set_float,
    "air_fault": _set_air_fault,
}
