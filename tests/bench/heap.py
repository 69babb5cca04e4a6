"""The heap of the whole application on the 64-bit virtual board, without the board's own ROM.

Peak: the smallest heap in which a whole story passes, found by halving: three sensors, TLS, a
backlog drained, an alarm, commands, a killed broker, a self-test, a calibration. Live: the most
that was in use after a collection, seen at every turn of every loop.
"""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from haidang_board.rig import Board
from haidang_tools import flash
from haidang_tools.brokers import Broker, certificates
from stand_in_gateway import StandInGateway
from waiting import wait_until

from bench import stand
from bench.parts import LOG, Figures, main

_MAC = "240ac4000001"
_NODE = f"n-{_MAC}"
_HELD_PACKS = 200
_BOUND_KIB = 160
_WIDE = "4M"
_STEP_KIB = 1
_STEP_S = 90.0
SENSORS = {
    "smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 5, "contact_pin": 32},
    # A level that a jump may reach: what jumps farther stands in the beam.
    "flood": {"watch_mm": 30, "warning_mm": 45, "danger_mm": 60, "hysteresis_mm": 5},
    "footfall": {"window_s": 5},
}
# As the gateway does it: the packs of a second are on their way meanwhile, on any machine.
_COMMIT_S = 1.0
_FAILURES = (b"memory allocation failed", b"MemoryError", b"heap is full")


class TooSmall(Exception):
    """The node did not live through the story in this heap."""


class Site:
    """A broker, certificates and boards for any number of lives of one node."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder."""
        self.folder = folder
        self.ca = folder / "ca"
        self.broker = Broker("gateway", self.ca, folder / "broker")
        self._lives = 0

    def open(self, undo: ExitStack) -> None:
        """Make the certificates, start the broker."""
        certificates(self.ca, "broker-gateway", "gw-01", "gw-01-alarm", _NODE)
        undo.enter_context(self.broker)

    def board(self, heap: str, held: int, files: dict[str, bytes] | None = None) -> Board:
        """A fresh board with a backlog; `heap` counts the ROM's share in."""
        self._lives += 1
        folder = self.folder / f"life-{self._lives}"
        folder.mkdir()
        board = stand.board(
            folder, self.ca, _MAC, self.broker.port, files=files, held=held, sensors=SENSORS
        )
        board.heap = heap
        return board


def live_through(site: Site, board: Board, held: int) -> None:
    """The whole story on one board; TooSmall where the heap does not carry it."""
    world = board.world
    world.phones = 12
    world.probe_period_s = 0.2
    world.water_mm = 20
    with board:
        with _gateway(site) as gateway:
            board.power_on()
            _await(board, lambda: _drained(gateway, held), "the backlog")
            world.smoke_ppm = 2000
            world.water_mm = 66
            _await(board, lambda: "alarm" in gateway.seen("smoke/state"), "the alarm")
            _await(board, lambda: "danger" in gateway.seen("flood/state"), "the flood")
            _await(board, lambda: gateway.seen("footfall/devices"), "a count")
            gateway.order("config", "c-1", {"set": {"report": 5, "sensors": {"rain": {}}}})
            gateway.order("log", "c-2")
            gateway.order("identify", "c-3")
            _await(board, lambda: len(_answers(gateway)) == 3, "the replies")
        site.broker.kill()
        world.smoke_ppm = 0
        _await(board, lambda: b"reaching the gateway failed" in board.console, "the loss")
        site.broker.start()
        with _gateway(site) as later:
            _await(board, lambda: later.statuses and len(later.packs) > 3, "the reconnect")
            if gateway.bad or later.bad:
                raise TooSmall(f"malformed: {gateway.bad + later.bad}")
            later.order("selftest", "c-4")
            _await(board, lambda: "c-4" in _answers(later), "the self-test")
            # Behind its reply it restarts in order.
            later.order("calibrate", "c-5", {"sensor": "flood", "level_mm": 20})
            _await(board, lambda: "c-5" in _answers(later), "the calibration")
            refused = [name for name in ("c-4", "c-5") if not _answers(later)[name]["ok"]]
            if refused or board.boots != 1:
                raise TooSmall(f"{board.boots} starts, {refused}")


def _answers(gateway: StandInGateway) -> dict[str, dict[str, Any]]:
    # By name: what the killed broker had in its hands comes again.
    return {reply["id"]: reply for reply in gateway.replies}


