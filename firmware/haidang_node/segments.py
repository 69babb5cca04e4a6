"""One lane's segments: append-only files on flash, filled one after the other.

Here is what stays in memory; `storing` writes the files, `reading` reads them.
"""

import os


class Segment:
    """One file: its place in the order of the lane, its size, which packs in it are held."""

    size_bytes = 0

    def __init__(self, turn: int) -> None:
        # Rises with every segment of a lane, and is the file's name.
        self.turn = turn
        # See `numbers`.
        self.parts: list = []


class Held:
    """One pack that is not acknowledged; `key` stands for its epoch and boot."""

    # Filled in by the window while the pack is on its way.
    packet_id = 0
    delay_ms = 0
    due_ms = 0

    def __init__(self, lane: str, key: int, seq: int, source=None, offset: int = 0) -> None:
        self.lane = lane
        self.key = key
        self.seq = seq
        # The payload while it is in RAM alone, then its segment.
        self.source = source
        # Where in the segment; in RAM: since when (ms).
        self.offset = offset


class Place:
    """How far a lane has been read: segment turn and offset, then the number in RAM."""

    turn = 0
    offset = 0
    loose = -1
    # Whether flash refused to read something before it: to be read again.
    missed = False


class Lane:
    """The files of one lane, oldest first; at most one of them is open for writing."""

    file = None
    # Bytes of the newest file that a flush has made safe; 0 where nothing may be added to it.
    safe_bytes = 0
    # The newest file's.
    turn = 0

    def __init__(self, start: str, limit_bytes: int) -> None:
        # What each file's path begins with.
        self._start = start
        self.limit_bytes = limit_bytes
        self.all: list[Segment] = []

    def path(self, turn: int) -> str:
        """Where a segment's file lies."""
        return "%s-%d" % (self._start, turn)

    def open(self, turn: int, mode: str):
        """A segment's file. OSError."""
        return open(self.path(turn), mode)

    def close(self) -> None:
        """Ends the open file."""
        file, self.file = self.file, None
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
            self.safe_bytes = 0
        self.all.remove(segment)
        try:
            os.remove(self.path(segment.turn))
        except OSError:
            # Gone already: a power cut between removal and the next start.
            return
