"""What earlier boots left on flash: found once per start, by the records' names alone.

The packs themselves are checked when they are read: a full outbox is found in time.
"""

import os
from array import array

from haidang_node import log, numbers

# Distances in a part of `numbers` have 16 bits.
_SPAN = 0xFFFF
# Beyond that many ranges a list of what is missing costs more than it tells.
_RANGES = 64
_LOG = log.Log("recovery")


def recover(folder: str, lanes: dict, key_of, ledger, ended) -> int:
    """Fills the lanes with the segments found; how many damaged stretches there were.

    key_of(epoch, boot) gives a boot's key. In the ledger are named: what the boot that `ended`
    (None on a new board) had in RAM alone as "power", and what the records beside a damaged
    stretch leave open as "corrupt".
    """
    turns = _turns(folder)
    corrupt = 0
    gaps: list = []
    for lane, segments in lanes.items():
        corrupt += _read_lane(segments, sorted(turns.get(lane, ())), key_of, gaps)
    for gap in gaps:
        _name_corrupt(lanes, gap, ledger, ended)
    if corrupt:
        _LOG.error("%d damaged stretches in %s were skipped", corrupt, folder)
    if ended and ended.following:
        end(ledger, lanes, key_of(ended.epoch, ended.boot), ended)
    if gaps or (ended and ended.following):
        ledger.save()
    return corrupt


def end(ledger, lanes: dict, key: int, ended) -> None:
    """Closes the boot before: numbers in RAM alone that are not held went with the power."""
    ledger.end(ended.epoch, ended.boot, ended.following)
    lost = _missing(lanes, key, ended.following - ended.loose, ended.following - 1)
    ledger.name(ended.epoch, ended.boot, lost, "power")


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


def _read_lane(segments, turns: list, key_of, gaps: list) -> int:
    corrupt = 0
    # Key, number, epoch and boot of the record before.
    last = None
    damaged = False
    for turn in turns:
        segment = segments.adopt(turn)
        try:
            for name in segments.names(segment):
                if name is None:
                    corrupt += 1
                    damaged = True
                    continue
                epoch, boot, seq = name
                key = key_of(epoch, boot)
                this = (key, seq, epoch, boot)
                if damaged:
                    gaps.append((last, this))
                last, damaged = this, False
                numbers.add(segment.parts, key, seq)
        except OSError as error:
            _LOG.error("%s stays as it is: %s", segments.path(segment), error)
            segments.forget(segment)
            continue
        if not segment.parts:
            # Torn by a power cut before its first flush, or nothing sound is left in it.
            segments.remove(segment)
    if damaged:
        gaps.append((last, None))
    return corrupt


def _name_corrupt(lanes: dict, gap: tuple, ledger, ended) -> None:
    last, after = gap
    if last and after and last[0] == after[0]:
        bounds = [(last, last[1] + 1, after[1] - 1)]
    else:
        bounds = [(after, 0, after[1] - 1)] if after else []
        if last:
            bounds.append((last, last[1] + 1, _end(last, ledger, ended) - 1))
    for of, lo, hi in bounds:
        ledger.name(of[2], of[3], _missing(lanes, of[0], lo, hi), "corrupt")


def _end(last: tuple, ledger, ended) -> int:
    if ended and (ended.epoch, ended.boot) == last[2:]:
        return ended.following - ended.loose
    return ledger.following(last[2], last[3])


def _missing(lanes: dict, key: int, lo: int, hi: int) -> list:
    # What of lo..hi is not held.
    if hi < lo:
        return []
    lo = max(lo, hi - _SPAN)
    parts = [(key, lo, array("H", (0, hi - lo)))]
    for segments in lanes.values():
        for segment in segments.all:
            for first, last in numbers.each(segment.parts, key):
                if parts and len(parts[0][2]) < 2 * _RANGES:
                    numbers.take_out(parts, key, first, last)
    return list(numbers.each(parts, key))
