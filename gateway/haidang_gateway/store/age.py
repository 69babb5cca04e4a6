"""How old things are: by time that has really passed, whatever a wrong clock says."""

from haidang_gateway.store.schema import Connection

AGED_MS = "aged_ms"
# A clock that is years ahead for an hour costs what would have gone in a day, not everything; a
# gateway that was without power for a week has caught up in seven hours.
_FASTEST = 24


class Age:
    """Unix ms up to which things may have grown old; at most as far as the clock is."""

    def __init__(self, known_ms: int, steady_ms: int) -> None:
        """Go on from `known_ms`; `steady_ms` is the monotonic clock's."""
        self._ms = known_ms
        self._steady_ms = steady_ms

    def look(self, now_ms: int, steady_ms: int) -> int:
        """As of now; since the last look it has grown by no more than a day for an hour."""
        grown_ms = _FASTEST * (steady_ms - self._steady_ms)
        self._ms, self._steady_ms = min(self._ms + grown_ms, now_ms), steady_ms
        return self._ms


def known(connection: Connection, now_ms: int) -> int:
    """What was noted last; before that the time of the newest pack, or else the clock's."""
    row = connection.execute("SELECT value FROM meta WHERE key=?", (AGED_MS,)).fetchone()
    row = (
        row
        or connection.execute("SELECT received_ms FROM pack ORDER BY id DESC LIMIT 1").fetchone()
    )
    return min(int(row[0]), now_ms) if row else now_ms


def note(connection: Connection, aged_ms: int) -> None:
    """Keep it for the next start."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (AGED_MS, str(aged_ms)))
