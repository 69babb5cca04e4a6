"""What earlier boots left on flash: found once per start, by the records' names alone.

The packs themselves are checked when they are read: a full outbox is found in time.
"""

import os
from array import array

from haidang_node import accounts, log, number_ranges, numbers, reading
from haidang_node.segments import Segment

# Distances in a part of `numbers` have 16 bits.
_SPAN = 0xFFFF
# Beyond that many ranges a list of what is missing costs more than it tells.
_RANGES = 64
_LOG = log.Log("recovery")


def recover(outbox, ended) -> int:
    """Fills the lanes with the segments found; how many damaged stretches there were.

    In the ledger are named: what the boot that `ended` (epoch, boot, following, loose; None on a
    new board) had in RAM alone as "power", and what the records beside a damaged stretch leave
    open as "corrupt".
    """
    lanes, ledger = outbox.lanes, outbox.ledger
    turns = _turns(outbox.folder)
    corrupt = 0
    gaps: list = []
    for name, lane in lanes.items():
        corrupt += _read_lane(lane, sorted(turns.get(name, ())), outbox.key, gaps)
    for gap in gaps:
        _name_corrupt(lanes, gap, ledger, ended)
    if corrupt:
        _LOG.error("%d damaged stretches in %s were skipped", corrupt, outbox.folder)
    closes = ended and ended[2]
    if closes:
        end(ledger, lanes, outbox.key(*ended[:2]), ended)
    if gaps or closes:
        accounts.save(ledger)
    return corrupt


def end(ledger, lanes: dict, key: int, ended: tuple) -> None:
    """Closes the boot before: numbers in RAM alone that are not held went with the power."""
    epoch, boot, following, loose = ended
    accounts.end(ledger, epoch, boot, following)
    lost = _missing(lanes, key, following - loose, following - 1)
    accounts.name(ledger, epoch, boot, lost, "power")


def _turns(folder: str) -> dict:
    turns: dict = {}
    try:
        os.mkdir(folder)
    except OSError:
        # It is there already, or the first write will say what is wrong.
        _LOG.debug("folder %s is there", folder)
    try:
        for entry in os.ilistdir(folder):
            lane, _, turn = entry[0].partition("-")
            # Other files are left alone: the ledger, and what nobody knows.
            if turn.isdigit():
                turns.setdefault(lane, []).append(int(turn))
    except OSError as error:
        # A node whose flash is gone still watches, sounds and sends from RAM.
        _LOG.error("%s cannot be read: %s", folder, error)
    return turns


def _read_lane(lane, turns: list, key_of, gaps: list) -> int:
    corrupt = 0
    # Key, number, epoch and boot of the record before.
    last = None
    damaged = False
    for turn in turns:
        segment = Segment(turn)
        lane.all.append(segment)
        lane.turn = turn
        try:
            for name in _names(lane, segment):
                if name is None:
                    corrupt += 1
                    damaged = True
                    continue
                _, epoch, boot, seq = name
                key = key_of(epoch, boot)
                this = (key, seq, epoch, boot)
                if damaged:
                    gaps.append((last, this))
                last, damaged = this, False
                number_ranges.add(segment.parts, key, seq)
        except OSError as error:
            _LOG.error("%s stays as it is: %s", lane.path(turn), error)
            lane.all.remove(segment)
            lane.safe_bytes = 0
            continue
        if not segment.parts:
            # Torn by a power cut before its first flush, or nothing sound is left in it.
            lane.remove(segment)
    if damaged:
        gaps.append((last, None))
    return corrupt


def _names(lane, segment):
    # Writing goes on in the newest file.
    size_bytes = os.stat(lane.path(segment.turn))[6]
    with lane.open(segment.turn, "rb") as file:
        for _, name in reading.names(file, 0, size_bytes):
            yield name
    segment.size_bytes = lane.safe_bytes = size_bytes


def _name_corrupt(lanes: dict, gap: tuple, ledger, ended) -> None:
    last, after = gap
    if last and after and last[0] == after[0]:
        bounds = [(last, last[1] + 1, after[1] - 1)]
    else:
        bounds = [(after, 0, after[1] - 1)] if after else []
        if last:
            bounds.append((last, last[1] + 1, _end(last, ledger, ended) - 1))
    for of, lo, hi in bounds:
        accounts.name(ledger, of[2], of[3], _missing(lanes, of[0], lo, hi), "corrupt")


def _end(last: tuple, ledger, ended) -> int:
    # The first number that its boot did not use for sure; 0 where that is not known.
    if ended and ended[:2] == last[2:]:
        return ended[2] - ended[3]
    for entry in accounts.entries(ledger):
        if tuple(entry[:2]) == last[2:]:
            return entry[2]
    return 0


def _missing(lanes: dict, key: int, lo: int, hi: int) -> list:
    # What of lo..hi is not held.
    if hi < lo:
        return []
    lo = max(lo, hi - _SPAN)
    parts = [(key, lo, array("H", (0, hi - lo)))]
    for lane in lanes.values():
        for segment in lane.all:
            for first, last in number_ranges.each(segment.parts, key):
                if parts and len(parts[0][2]) < 2 * _RANGES:
                    numbers.take_out(parts, key, first, last)
    return list(number_ranges.each(parts, key))
