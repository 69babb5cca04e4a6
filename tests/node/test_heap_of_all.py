"""A node with every sensor lives through a whole story in a bounded heap."""

from contextlib import ExitStack
from pathlib import Path

from bench.heap import Site, live_through

# What bench/heap.py finds as the peak, and some air; the board's ROM comes on top.
_HEAP_KIB = 160
_ROM_KIB = 37
_HELD_PACKS = 200


def test_three_sensors_tls_a_backlog_alarms_commands_and_a_dead_broker_fit(tmp_path: Path) -> None:
    with ExitStack() as undo:
        site = Site(tmp_path)
        site.open(undo)
        board = site.board(f"{_HEAP_KIB + _ROM_KIB}K", _HELD_PACKS)
        live_through(site, board, _HELD_PACKS)
        assert board.boots == 1
