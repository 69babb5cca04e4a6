"""`make bench-chaos`: 200 random faults on real processes; the books must agree afterwards.

The last line is one JSON object. `--seed` repeats the faults of a run; the moments in which they
strike are the machine's.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chaos.boards import FLOOD, SMOKE
from chaos.pace import load_for
from chaos.town import RATE, Town
from haidang_tools.demo.settings import DemoNode

from bench.machine import facts
from bench.parts import LOG, Figures, show_progress
from chaos import books, faults

_GROUP = 25
_PAUSE_S = (0.1, 0.8)
_DISK = "24m"
_CONTROL_FAULTS = 8
_ORDER_EVERY = 3
SEED = 5_211


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where something was lost, doubled or out of order, or the control lost nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faults", type=int, default=200, help="how many (200)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the faults ({SEED})")
    parser.add_argument("--quick", action="store_true", help="a few faults")
    options = parser.parse_args(arguments)
    show_progress()
    count = 8 if options.quick else options.faults
    began_s = time.monotonic()
    found = storm(count, options.seed, boards=(SMOKE, FLOOD))
    found |= control(options.seed, 3 if options.quick else _CONTROL_FAULTS)
    found |= {"seconds": round(time.monotonic() - began_s, 1), "machine": facts()}
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 0 if passed(found) else 1


def passed(found: Figures) -> bool:
    """Whether nothing was lost, doubled or out of order, and the control sees losses."""
    none = ("lost", "alarms_dropped", "miscounted", "invented", "outcomes_lost")
    none += ("outcomes_twice", "duplicates", "out_of_order", "complaints")
    return not any(found[name] for name in none) and bool(found["control_lost"])


def storm(
    count: int,
    seed: int,
    kinds: Sequence[faults.Fault] | None = None,
    boards: tuple[DemoNode, ...] = (),
) -> Figures:
    """So many faults on one town; `kinds` alone, or all by their weights."""
    LOG.info("chaos: %s faults, seed %s", count, seed)
    chance = random.Random(seed)
    chosen = _chosen(count, chance, kinds)
    made: Counter[str] = Counter()
    with _town(boards=boards) as town:
        for number, fault in enumerate(chosen, 1):
            town.supervise()
            LOG.info("chaos: %s/%s %s", number, count, fault.__name__)
            town.boards.stir(chance)
            if number % _ORDER_EVERY == 0:
                town.orders.give(chance)
            fault(town, chance)
            made[fault.__name__] += 1
            load_for(chance.uniform(*_PAUSE_S))
            town.drops.look()
            if number % _GROUP == 0 or number == count:
                _settle(town, last=number == count)
        return _verdict(town, made, seed)


def control(seed: int, count: int) -> Figures:
    """The same town with a gateway that acknowledges before its commit, killed `count` times."""
    LOG.info("chaos: the control, seed %s", seed)
    chance = random.Random(seed + 1)
    with _town(early=True) as town:
        for _ in range(count):
            # A gateway that hears nobody yet has nothing to lose.
            town.wait_until(lambda: town.gateway.log.count("nodes may send") >= town.starts, 20)
            load_for(chance.uniform(1.5, 2.5))
            faults.gateway_killed(town, chance)
        town.wait_until(lambda: town.gateway.log.count("nodes may send") >= town.starts, 20)
        town.end_fleet(signal.SIGTERM)
        town.start_fleet(packs=-1)
        town.wait_until(lambda: not any(books.held(p) for p in _journals(town)), 20)
        _await_last_words(town)
        lost = books.accepted(town.journals) - set(town.office.names())
        return {"control_faults": count, "control_lost": len(lost)}


def _await_last_words(town: Town) -> None:
    """Some more packs come to the centre, behind all that was committed before them."""
    before = books.accepted(town.journals)
    town.end_fleet(signal.SIGTERM)
    town.start_fleet(packs=2 * len(town.nodes))
    town.expect(lambda: town.fleet_ended, "the last packs are acknowledged")
    last = books.accepted(town.journals) - before
    town.expect(lambda: last <= set(town.office.names()), "the last packs are at the centre")
    town.expect(lambda: not town.holds(), "nothing waits behind them")


def _journals(town: Town) -> list[Path]:
    return list(town.journals.glob("*.journal"))


def _chosen(
    count: int, chance: random.Random, kinds: Sequence[faults.Fault] | None
) -> list[faults.Fault]:
    """Each kind once, the rest by weight, in random order."""
    weights = {kind: faults.WEIGHTS[kind] for kind in kinds or faults.WEIGHTS}
    chosen = list(weights)
    chance.shuffle(chosen)
    chosen = chosen[:count]
    chosen += chance.choices(list(weights), list(weights.values()), k=count - len(chosen))
    chance.shuffle(chosen)
    return chosen


def _settle(town: Town, *, last: bool) -> None:
    """All that is held is delivered; what is missing then is lost."""
    began_s = time.monotonic()
    done = town.drain()
    if last:
        done = town.drain_boards() and town.drain_orders() and done
    LOG.info(
        "chaos: %s packs at the centre, %s dropped, %.1f s%s",
        town.office.kept(),
        len(town.drops.names),
        time.monotonic() - began_s,
        "" if done else " NOT ALL",
    )
    if not last:
        town.end_fleet(signal.SIGTERM)
        town.start_fleet()


def _verdict(town: Town, made: Counter[str], seed: int) -> Figures:
    promised = town.boards.books
    boards = promised.kept() | {one.key for one in promised.decisions}
    accepted = books.accepted(town.journals) | boards
    # What lived in a board's memory alone may go with its power, but not unnamed.
    loose = promised.loose() - boards
    missing = town.missing(accepted) | (town.missing(loose) - town.drops.by_nodes)
    for name in sorted(missing)[:20]:
        LOG.error("chaos: neither at the centre nor named as dropped: %s", name)
    town.boards.cut()
    names = town.office.names()
    # A board's numbers go to NVS late, and a restart that a command asks for closes no books.
    lives = {life[:2] for life in promised.lives}
    strange = {name for name in set(names) - accepted if name[:2] not in lives}
    gone = accepted - set(names)
    disorder = town.office.disorder()
    for line in (*disorder, *town.office.complaints):
        LOG.error("chaos: %s", line)
    return {
        "seed": seed,
        "faults": sum(made.values()),
        "by_kind": dict(sorted(made.items())),
        "accepted": len(accepted),
        "delivered": len(accepted & set(names)),
        "lost": len(missing),
        # On a full disk old telemetry goes first, each pack by its name and counted in the ledger.
        "dropped_by_name": len(gone & town.drops.names),
        "alarms_dropped": len(town.drops.alarms),
        "miscounted": town.drops.miscounted,
        "boards": len(town.boards.nodes),
        "board_cuts": town.boards.cuts,
        "board_accepted": len(boards),
        "board_delivered": len(boards & set(names)),
        "board_decisions": len(promised.decisions),
        "board_ram_lost_named": len(loose & town.drops.by_nodes - set(names)),
        **town.orders.figures(town.office.path),
        "duplicates": town.office.doubled(),
        # A rebuilt or restored database tells some packs again, under numbers of a new epoch: only
        # the pack's own name tells a centre that it has them.
        "copies_of_new_epochs": sum(names.values()) - len(names) - town.office.doubled(),
        "invented": len(strange),
        "alarm_revisions": town.office.revisions(),
        "out_of_order": len(disorder),
        "complaints": len(town.office.complaints),
        "gateway_starts": town.starts,
        "packs_per_s": RATE,
    }


@contextmanager
def _town(*, boards: tuple[DemoNode, ...] = (), early: bool = False) -> Iterator[Town]:
    """A town whose gateway has a small disk of its own, where that may be mounted."""
    with tempfile.TemporaryDirectory(prefix="haidang-chaos-") as name:
        folder = Path(name)
        town = Town(folder, boards=boards, early=early)
        town.data.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(town.data)]
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        if not mounted:
            LOG.warning("chaos: no right to mount a small disk: none will be full")
            faults.WEIGHTS.pop(faults.disk_full, None)
        try:
            town.start()
            yield town
        finally:
            town.stop()
            if keep := os.environ.get("HAIDANG_CHAOS_LOG"):
                Path(keep).write_text(town.gateway.log, encoding="utf-8")
            if mounted:
                subprocess.run(["umount", "-l", str(town.data)], check=False)


if __name__ == "__main__":
    sys.exit(main())
