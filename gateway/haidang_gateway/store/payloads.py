"""Bytes that the database keeps deflated: readings are much alike, and a memory card wears out."""

import sqlite3
import zlib

from haidang_gateway.model import OutLane

# 10 kB of readings, level 1: 0.9 kB in 0.03 ms; level 6 is a tenth smaller and four times as slow.
_LEVEL = 1
# What is shorter gains nothing.
_LEAST_BYTES = 256
# Every zlib stream of ours begins so; no JSON and no XML does.
_MARK = b"\x78"


class Torn(sqlite3.DatabaseError):
    """Damage that SQLite does not see: its own errors of this kind have the same code."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def deflated(data: bytes) -> bytes:
    """In the zlib format (RFC 1950), whose checksum shows damage."""
    return zlib.compress(data, _LEVEL)


def inflated(data: bytes, what: str) -> bytes:
    """As it was; Torn, naming `what`, where it is damaged."""
    try:
        return zlib.decompress(data)
    except (zlib.error, TypeError) as error:
        raise Torn(f"{what} cannot be inflated: {error}") from error


def kept(lane: OutLane, payload: bytes) -> bytes:
    """A message as the database keeps it; alarms and answers stay readable by eye."""
    if lane != "data" or len(payload) < _LEAST_BYTES:
        return payload
    return deflated(payload)


def sent(lane: OutLane, payload: bytes) -> bytes:
    """A kept message as its destination gets it; an older version kept all of them so."""
    if lane != "data" or payload[:1] != _MARK:
        return payload
    return inflated(payload, "a message")
