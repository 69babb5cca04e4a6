"""Random power cuts of whole nodes while broker, gateway and Wi-Fi fail: what was promised comes.

The nodes are virtual boards that run the real, compiled application; the broker is mosquitto with
the deployed configuration. First against the production gateway and its centre, then against a
stand-in that leaves out acknowledgements, last with a firmware that never flushes: the control.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from haidang_board.rig import Board
from haidang_tools import flash

from bench import stand
from bench.chain_books import Books
from bench.chain_street import Arrived, FarSide, Production, StandIn
from bench.fast_gateway import Key
from bench.forgetful import forgetful_firmware
from bench.parts import LOG, Figures, main

SEED = 20_261
_NODES = 3
# The other cuts are made while acknowledgements are left out.
_PRODUCTION_SHARE = 0.7
_CONTROL_CUTS = 30
_TELL_EVERY = 20
_DROPPED_ACKS = 0.1
# Share of lives and their bounds in seconds: cut while starting, while connecting and sending,
# while all is well, and with telemetry that waited long enough to go to flash. A node is connected
# about 0.6 s after power-on here.
_LIVES_S = ((0.2, 0.02, 0.6), (0.57, 0.6, 2.0), (0.15, 2.0, 4.0), (0.08, 11.0, 16.0))
_QUICK_LIVES_S = ((1.0, 0.6, 2.0),)
_WIFI_AWAY = 0.15
_LONG_S = 10.0
_CONTACT_CLOSED = 0.3
_DRAIN_S = 120.0
_CONTROL_DRAIN_S = 15.0


@dataclass(slots=True)
class Weather:
    """The faults beside the cuts; every few rounds (a cut of each node) something dies."""

    far: FarSide
    chance: random.Random
    plan: "Plan"
    broker_kills: int = 0
    gateway_kills: int = 0
    _cuts: int = 0
    _broker_at: int = 0
    _gateway_at: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Draw the first faults."""
        self._broker_at = self._in_rounds(1, 3)
        self._gateway_at = self._in_rounds(2, 4)

    def after_cut(self) -> None:
        """Counts a cut; kills what is due and starts it again, now or a little later."""
        with self._lock:
            if not self.plan.faults:
                return
            self._cuts += 1
            if self._cuts % _TELL_EVERY == 0:
                LOG.info("chain: %d cuts", self._cuts)
            if self._cuts >= self._broker_at:
                self._broker_at = self._in_rounds(3, 5)
                self.far.broker.kill()
                time.sleep(self.chance.choice((0.0, 0.3, 1.0)))
                self.far.broker.start()
                self.broker_kills += 1
            if self._cuts >= self._gateway_at:
                self._gateway_at = self._in_rounds(5, 8)
                self.gateway_kills += self.far.kill_gateway()

    def _in_rounds(self, least: int, most: int) -> int:
        return self._cuts + self.plan.nodes * self.chance.randint(least, most)


@dataclass(slots=True)
class Outcome:
    """What one variant gave.

    acked_lost: kept on flash by the node's own books, gone from it and never delivered.
    unnamed: gone from RAM with the power and not named in any status (the stand-in's view; the
    production gateway counts its own in `gateway_lost`). untold: decisions whose pack never came.
    """

    cuts: int
    kept: int
    delivered: int
    acked_lost: int
    unnamed: int
    untold: int
    decisions: int
    drain_s: float
    verdict: dict[str, int]
    weather: Weather = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """One variant's measure; without `faults` nothing but the power fails."""

    nodes: int
    cuts: int
    seed: int
    source: Path = flash.SOURCE
    faults: bool = True
    drain_s: float = _DRAIN_S
    lives_s: tuple[tuple[float, float, float], ...] = _LIVES_S

    def cuts_of(self, at: int) -> int:
        """The share of the node at this place."""
        return self.cuts // self.nodes + (at < self.cuts % self.nodes)


def figures(cuts: int = 200, seed: int = SEED, quick: bool = False) -> Figures:
    """All three variants; `cuts` are shared out to the first two, quick leaves the second out."""
    LOG.info("chain: seed %d", seed)
    plan = Plan(_NODES, round(cuts * _PRODUCTION_SHARE), seed)
    lossy = replace(plan, cuts=cuts - plan.cuts, seed=seed + 1)
    control = replace(plan, cuts=_CONTROL_CUTS, seed=seed + 2, faults=False)
    if quick:
        plan, lossy, control = (
            replace(one, nodes=1, cuts=count, lives_s=_QUICK_LIVES_S)
            for one, count in ((plan, 2), (lossy, 0), (control, 1))
        )
    with stand.scratch("chain") as folder:
        parts = [_variant(Production(folder, plan.nodes), plan)]
    if lossy.cuts:
        with stand.scratch("chain") as folder:
            far = StandIn(folder, lossy.nodes, _DROPPED_ACKS, lossy.seed)
            parts.append(_variant(far, lossy))
    with stand.scratch("chain") as folder:
        source = forgetful_firmware(flash.SOURCE, folder / "forgetful")
        # It waits a fixed time for what it has lost for good.
        control = replace(control, source=source, drain_s=1.0 if quick else _CONTROL_DRAIN_S)
        lost = _variant(StandIn(folder, control.nodes, 0.0, control.seed), control)
    return _figures(seed, parts, lost)


