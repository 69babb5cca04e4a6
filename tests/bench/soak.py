"""Hours of a node's life in fast time: nothing lost, no restart, and a heap that does not grow.

The whole application with three sensors, in a heap of 160 KiB beside the board's ROM. Each hour
has a fire and a flood; of six hours one has a dead broker, one no Wi-Fi for half of it.
"""

import re
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

from haidang_board.rig import Board
from haidang_tools.brokers import Broker, certificates
from stand_in_gateway import StandInGateway, complete
from waiting import wait_until

from bench import stand
from bench.heap import SENSORS
from bench.parts import LOG, Figures, main

_MAC = "240ac4000001"
_NODE = f"n-{_MAC}"
_HEAP_BYTES = 160 * 1024
_STEP_MS = 120_000
_STEPS = 30  # of an hour
_QUICK_STEPS = 6
_REPORT_S = 60
_LIMIT_S = 120.0
_LOOK_S = 0.2
_HOUR_MS = 3_600_000
# What live_through() uses too: a danger that one jump may reach.
_FLOOD_MM = 66
_STARTS = 2
# Step of each hour: what happens then.
_FIRE, _FIRE_OUT, _FLOOD, _EBB = 2, 3, 4, 6
_WIFI_AWAY, _WIFI_BACK, _BROKER_DIES, _BROKER_BACK = 8, 23, 20, 25
_BROKER_HOUR, _WIFI_HOUR, _CYCLE = 2, 4, 6


