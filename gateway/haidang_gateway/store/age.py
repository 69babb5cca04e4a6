"""How old things are: by time that has really passed, whatever a wrong clock says."""

from haidang_gateway.store.schema import Connection

AGED_MS = "aged_ms"
# A clock that is years ahead for an hour costs what would have gone in a day, not everything; a
# gateway that was without power for a week has caught up in seven hours. Backwards as well: a
# machine without a battery begins in 1970, and must not be fifty years younger afterwards.
_FASTEST = 24


class Age:
    """Unix ms up to which things may have grown old; at most as far as the clock is.

    `mark_ms` is to be noted: it follows the clock by no more than a day for an hour.
    """

    def __init__(self, mark_ms: int, steady_ms: int) -> None:
        """Go on from `mark_ms`; `steady_ms` is the monotonic clock's."""
        self.mark_ms = mark_ms
        self._steady_ms = steady_ms

    def look(self, now_ms: int, steady_ms: int) -> int:
        """As of now."""
        most_ms = _FASTEST * (steady_ms - self._steady_ms)
        self._steady_ms = steady_ms
        self.mark_ms += min(max(now_ms - self.mark_ms, -most_ms), most_ms)
        return min(self.mark_ms, now_ms)


def known(connection: Connection, now_ms: int) -> int:
    """The age as it was noted last; at most the clock's."""
    return min(mark(connection, now_ms), now_ms)


def mark(connection: Connection, now_ms: int) -> int:
    """What was noted last; before that the time of the newest pack, or else the clock's."""
    row = connection.execute("SELECT value FROM meta WHERE key=?", (AGED_MS,)).fetchone()
    newest = "SELECT received_ms FROM bundle ORDER BY first DESC LIMIT 1"
    row = row or connection.execute(newest).fetchone()
    return int(row[0]) if row else now_ms


def note(connection: Connection, mark_ms: int) -> None:
    """Keep it for the next start."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (AGED_MS, str(mark_ms)))
