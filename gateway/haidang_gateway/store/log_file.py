"""SQLite's log beside the database: how many pages it holds, and how they come into the file."""

import os
from pathlib import Path

from haidang_gateway.store.schema import Connection, second

# sqlite.org/fileformat2.html#walformat: a header of 32 bytes, then frames of 24 bytes and a page.
_HEADER_BYTES = 32
_FRAME_BYTES = 24
_SALT_BYTES = 8
_PAGE_SIZE = slice(8, 12)
_SALT = slice(16, 24)
_FRAME_SALT_AT = 8
# What comes while the log is carried over is carried over, too, until it is no more than this.
_REST_PAGES = 100
_ROUNDS = 3


def pages(database: Path) -> int:
    """How many pages the log holds since it last began anew; 0 without a log.

    Its frames of this round bear the header's salt. SQLite tells the number only to whoever
    carries the log over, and locks none of this file, so that it may be opened here.
    """
    try:
        descriptor = os.open(database.with_name(f"{database.name}-wal"), os.O_RDONLY)
    except OSError:
        return 0
    try:
        return _count(descriptor)
    finally:
        os.close(descriptor)


def empty(database: Path) -> None:
    """Move nearly all pages into the file through a connection of its own, beside the writer."""
    with second(database) as connection:
        for _ in range(_ROUNDS):
            held = carry_over(connection)
            if pages(database) - held <= _REST_PAGES:
                return


def carry_over(connection: Connection) -> int:
    """Move what the log holds now into the file, waiting for nobody; how many pages it held."""
    _busy, held, _moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return max(int(held), 0)


def _count(descriptor: int) -> int:
    header = os.pread(descriptor, _HEADER_BYTES, 0)
    if len(header) < _HEADER_BYTES:
        return 0
    frame = _FRAME_BYTES + int.from_bytes(header[_PAGE_SIZE], "big")
    low, high = 0, (os.fstat(descriptor).st_size - _HEADER_BYTES) // frame
    while low < high:
        middle = (low + high) // 2
        at = _HEADER_BYTES + middle * frame + _FRAME_SALT_AT
        if os.pread(descriptor, _SALT_BYTES, at) == header[_SALT]:
            low = middle + 1
        else:
            high = middle
    return low
