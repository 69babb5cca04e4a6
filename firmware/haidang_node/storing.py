"""Packs from RAM to flash: loaded for each flush; where there is no room, `dropping` makes it."""

import os

from micropython import const

from haidang_node import loading, number_ranges
from haidang_node.segments import Segment

_ALARM = "a"
_DATA = "d"
# What flash refused stays in RAM, so that it is sent at least: so many packs of a lane.
_REFUSED_ALARMS = const(16)
_REFUSED_DATA = const(10)
# LittleFS needs free blocks to go on working: 8 blocks of 4096 bytes stay free.
_FREE_RESERVE_BYTES = const(32768)
# Ranges of held numbers take 4 bytes of heap each: 2,000 alarms scattered in telemetry.
_RANGES = const(4096)
_ENOSPC = const(28)


def store(outbox, lane: str, batch: list, framed: list) -> None:
    """Writes the packs of `batch`, all of a lane that are in RAM alone, or the newest of them.

    framed: their records; what makes them is not in memory beside this.
    """
    cause = _make_room(outbox, lane, sum([len(held.source) for held in batch]))
    while cause is None:
        try:
            _write(outbox, lane, batch, framed)
        except OSError as error:
            _give_up(outbox.lanes[lane])
            outbox.trouble.failed(error)
            # Room would not help a broken flash: it must lose no more than it has.
            cause = "flash"
            if error.errno == _ENOSPC:
                cause = _dropping("room", outbox, lane)
        else:
            outbox.gave_alarms = False
            outbox.trouble.over()
            return
    limit = _REFUSED_ALARMS if lane == _ALARM else _REFUSED_DATA
    for held in batch[: max(0, len(batch) - limit)]:
        outbox.ledger.drop(*outbox.boots[held.key], [(held.seq, held.seq)], cause)
        outbox.waiting.remove(held)


def _make_room(outbox, lane: str, needed_bytes: int) -> str | None:
    while True:
        used_bytes, ranges = _size(outbox.lanes.values())
        beyond = used_bytes + needed_bytes > outbox.limit_bytes or ranges > _RANGES
        of_lane = outbox.lanes[lane]
        # Asked now and then only: LittleFS counts by reading what every file uses.
        starts_anew = of_lane.file is None and not _goes_on(of_lane)
        if not beyond and not (starts_anew and _short_of_room(outbox.folder)):
            return None
        if _dropping("oldest", outbox, _DATA):
            continue
        if lane == _DATA:
            return "full"
        if not beyond or not _dropping("oldest", outbox, _ALARM):
            # The reserve is for alarms.
            return None


def _size(lanes) -> tuple[int, int]:
    # Bytes on flash and ranges in RAM of all segments.
    used_bytes = ranges = 0
    for lane in lanes:
        for segment in lane.all:
            used_bytes += segment.size_bytes
            for part in segment.parts:
                ranges += len(part[2]) // 2
    return used_bytes, ranges


def _short_of_room(folder: str) -> bool:
    try:
        status = os.statvfs(folder)
    except OSError:
        # A write will say what is wrong.
        return False
    # A full LittleFS reports a free count below zero as a huge number.
    return status[3] > status[2] or status[0] * status[3] < _FREE_RESERVE_BYTES


def _write(outbox, lane: str, batch: list, framed: list) -> None:
    of_lane = outbox.lanes[lane]
    placed = []
    for record in framed:
        file = of_lane.file or _open(of_lane)
        segment = of_lane.all[-1]
        placed.append((segment, segment.size_bytes))
        for piece in record:
            file.write(piece)
            segment.size_bytes += len(piece)
    _flush(of_lane)
    for held, (segment, offset) in zip(batch, placed):  # noqa: B905 - no strict= on the node
        number_ranges.add(segment.parts, held.key, held.seq)
        # Together: memory that runs out at the next one leaves no pack half way.
        held.source, held.offset = segment, offset
        outbox.waiting.remove(held)


def _flush(lane) -> None:
    lane.file.flush()
    lane.safe_bytes = lane.all[-1].size_bytes
    if lane.safe_bytes >= lane.limit_bytes:
        lane.close()


def _goes_on(lane) -> bool:
    return 0 < lane.safe_bytes < lane.limit_bytes


def _open(lane):
    if _goes_on(lane):
        lane.file = lane.open(lane.turn, "ab")
        return lane.file
    lane.safe_bytes = 0
    lane.turn += 1
    # Before the file: bytes in a file without its segment would be read in the one before.
    lane.all.append(Segment(lane.turn))
    try:
        lane.file = lane.open(lane.turn, "wb")
    except (OSError, MemoryError):
        lane.all.pop()
        raise
    return lane.file


def _dropping(function: str, outbox, lane: str):
    return loading.call("haidang_node.dropping", function, outbox, lane)


def _give_up(lane) -> None:
    # Nothing is added to a file that refused; one that was never flushed holds nothing.
    if lane.file is None:
        return
    lane.close()
    newest = lane.all[-1]
    newest.size_bytes, lane.safe_bytes = lane.safe_bytes, 0
    if not newest.size_bytes:
        lane.remove(newest)
