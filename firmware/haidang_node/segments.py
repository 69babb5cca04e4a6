"""One lane's segments: append-only files on flash, one boot and one lane each."""

import os

from haidang_node import records
from haidang_node.errors import StorageError

# Bigger segments mean fewer objects in RAM; LittleFS costs the same per flush from 4 KiB on.
_SEGMENT_BYTES = {"a": 4096, "d": 16384}


class Segment:
    """One file; its name tells lane, epoch, boot and first number."""

    __slots__ = ("boot", "epoch", "first", "lane", "last", "size_bytes", "turn")

    def __init__(self, lane: str, epoch: str, boot: int, first: int) -> None:
        self.lane = lane
        self.epoch = epoch
        self.boot = boot
        self.first = first
        self.last = first
        self.size_bytes = 0
        # Rises with every segment of a lane; reading goes on by it when a segment is gone.
        self.turn = 0

    def name(self) -> str:
        """The file's name."""
        return "%s-%s-%d-%d" % (self.lane, self.epoch, self.boot, self.first)


def parse_name(name: str) -> Segment | None:
    """The segment a file belongs to; None for a foreign file."""
    parts = name.split("-")
    if len(parts) != 4 or parts[0] not in _SEGMENT_BYTES:
        return None
    try:
        return Segment(parts[0], parts[1], int(parts[2]), int(parts[3]))
    except ValueError:
        return None


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

    def __init__(self, folder: str, lane: str) -> None:
        self._folder = folder
        self._lane = lane
        self._file = None
        # Whether the open file was ever flushed.
        self._safe = False
        self._turn = 0
        self.all: list[Segment] = []

    def path(self, segment: Segment) -> str:
        """Where a segment's file lies."""
        return self._folder + "/" + segment.name()

    def adopt(self, segment: Segment) -> None:
        """Takes a segment in as the newest."""
        self._turn += 1
        segment.turn = self._turn
        self.all.append(segment)

    def scan(self, segment: Segment) -> list[int]:
        """The numbers of all sound records of a file found at start; its size is noted."""
        numbers = []
        segment.size_bytes = os.stat(self.path(segment))[6]
        with open(self.path(segment), "rb") as file:
            found = records.next_sound(file, 0, segment.epoch, segment.boot)
            while found:
                offset, seq, payload = found
                numbers.append(seq)
                offset += records.HEADER_BYTES + len(payload)
                found = records.next_sound(file, offset, segment.epoch, segment.boot)
        segment.last = numbers[-1] if numbers else segment.first
        return numbers

    def append(self, epoch: str, boot: int, seq: int, payload: bytes) -> tuple[Segment, int]:
        """Writes one record, not yet flushed; its segment and offset. StorageError."""
        framed = records.frame(epoch, boot, seq, payload)
        try:
            file = self._file or self._start(epoch, boot, seq)
            segment = self.all[-1]
            file.write(framed)
        except OSError as error:
            self._give_up()
            raise StorageError("flash refused pack %d: %s" % (seq, error))
        offset = segment.size_bytes
        segment.size_bytes += len(framed)
        segment.last = seq
        return segment, offset

    def flush(self) -> None:
        """Makes what was appended safe; a full segment is closed. StorageError."""
        if self._file is None:
            return
        try:
            self._file.flush()
            self._safe = True
            if self.all[-1].size_bytes >= _SEGMENT_BYTES[self._lane]:
                self.close()
        except OSError as error:
            self._give_up()
            raise StorageError("flash refused a flush: %s" % error)

    def close(self) -> None:
        """Ends the open segment; the next record starts a new file."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                # What could not be written is found missing by its CRC.
                return

    def remove(self, segment: Segment) -> None:
        """Deletes a segment's file."""
        if self._file is not None and segment is self.all[-1]:
            self.close()
        self.all.remove(segment)
        try:
            os.remove(self.path(segment))
        except OSError:
            # Gone already: a power cut between removal and the next start.
            return

    def read_from(self, segment: Segment, offset: int) -> tuple[int, int, bytes] | None:
        """Offset, number and payload of the next sound record; None at the segment's end.

        StorageError where the file cannot be read now.
        """
        try:
            with open(self.path(segment), "rb") as file:
                return records.next_sound(file, offset, segment.epoch, segment.boot)
        except OSError as error:
            raise StorageError("flash refused to read %s: %s" % (segment.name(), error))

    def _give_up(self) -> None:
        # A file that was never flushed holds nothing, and the next one will have its name.
        useless = self._file is not None and not self._safe
        self.close()
        if useless:
            self.remove(self.all[-1])

    def _start(self, epoch: str, boot: int, seq: int):
        segment = Segment(self._lane, epoch, boot, seq)
        self._file = open(self.path(segment), "wb")  # noqa: SIM115 - kept open between packs
        self._safe = False
        self.adopt(segment)
        return self._file