def figures(hours: int = 6, quick: bool = False) -> Figures:
    """So many hours; quick: a few minutes, too short to tell growth."""
    began_s = time.monotonic()
    with stand.scratch("soak") as folder, ExitStack() as undo:
        ca = folder / "ca"
        certificates(ca, "broker-gateway", "gw-01", "gw-01-alarm", _NODE)
        broker = undo.enter_context(Broker("gateway", ca, folder / "broker"))
        board = undo.enter_context(_board(folder, ca, broker.port))
        gateway = _Gateways(ca, broker)
        undo.callback(gateway.close)
        gateway.open()
        _begin(board)
        wait_until(lambda: gateway.all[-1].packs, "the first pack", _LIMIT_S)
        total = int(re.findall(rb"SOAK heap (\d+)", board.console)[0])
        for step in range(_QUICK_STEPS if quick else hours * _STEPS):
            _happen(step // _STEPS, step % _STEPS, board, gateway)
            board.hurry(_STEP_MS)
            if step % _STEPS == _STEPS - 1:
                by_hour = _heap_by_hour(gateway.all, total - board.rom_heap_bytes)
                LOG.info("soak: %d packs; %s", gateway.packs, _heap_figures(by_hour))
        _await_all(gateway.all, board)
        by_hour = _heap_by_hour(gateway.all, total - board.rom_heap_bytes)
        return {
            "soak_hours": _QUICK_STEPS / _STEPS if quick else hours,
            **_heap_figures(by_hour),
            **_books(gateway.all),
            "soak_restarts": board.boots - _STARTS,
            "soak_real_s": round(time.monotonic() - began_s, 1),
        }


class _Gateways:
    """The stand-in gateway, and those before it: each broker has one of its own."""

    def __init__(self, ca: Path, broker: Broker) -> None:
        self.all: list[StandInGateway] = []
        self.broker = broker
        self._ca = ca

    @property
    def packs(self) -> int:
        """How many have come."""
        return sum(len(one.packs) for one in self.all)

    def open(self) -> None:
        """A gateway at the broker, which runs."""
        self.all.append(StandInGateway(self._ca, self.broker.port, _NODE).__enter__())

    def close(self) -> None:
        """The gateway goes."""
        self.all[-1].__exit__()

    def die(self) -> None:
        """The broker dies, and the gateway with it."""
        self.close()
        self.broker.kill()

    def come_back(self) -> None:
        """Both again."""
        self.broker.start()
        self.open()


def _happen(hour: int, step: int, board: Board, gateway: _Gateways) -> None:
    world = board.world
    if step in (_FIRE, _FIRE_OUT):
        world.smoke_ppm = 2000 if step == _FIRE else 0
    if step in (_FLOOD, _EBB):
        world.water_mm = _FLOOD_MM if step == _FLOOD else 0
    if hour % _CYCLE == _WIFI_HOUR and step in (_WIFI_AWAY, _WIFI_BACK):
        world.wifi_up = step == _WIFI_BACK
    if hour % _CYCLE == _BROKER_HOUR and step == _BROKER_DIES:
        gateway.die()
    if hour % _CYCLE == _BROKER_HOUR and step == _BROKER_BACK:
        gateway.come_back()
    world.phones = 6 + (hour + step) % 7


def _await_all(gateways: list[StandInGateway], board: Board) -> None:
    end_s = time.monotonic() + _LIMIT_S
    while not complete(*gateways) and time.monotonic() < end_s:
        time.sleep(_LOOK_S)
    if not complete(*gateways):
        LOG.warning("soak: numbers are missing; the board printed: %r", board.console[-4000:])


def _missing(gateways: list[StandInGateway]) -> tuple[int, int]:
    """How many numbers never came, and how many of those no status names; each boot by itself."""
    came = {key[1:] for gateway in gateways for key in gateway.packs}
    newest: dict[int, int] = {}
    for boot, seq in came:
        newest[boot] = max(newest.get(boot, 0), seq)
    missing = {(boot, seq) for boot, last in newest.items() for seq in range(last + 1)} - came
    named = {
        (row["hb"], seq)
        for gateway in gateways
        for status in gateway.statuses
        for row in status.get("boots", ())
        for first, last, _ in row["dropped"]
        for seq in range(first, last + 1)
    }
    if missing:
        LOG.warning("soak: missing %s, of which named %s", missing, missing & named)
    return len(missing), len(missing - named)


def _heap_by_hour(gateways: list[StandInGateway], total: int) -> dict[int, list[float]]:
    """KiB in use after each collection, by the hour of the node's uptime."""
    by_hour: dict[int, list[float]] = {}
    for gateway in gateways:
        for copies in gateway.packs.values():
            for record in copies[0].records:
                if record.name == "node/heap_free":
                    used = (total - int(str(record.value))) / 1024
                    by_hour.setdefault(record.up_ms // _HOUR_MS, []).append(used)
    return by_hour


def _heap_figures(by_hour: dict[int, list[float]]) -> Figures:
    last = max(hour for hour, used in by_hour.items() if hour == 0 or len(used) > _STEPS)
    early, late = statistics.median(by_hour[0]), statistics.median(by_hour[last])
    return {
        "heap_kib_hour_1": round(early, 1),
        f"heap_kib_hour_{last + 1}": round(late, 1),
        "heap_growth_kib": round(late - early, 1),
        "heap_soak_most_kib": round(max(max(used) for used in by_hour.values()), 1),
    }


def _books(gateways: list[StandInGateway]) -> Figures:
    missing, lost = _missing(gateways)
    copies = [len(one) for gateway in gateways for one in gateway.packs.values()]
    states = [state for gateway in gateways for state in gateway.seen("smoke/state")]
    return {
        "soak_packs": len(copies),
        "soak_missing": missing,
        "soak_lost": lost,
        "soak_copies": sum(copies),
        "soak_malformed": sum(len(gateway.bad) for gateway in gateways),
        "soak_fires_told": states.count("alarm"),
    }


def _board(folder: Path, ca: Path, port: int) -> Board:
    program = Path(__file__).with_name("on_node_soak.py").read_bytes()
    board = stand.board(
        folder,
        ca,
        _MAC,
        port,
        files={"/main.py": program},
        sensors=SENSORS,
        report_s=_REPORT_S,
        heartbeat_s=_REPORT_S,
    )
    board.fast = True
    return board


def _begin(board: Board) -> None:
    # The first start tells how much of the heap is the ROM's.
    board.power_on()
    board.power_off()
    board.heap = str(_HEAP_BYTES + board.rom_heap_bytes)
    board.power_on()


if __name__ == "__main__":
    main(figures, hours=6)
