"""The ledger of dropped numbers: named, small, and kept over power cuts until it is told."""

import gc
import os

from haidang_node import accounts, log, number_ranges, recovery
from haidang_node.ledger import Ledger

log.start(log.ERROR + 1, lambda: 0)


def _ledger(name):
    path = "/tmp/haidang-ledger-%s-%d" % (name, int.from_bytes(os.urandom(4), "big"))
    ledger = Ledger(path)
    ledger.open()
    return ledger, path


class _Lane:
    """The lanes as recovery sees them: one whose only segment is not on flash."""

    def __init__(self, parts):
        self.all = [self]
        self.parts = parts


def test_numbers_that_went_with_the_power_are_named_and_held_ones_are_not() -> None:
    ledger, path = _ledger("power")
    parts = []
    for seq in (3, 4, 17):
        number_ranges.add(parts, 0, seq)
    ended = ("9f3c01aa", 6, 20, 5)
    lanes = {"a": _Lane(parts)}
    recovery.end(ledger, lanes, 0, ended)
    rows = ledger.boots("9f3c01aa", 7, 2, {6: [[3, 4], [17, 17]]})
    assert rows == [
        {
            "hb": 6,
            "next": 20,
            "held": [[3, 4], [17, 17]],
            "dropped": [[15, 16, "power"], [18, 19, "power"]],
        },
        {"hb": 7, "next": 2, "held": [], "dropped": []},
    ]
    # A second power cut before the next boot began tells the same again.
    accounts.save(ledger)
    again = Ledger(path)
    again.open()
    recovery.end(again, lanes, 0, ended)
    assert again.boots("9f3c01aa", 7, 2, {})[0]["dropped"] == rows[0]["dropped"]
    os.remove(path)


def test_dropped_numbers_stay_rising_and_apart_whatever_comes() -> None:
    ledger, path = _ledger("order")
    for lo, hi, cause in ((10, 12, "full"), (4, 5, "full"), (11, 20, "power"), (6, 9, "full")):
        ledger.drop("9f3c01aa", 1, [(lo, hi)], cause)
    row = ledger.boots("9f3c01aa", 1, 30, {})[0]
    assert row["dropped"] == [[4, 12, "full"], [13, 20, "power"]]
    os.remove(path)


def test_the_status_stays_small_however_torn_the_numbers_are() -> None:
    ledger, path = _ledger("small")
    for seq in range(0, 200, 2):
        ledger.drop("9f3c01aa", 1, [(seq, seq)], "full")
    held = [[seq, seq] for seq in range(1, 401, 2)]
    row = ledger.boots("9f3c01aa", 1, 500, {1: held})[0]
    assert len(row["dropped"]) <= 16
    assert len(row["held"]) <= 16
    for seq in range(1, 401, 2):
        assert any(lo <= seq <= hi for lo, hi in row["held"]), "nothing held is left out"
    assert held[0] == [1, 1], "the outbox's own list is not touched"
    os.remove(path)


def test_boots_that_lost_something_are_told_though_many_pass_before_the_gateway_hears() -> None:
    ledger, path = _ledger("flicker")
    for boot in range(1, 31):
        recovery.end(ledger, {"a": _Lane([])}, 0, ("9f3c01aa", boot, 4, boot % 3))
        accounts.save(ledger)
    again = Ledger(path)
    again.open()
    rows = again.boots("9f3c01aa", 31, 1, {})
    lost = [row["hb"] for row in rows if row["dropped"]]
    assert lost == [boot for boot in range(1, 31) if boot % 3][-len(lost) :]
    assert len(lost) >= 12
    assert [row["hb"] for row in rows if row["hb"] > 26] == [27, 28, 29, 30, 31]
    assert len(rows) <= 17
    os.remove(path)


def _full(ledger, boots):
    for boot in range(1, boots + 1):
        accounts.end(ledger, "9f3c01aa", boot, 2000)
        for seq in range(0, 1600, 100):
            accounts.name(ledger, "9f3c01aa", boot, [(seq, seq + 9)], "power")
    accounts.save(ledger)


def test_what_is_safe_on_flash_takes_no_memory() -> None:
    ledger, path = _ledger("heap")
    _full(ledger, 20)
    before = _used()
    ledger.drop("9f3c01aa", 20, [(1900, 1901)], "full")
    ledger.boots("9f3c01aa", 21, 1, {})
    assert _used() - before < 256
    ledger = None
    assert before - _used() < 1024, "seventeen boots take 10 KB as objects"
    os.remove(path)


def _used() -> int:
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def test_of_boots_that_have_ended_fewer_pieces_are_told() -> None:
    ledger, path = _ledger("ended")
    _full(ledger, 20)
    rows = ledger.boots("9f3c01aa", 21, 1, {})
    pieces = [len(row["dropped"]) for row in rows]
    assert pieces == [2] * 12 + [4] * 3 + [16, 0]
    for row in rows[:-1]:
        assert (row["dropped"][0][0], row["dropped"][-1][1]) == (0, 1509), "nothing is left out"
    os.remove(path)


def test_where_flash_refuses_the_names_are_kept_in_memory_and_told() -> None:
    ledger = Ledger("/tmp/no/such/folder/ledger")
    ledger.open()
    for seq in (3, 7):
        ledger.drop("9f3c01aa", 1, [(seq, seq)], "flash")
    told = ledger.boots("9f3c01aa", 1, 9, {})[0]["dropped"]
    assert told == [[3, 3, "flash"], [7, 7, "flash"]]


def test_a_damaged_ledger_starts_anew() -> None:
    _, path = _ledger("damaged")
    with open(path, "w") as file:
        file.write('[["9f3c')
    ledger = Ledger(path)
    ledger.open()
    ledger.drop("9f3c01aa", 1, [(0, 0)], "full")
    again = Ledger(path)
    again.open()
    assert again.boots("9f3c01aa", 1, 1, {})[0]["dropped"] == [[0, 0, "full"]]
    os.remove(path)