def peak(site: Site, held: int, low_kib: int, high_kib: int) -> tuple[float, float]:
    """Smallest heap in KiB, without the ROM, in which the story passes; and the ROM's KiB."""
    rom_kib = 0.0
    while high_kib - low_kib > _STEP_KIB:
        middle = (low_kib + high_kib) // 2
        board = site.board(f"{middle}K", held)
        try:
            live_through(site, board, held)
        except TooSmall as reason:
            LOG.info("heap %d KiB: too small: %s", middle, reason)
            low_kib = middle
            _restart_broker(site)
        else:
            rom_kib = board.rom_heap_bytes / 1024
            LOG.info("heap %d KiB passes, %.1f of them the ROM's", middle, rom_kib)
            high_kib = middle
    return high_kib - rom_kib, rom_kib


def live(site: Site, held: int) -> dict[str, Any]:
    """Most live bytes over the story, less the ROM's, and the modules that stayed."""
    watcher = Path(__file__).with_name("on_node_heap.py").read_bytes()
    board = site.board(_WIDE, held, {"/main.py": watcher})
    live_through(site, board, held)
    text = board.console.decode(errors="replace")
    most = max(int(n) for n in re.findall(r"HEAP live (\d+)", text))
    modules = re.findall(r"HEAP modules (.*?)\r?\n", text)[-1].split()
    qstrs = re.findall(r"n_qstr=(\d+).*n_total_bytes=(\d+)", text)[-1]
    return {
        "live_kib": round((most - board.rom_heap_bytes) / 1024, 1),
        "modules": [name for name in modules if name.startswith("haidang_")],
        "qstrs": int(qstrs[0]),
        "qstr_bytes": int(qstrs[1]),
    }


def imported(site: Site, modules: list[str]) -> tuple[float, list[str]]:
    """KiB that the resident modules take by being loaded; a row per module."""
    importer = Path(__file__).with_name("on_node_import.py").read_bytes()
    board = site.board(_WIDE, 0, {"/main.py": importer, "/modules": " ".join(modules).encode()})
    with board:
        board.power_on()
        wait_until(lambda: b"IMPORTED" in board.console, "the loaded modules")
        text = board.console.decode(errors="replace")
    total = int(re.findall(r"IMPORTED (\d+)", text)[0])
    return total / 1024, re.findall(r"IMPORT (.*?)\r?\n", text)


def resident_bytes(modules: list[str]) -> int:
    """Bytes of .mpy of these modules."""
    files = stand.application(flash.SOURCE)
    total = 0
    for name in modules:
        path = "/" + name.replace(".", "/")
        total += len(files.get(path + ".mpy") or files[path + "/__init__.mpy"])
    return total


def figures(quick: bool = False) -> Figures:
    """All measurements; quick: one life in the bound and no search."""
    held = 20 if quick else _HELD_PACKS
    with stand.scratch("heap") as folder, ExitStack() as undo:
        site = Site(folder)
        site.open(undo)
        seen = live(site, held)
        _restart_broker(site)
        modules = seen.pop("modules")
        after_import, rows = imported(site, modules)
        for row in sorted(rows, key=lambda row: -int(row.split()[0])):
            LOG.info("import: %s", row)
        result: Figures = {
            "heap_after_import_kib": round(after_import, 1),
            "heap_live_kib": seen["live_kib"],
            "mpy_resident_bytes": resident_bytes(modules),
            "qstrs": seen["qstrs"],
            "qstr_bytes": seen["qstr_bytes"],
        }
        if not quick:
            least, rom = peak(site, held, 120, 260)
            result["heap_peak_kib"] = round(least, 1)
            result["rom_kib"] = round(rom, 1)
    return result


def _gateway(site: Site) -> StandInGateway:
    return StandInGateway(site.ca, site.broker.port, _NODE, telemetry_commit_s=_COMMIT_S)


def _drained(gateway: StandInGateway, held: int) -> bool:
    return sum(1 for key in list(gateway.packs) if key[1] == 1) >= held


def _restart_broker(site: Site) -> None:
    # Without what an unfinished story left retained.
    site.broker.stop()
    site.broker.start()


def _await(board: Board, look: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + _STEP_S

    def seen() -> object:
        console = board.console
        for failure in _FAILURES:
            if failure in console:
                at = console.index(failure)
                raise TooSmall(f"{what}: {console[max(0, at - 120) : at + 80]!r}")
        if board.boots != 1:
            raise TooSmall(f"{what}: it started again")
        if time.monotonic() > deadline_s:
            raise TooSmall(f"{what}: not within {_STEP_S:.0f} s: {console[-1500:]!r}")
        return look()

    wait_until(seen, what, 2 * _STEP_S)


if __name__ == "__main__":
    main(figures)
