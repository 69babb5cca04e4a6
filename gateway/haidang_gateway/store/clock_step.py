"""How far the wall clock was set lately: what nodes say of time may still be from before."""

from haidang_gateway.store.schema import Connection

_KEY = "clock_step"
# A node asks for the time each hour, and half a minute later again before it believes a step.
_LASTS_MS = 7_200_000


def note(connection: Connection, at_ms: int, step_ms: int) -> None:
    """Keep for the next starts that the clock was set by `step_ms` and said `at_ms` then."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, f"{at_ms} {step_ms}"))


def lately(connection: Connection, now_ms: int) -> int:
    """By how many ms it was set within the last two hours; 0 where it was not."""
    row = connection.execute("SELECT value FROM meta WHERE key=?", (_KEY,)).fetchone()
    at_ms, step_ms = map(int, row[0].split()) if row else (0, 0)
    return step_ms if 0 <= now_ms - at_ms < _LASTS_MS else 0