def _figures(seed: int, parts: list[Outcome], control: Outcome) -> Figures:
    production = parts[0]
    return {
        "chain_seed": seed,
        "chain_cuts": sum(part.cuts for part in parts),
        "chain_broker_kills": sum(part.weather.broker_kills for part in parts),
        "chain_gateway_kills": production.weather.gateway_kills,
        "chain_accepted": sum(part.kept for part in parts),
        "chain_delivered": sum(part.delivered for part in parts),
        "chain_acked_lost": sum(part.acked_lost for part in parts),
        "chain_lost": sum(part.unnamed + part.untold for part in parts)
        + production.verdict["gateway_lost"],
        "chain_alarm_decisions": sum(part.decisions for part in parts),
        "chain_alarms_lost": sum(part.untold for part in parts),
        "chain_corrupt": sum(part.verdict["corrupt"] for part in parts),
        "chain_duplicates": sum(part.verdict["duplicates"] for part in parts),
        "chain_copies_dropped": sum(part.verdict["copies"] for part in parts),
        "chain_uplink_missing": production.verdict["uplink_missing"],
        "chain_drain_s": max(round(part.drain_s, 1) for part in parts),
        "chain_control_cuts": control.cuts,
        "chain_control_accepted": control.kept,
        "chain_control_lost": control.acked_lost + control.unnamed + control.untold,
    }


def _variant(far: FarSide, plan: Plan) -> Outcome:
    name = type(far).__name__ + ("" if plan.faults else " (control)")
    LOG.info("chain: %s: certificates, brokers and %d boards", name, plan.nodes)
    far.start()
    books, chance = Books(), random.Random(plan.seed)
    weather = Weather(far, random.Random(chance.random()), plan)
    boards: list[Board] = []
    try:
        boards = _boards(far, plan)
        lives = [_Lives(board, far, books, random.Random(chance.random())) for board in boards]
        with ThreadPoolExecutor(plan.nodes) as pool:
            list(
                pool.map(
                    lambda at: lives[at].run(plan.cuts_of(at), plan, weather), range(plan.nodes)
                )
            )
        LOG.info("chain: %s: %d cuts made, draining", name, plan.cuts)
        drain_s = _drain(far, boards, books, plan.drain_s)
    finally:
        for board in boards:
            board.close()
        far.stop()
    return _outcome(far, books, weather, plan.cuts, drain_s)


def _outcome(far: FarSide, books: Books, weather: Weather, cuts: int, drain_s: float) -> Outcome:
    kept, delivered = books.kept(), far.delivered()
    outcome = Outcome(
        cuts=cuts,
        kept=len(kept),
        delivered=len(kept & delivered),
        acked_lost=len(kept - delivered),
        unnamed=len(books.loose() - delivered - _named(far, books)),
        untold=len(books.untold(far.told())),
        decisions=len(books.decisions),
        drain_s=drain_s,
        verdict=far.verdict(),
        weather=weather,
    )
    LOG.info("chain: %s", outcome)
    for key in sorted(kept - delivered)[:10]:
        LOG.info("chain: kept and not delivered: %s", key)
    for decision in books.untold(far.told())[:10]:
        LOG.info("chain: alarm not delivered: %s", decision)
    return outcome


class _Lives:
    """One board's lives, each ended by a power cut at a random moment."""

    def __init__(self, board: Board, far: FarSide, books: Books, chance: random.Random) -> None:
        self._board = board
        self._nvs = stand.nvs_of(far.folder, board.mac)
        self._books = books
        self._chance = chance

    def run(self, cuts: int, plan: Plan, weather: Weather) -> None:
        """So many lives."""
        for _ in range(cuts):
            self._board.power_on()
            self._live(plan)
            self._board.power_off()
            self._books.close_life(f"n-{self._board.mac}", self._nvs, self._board.console)
            weather.after_cut()

    def _live(self, plan: Plan) -> None:
        # The sensor's wire breaks and holds again, the detector's contact opens and closes: a pack
        # in the alarm lane for nearly every second of life.
        chance, world = self._chance, self._board.world
        (kind,) = chance.choices(plan.lives_s, [share for share, _, _ in plan.lives_s])
        life_s = chance.uniform(*kind[1:])
        world.wifi_up = chance.random() >= (0.5 if life_s > _LONG_S else _WIFI_AWAY)
        end_s = time.monotonic() + life_s
        while (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(left_s, chance.uniform(0.3, 1.2)))
            world.smoke_open = not world.smoke_open
            world.contact_closed = chance.random() < _CONTACT_CLOSED
            if life_s < _LONG_S and chance.random() < _WIFI_AWAY:
                world.wifi_up = not world.wifi_up


def _boards(far: FarSide, plan: Plan) -> list[Board]:
    boards = []
    for mac in stand.macs(plan.nodes):
        board = stand.board(far.folder, far.ca, mac, far.broker.port, source=plan.source)
        board.world.contact_closed = False
        boards.append(board)
    return boards


def _drain(far: FarSide, boards: list[Board], books: Books, limit_s: float) -> float:
    """Everything is well again: how long until all that was promised has come, at most limit_s."""
    began_s = time.monotonic()
    for board in boards:
        board.world.wifi_up = True
        board.power_on()
    while time.monotonic() - began_s < limit_s and not all_came(far, books):
        time.sleep(0.5)
    return time.monotonic() - began_s


def all_came(far: Arrived, books: Books) -> bool:
    """Whether all that nodes promised is there, and each number that they lost is named."""
    # By its NVS a node may have had an alarm in RAM alone that its console tells is on flash: a
    # last life's alarm is no pack that was kept, and must come all the same.
    delivered = far.delivered()
    return (
        books.kept() <= delivered
        and not books.untold(far.told())
        and books.loose() <= delivered | _named(far, books)
    )


def _named(far: Arrived, books: Books) -> set[Key]:
    # The production gateway counts in `gateway_lost` what no status names.
    return far.named() if isinstance(far, StandIn) else books.loose()


if __name__ == "__main__":
    main(figures, cuts=200, seed=SEED)
