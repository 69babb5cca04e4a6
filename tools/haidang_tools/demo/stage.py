"""The scenario's hands: sets the worlds around the boards, the camera's scene and the line."""

from haidang_tools.demo.city import City
from haidang_tools.demo.scene_process import SceneProcess
from haidang_tools.demo.settings import FLOOD, FOOTFALL, SMOKE

_PASSERS_BY = 12


class CityStage:
    """Moves a running `City`; without a scene the camera shows what its own source shows."""

    def __init__(self, city: City, scene: SceneProcess | None) -> None:
        """Keep both."""
        self._city = city
        self._scene = scene
        for world in city.worlds.values():
            world.phones = _PASSERS_BY
            world.probe_period_s = 5.0

    def smoke(self, ppm: float) -> None:
        """Smoke at the market's node."""
        if world := self._city.worlds.get(SMOKE.id):
            world.smoke_ppm = ppm

    def flames(self, growth: float) -> None:
        """Flames and smoke rendered into the camera's picture."""
        if self._scene is not None:
            self._scene.order(fire=round(growth, 1))

    def water(self, level_mm: int) -> None:
        """Water over the street."""
        if world := self._city.worlds.get(FLOOD.id):
            world.water_mm = level_mm

    def people(self, share: float) -> None:
        """How much of the street shows its people; the rest shows it empty."""
        if self._scene is not None:
            self._scene.order(people=round(share, 1))

    def silence(self) -> None:
        """Cuts the power of the footfall node."""
        board = self._city.boards.get(FOOTFALL.id)
        if board is not None and board.powered:
            board.power_off()

    def wake(self) -> None:
        """Gives the footfall node its power back."""
        board = self._city.boards.get(FOOTFALL.id)
        if board is not None and not board.powered:
            board.power_on()

    def uplink(self, up: bool) -> None:
        """Cuts or mends the line to the centre."""
        self._city.line.set_up(up)
