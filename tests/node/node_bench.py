"""A node on the virtual board for tests: its image, its certificates, its broker."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from bench import stand
from haidang_board.rig import Board
from haidang_tools import flash
from haidang_tools.brokers import Broker, certificates
from stand_in_gateway import StandInGateway
from waiting import DEADLINE_S, wait_until

FIRMWARE = flash.SOURCE
MAC = "240ac4000001"
NODE = "n-" + MAC
HEAP = stand.NODE_HEAP
_MPREMOTE = Path(sys.executable).parent / "mpremote"


class Boards:
    """Makes boards with the application in flash; `newest` is the last one, `nvs` its NVS."""

    def __init__(self, folder: Path) -> None:
        """Their images lie in `folder`."""
        self.newest: Board | None = None
        self.nvs = folder
        self._folder = folder
        self._made = 0

    def flashed(self, own: dict[str, bytes], mac: str = MAC, **options: Any) -> Board:
        """A board without power; `own` is what it has beside the application, by path."""
        self._made += 1
        image = self._folder / f"board-{self._made}.img"
        stand.write_image(image, stand.application(FIRMWARE) | own, f"n-{mac}")
        self.nvs = image.with_suffix(".img.nvs.json")
        self.newest = Board(image, mac, heap=HEAP, **options)
        return self.newest


class Bench(Boards):
    """Certificates and the gateway's broker for many tests, and boards for one test each."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder."""
        super().__init__(folder)
        self.ca = folder / "ca"
        self.broker = Broker("gateway", self.ca, folder / "broker")

    def __enter__(self) -> Self:
        """Issue the certificates, start the broker."""
        certificates(self.ca, "broker-gateway", "gw-01", "gw-01-alarm", NODE)
        self.broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the broker."""
        self.broker.stop()

    def board(self, document: dict[str, Any], ca: Path | None = None, **options: Any) -> Board:
        """A board without power, provisioned with `document` and its certificates."""
        return self.flashed(stand.identity(ca or self.ca, NODE, document), **options)

    def gateway(self, *, acknowledging: bool = True) -> StandInGateway:
        """A gateway at the broker; its user opens it."""
        return StandInGateway(self.ca, self.broker.port, NODE, acknowledging=acknowledging)


def at_the_board(board: Board, *command: str) -> str:
    """What a technician does by mpremote, the application stopped.

    Not while it starts: Unix MicroPython raises Ctrl-C amid a collection and leaves its heap
    locked; a chip does not.
    """
    wait_until(
        lambda: b"connected" in board.console or b"safe mode" in board.console,
        "a node that has started",
    )
    done = subprocess.run(
        [_MPREMOTE, "connect", board.port, *command],
        check=True,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    return done.stdout


def reply(gw: StandInGateway, order_id: str, number: int = 0) -> dict[str, Any]:
    """The `number`th reply to an order."""

    def seen() -> list[dict[str, Any]]:
        found = [one for one in gw.replies if one["id"] == order_id]
        return found[number : number + 1]

    return wait_until(seen, f"reply {number} to {order_id}", 60)[0]


def working(gw: StandInGateway) -> dict[str, Any]:
    """The newest status once there is one."""
    wait_until(lambda: gw.statuses and gw.seen("node/heap_free"), "a working node", 60)
    return gw.statuses[-1]
