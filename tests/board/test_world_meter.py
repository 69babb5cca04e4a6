"""What the world's level meters say, read by the node's own drivers."""

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
from haidang_board.physics_echoes import ParkedCar, Scene
from haidang_board.physics_water import DayHeat, Runoff, Water
from haidang_board.world import World
from haidang_board.world_meter import Ultrasonic

_SHIM = types.ModuleType("micropython")
_SHIM.const = lambda number: number  # type: ignore[attr-defined]
_DRIVERS = {
    "a02yyuw": "a02yyuw",
    "jsn_sr04t": "jsn_sr04t",
    "aj_sr04m": "jsn_sr04t",
    "mb73xx": "mb73xx",
}


def _driver(name: str, readinto: Callable[[bytearray], int | None], write: Any) -> Any:
    sys.modules.setdefault("micropython", _SHIM)
    module = __import__(f"haidang_node.sensors.drivers.{_DRIVERS[name]}", fromlist=["make"])
    return module.make({"driver": name}, readinto, write)


class _Wired:
    """The world's meter on a driver's UART, without a board between."""

    def __init__(self, world: World, make: str) -> None:
        self.world = world
        world.meter = make
        self._device = Ultrasonic(world)
        self._now_s = 0.0
        self._line = b""
        self.driver = _driver(make, self._readinto, lambda data: world.heard(16, data))

    def read(self) -> int | None:
        """One reading, 250 ms after the last one."""
        for _ in range(2):
            self._now_s += 0.125
            self._line += self._device.due(self._now_s)
        told: int | None = self.driver.read()
        return told

    def _readinto(self, buffer: bytearray) -> int | None:
        count = min(len(buffer), len(self._line))
        buffer[:count] = self._line[:count]
        self._line = self._line[count:]
        return count or None


@pytest.mark.parametrize("make", _DRIVERS)
def test_every_make_is_understood_by_its_driver(make: str) -> None:
    world = World()
    world.temp_c, world.water_mm = 25.0, 400
    wired = _Wired(world, make)
    told = [wired.read() for _ in range(12)]
    assert all(abs(mm - 2600) <= 3 for mm in told[2:] if mm is not None)
    assert told.count(None) <= 2, "the first question, the first line"
    assert wired.driver.bad == 0


@pytest.mark.parametrize("make", _DRIVERS)
def test_a_loose_contact_gives_broken_frames_and_no_distances(make: str) -> None:
    world = World()
    world.meter_fault = "cut"
    wired = _Wired(world, make)
    told = [wired.read() for _ in range(40)]
    assert wired.driver.bad > wired.driver.good
    assert sum(bool(mm) for mm in told) <= 8
    world.ultrasonic_silent = True
    wired.read()
    assert wired.read() is None


def test_a_frozen_meter_repeats_itself_while_the_water_rises() -> None:
    world = World()
    world.meter_fault = "frozen"
    wired = _Wired(world, "a02yyuw")
    first = wired.read()
    world.water_mm = 500
    assert [wired.read() for _ in range(5)] == [first] * 5
    world.meter_fault = ""
    assert wired.read() != first


def test_a_scene_s_physics_drive_the_meter_and_its_water_is_the_world_s() -> None:
    world = World()
    water = Water(runoffs=[Runoff(0, 600.0, 60.0)])
    car = ParkedCar(10.0, 20.0, 1450.0)
    world.scene = Scene(water, DayHeat(1, 25.0, 25.1), things=[car])
    wired = _Wired(world, "a02yyuw")
    told = [wired.read() for _ in range(400)]
    on_car = [mm for mm in told[52:72] if mm]
    assert all(abs(mm - 1550) <= 10 for mm in on_car)
    assert abs((told[-1] or told[-2] or 0) - 2400) <= 10
    assert world.water_mm == 600


def test_a_transducer_and_its_broken_wires_are_voltages() -> None:
    world = World()
    assert world.adc_uv(32) == 0
    for kind, wet_mv in (("current", 400 + 1600 * 800 / 5000), ("voltage", 250 + 2000 * 0.16)):
        world.transducer, world.water_mm = kind, 600
        assert world.adc_uv(32) == pytest.approx(wet_mv * 1000, abs=3000)
    world.transducer_fault = "open"
    assert world.adc_uv(32) == 0
    world.transducer_fault = "short"
    assert world.adc_uv(32) > 2_100_000
