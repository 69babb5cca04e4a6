"""Real nodes among the simulated ones: virtual boards with the compiled application in flash."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import stand
from bench.chain_books import Books
from haidang_board.rig import Board
from haidang_tools.demo.settings import DemoNode

SMOKE = DemoNode("240ac4100001", "smoke", "market-3", "board")
FLOOD = DemoNode("240ac4100002", "flood", "street-1", "board")
_SENSORS: dict[str, dict[str, Any]] = {
    "smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 5},
    "flood": {"mount_mm": 3000, "watch_mm": 50, "warning_mm": 100, "danger_mm": 150},
}
_SILENT = 0.2
_CONTACT_CLOSED = 0.3
_FLOOD_MM = 200


class Boards:
    """Their power comes and goes; `books` tell what they promised to keep."""

    def __init__(self, folder: Path, nodes: tuple[DemoNode, ...]) -> None:
        """`start` makes them."""
        self.nodes = nodes
        self.books = Books()
        self.cuts = 0
        self._folder = folder
        self._boards: list[Board] = []

    def start(self, ca: Path, broker_port: int) -> None:
        """Make them and give them power."""
        for node in self.nodes:
            sensors = {node.sensor: _SENSORS[node.sensor]}
            board = stand.board(self._folder, ca, node.mac, broker_port, sensors=sensors)
            board.world.contact_closed = False
            self._boards.append(board)
        self.power_on()

    def power_on(self) -> None:
        """Those without power get it."""
        dark = [board for board in self._boards if not board.powered]
        with ThreadPoolExecutor(max(1, len(dark))) as pool:
            list(pool.map(lambda board: board.power_on(), dark))

    def cut(self) -> None:
        """kill -9: what is not in flash is gone. Their books are closed."""
        for board in self._boards:
            if board.powered:
                board.power_off()
                self.cuts += 1
                nvs = stand.nvs_of(self._folder, board.mac)
                self.books.close_life(f"n-{board.mac}", nvs, board.console)

    def stir(self, chance: random.Random) -> None:
        """Something happens around them: contacts, a broken wire, water, a mute meter."""
        for board in self._boards:
            world = board.world
            world.smoke_open = not world.smoke_open
            world.contact_closed = chance.random() < _CONTACT_CLOSED
            world.water_mm = max(0, min(_FLOOD_MM, world.water_mm + chance.randint(-30, 40)))
            world.ultrasonic_silent = chance.random() < _SILENT

    def close(self) -> None:
        """The end of all of them."""
        for board in self._boards:
            board.close()
        self._boards = []
