"""One lane's segments: append-only files on flash, filled one after the other."""

import os

from micropython import const

from haidang_node import numbers, records
from haidang_node.errors import FlashFull, StorageError

_ENOSPC = const(28)


class Segment:
    """One file: its place in the order of the lane, its size, which packs in it are held."""

    def __init__(self, turn: int) -> None:
        # Rises with every segment of a lane, and is the file's name.
        self.turn = turn
        self.size_bytes = 0
        # See `numbers`.
        self.parts: list = []


class Held:
    """One pack that is not acknowledged; `key` stands for its epoch and boot."""

    def __init__(self, lane: str, key: int, seq: int, source=None, offset: int = 0) -> None:
        self.lane = lane
        self.key = key
        self.seq = seq
        # The payload while it is in RAM alone, then its segment.
        self.source = source
        # Where in the segment; in RAM: since when (ms).
        self.offset = offset
        # Filled in by the window while the pack is on its way.
        self.packet_id = 0
        self.delay_ms = 0
        self.due_ms = 0


class Place:
    """How far a lane has been read: segment turn and offset, then the number in RAM."""

    def __init__(self) -> None:
        self.turn = 0
        self.offset = 0
        self.loose = -1


def size(lanes) -> tuple[int, int]:
    """Bytes on flash and ranges in RAM of all segments."""
    used_bytes = ranges = 0
    for segments in lanes:
        for segment in segments.all:
            used_bytes += segment.size_bytes
            for part in segment.parts:
                ranges += len(part[2]) // 2
    return used_bytes, ranges


def free_bytes(folder: str, unknown: int) -> int:
    """Room on the flash; `unknown` where it cannot be told, as a write will say what is wrong."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return unknown
    # A full LittleFS reports a free count below zero as a huge number.
    return 0 if status[3] > status[2] else status[0] * status[3]


class Segments:
    """The files of one lane, oldest first; at most one of them is open for writing."""

    def __init__(self, folder: str, lane: str, segment_bytes: int) -> None:
        self._folder = folder
        self._lane = lane
        self._segment_bytes = segment_bytes
        self._file = None
        self._turn = 0
        # Bytes of the newest file that a flush has made safe; 0 where nothing may be added to it.
        self._safe_bytes = 0
        self.all: list[Segment] = []

    def path(self, segment: Segment) -> str:
        """Where a segment's file lies."""
        return "%s/%s-%d" % (self._folder, self._lane, segment.turn)

    def adopt(self, turn: int) -> Segment:
        """Takes a file that was found at start in as the newest."""
        segment = Segment(turn)
        self.all.append(segment)
        self._turn = turn
        return segment

    def forget(self, segment: Segment) -> None:
        """Leaves a file alone."""
        self.all.remove(segment)
        self._safe_bytes = 0

    def names(self, segment: Segment):
        """Epoch, boot and number of each record of a file found at start, None for each damaged
        stretch; notes the size. Writing goes on in this file. OSError.
        """
        size = os.stat(self.path(segment))[6]
        with open(self.path(segment), "rb") as file:
            offset = 0
            while 0 <= offset < size:
                name = records.read_name(file, offset)
                if name is None or offset + name[0] > size:
                    yield None
                    offset = records.find(file, offset + 1)
                else:
                    yield name[1:]
                    offset += name[0]
        segment.size_bytes = self._safe_bytes = size

    @property
    def starts_anew(self) -> bool:
        """Whether the next record begins a new file."""
        return self._file is None and not self._goes_on()

    def append(self, epoch: str, boot: int, seq: int, payload: bytes) -> tuple[Segment, int]:
        """Writes one record, not yet flushed; its segment and offset. StorageError."""
        framed = records.frame(epoch, boot, seq, payload)
        try:
            file = self._file or self._open()
            segment = self.all[-1]
            file.write(framed)
        except OSError as error:
            self._give_up()
            raise _refused("pack %d" % seq, error)
        offset = segment.size_bytes
        segment.size_bytes += len(framed)
        return segment, offset

    def flush(self) -> None:
        """Makes what was appended safe; a full segment is closed. StorageError."""
        if self._file is None:
            return
        try:
            self._file.flush()
            self._safe_bytes = self.all[-1].size_bytes
            if self._safe_bytes >= self._segment_bytes:
                self.close()
        except OSError as error:
            self._give_up()
            raise _refused("a flush", error)

    def close(self) -> None:
        """Ends the open file."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                # What could not be written is found missing by its CRC.
                return

    def remove(self, segment: Segment) -> None:
        """Deletes a segment's file."""
        if segment is self.all[-1]:
            self.close()
            self._safe_bytes = 0
        self.all.remove(segment)
        try:
            os.remove(self.path(segment))
        except OSError:
            # Gone already: a power cut between removal and the next start.
            return

    def end(self) -> Place:
        """The place behind everything in the files."""
        place = Place()
        if self.all:
            place.turn, place.offset = self.all[-1].turn, self.all[-1].size_bytes
        return place

    def read(self, segment: Segment, offset: int) -> tuple | None:
        """Epoch, boot, number and payload of a record; None where it is damaged.

        StorageError where the file cannot be read now.
        """
        try:
            with open(self.path(segment), "rb") as file:
                return records.read(file, offset)
        except OSError as error:
            raise _refused("reading", error)

    def next_held(self, segment: Segment, offset: int, find_key) -> tuple | None:
        """Key, number and offset of the first held record from `offset` on, and the offset behind
        it; None where there is none. StorageError.
        """
        try:
            with open(self.path(segment), "rb") as file:
                while 0 <= offset < segment.size_bytes:
                    name = records.read_name(file, offset)
                    if name is None:
                        offset = records.find(file, offset + 1)
                        continue
                    length, epoch, boot, seq = name
                    key = find_key(epoch, boot)
                    if numbers.holds(segment.parts, key, seq):
                        return key, seq, offset, offset + length
                    offset += length
        except OSError as error:
            raise _refused("reading", error)
        return None

    def _goes_on(self) -> bool:
        return 0 < self._safe_bytes < self._segment_bytes

    def _give_up(self) -> None:
        # Nothing is added to a file that refused; one that was never flushed holds nothing.
        if self._file is None:
            return
        self.close()
        newest = self.all[-1]
        newest.size_bytes, self._safe_bytes = self._safe_bytes, 0
        if not newest.size_bytes:
            self.remove(newest)

    def _open(self):
        if self._goes_on():
            self._file = open(self.path(self.all[-1]), "ab")  # noqa: SIM115 - kept open
            return self._file
        segment = Segment(self._turn + 1)
        self._file = open(self.path(segment), "wb")  # noqa: SIM115 - kept open between packs
        self._turn += 1
        self._safe_bytes = 0
        self.all.append(segment)
        return self._file


def _refused(what: str, error: OSError) -> StorageError:
    kind = FlashFull if error.errno == _ENOSPC else StorageError
    return kind("flash refused %s: %s" % (what, error))
