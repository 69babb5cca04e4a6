"""Room on a full disk: what is deleted first, and the reserve that lets SQLite delete at all."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import bundles, dead_letters, history
from haidang_gateway.store.counters import count_up
from haidang_gateway.store.drop import drop_waiting
from haidang_gateway.store.feed import forwarded_up_to, give_up_for_others, give_up_messages
from haidang_gateway.store.schema import FILE, PAGE_BYTES, Connection
from haidang_gateway.store.writes import QUARANTINE_FORGOTTEN, forget_revisions

_log = logging.getLogger(__name__)

# Freed when the disk is full: SQLite needs room in its log even to delete.
_BALLAST_BYTES = 8 * 1024 * 1024
_ROOMY_BYTES = 3 * _BALLAST_BYTES
_MB = 1024 * 1024
_LEAST_PAGES = 16 * _MB // PAGE_BYTES
# Kept free inside the file, so that an alarm's commit never has to make room itself.
_SPARE_PAGES = 512
# Copies of broken and of replaced databases; none of them where the disk is full.
_KEPT_ASIDE = 2
ROWS = 500
REVISIONS = 50
MESSAGES = 20
# A living destination takes its messages in seconds.
_DEAD_MS = 3_600_000


class Room:
    """The ballast file and the limit of the database in one folder."""

    def __init__(self, folder: Path, settings: StoreSettings) -> None:
        """Store the arguments."""
        self._folder = folder
        self._settings = settings
        self._ballast = folder / "ballast"
        self.limit_pages = self._settings.max_mb * _MB // PAGE_BYTES

    def lay(self) -> None:
        """Lay the ballast down where the disk has room for it and more."""
        try:
            if self._ballast.exists() and self._ballast.stat().st_size == _BALLAST_BYTES:
                return
            if self._free_bytes() >= _ROOMY_BYTES:
                self._ballast.write_bytes(bytes(_BALLAST_BYTES))
        except OSError as error:
            self._ballast.unlink(missing_ok=True)
            _log.warning("no room for the reserve file %s: %s", self._ballast, error.strerror)

    def limit(self, connection: Connection) -> None:
        """Set how far the file may grow, by what the disk has free.

        `reserve_mb` (on a small disk a quarter of it) stay free, for the log and for everything
        else there; the smallest database that can work is let grow all the same.
        """
        disk = shutil.disk_usage(self._folder)
        reserve = min(self._settings.reserve_mb * _MB, disk.total // 4)
        grown = _pages(connection) + max(0, disk.free - reserve) // PAGE_BYTES
        wanted = min(self._settings.max_mb * _MB // PAGE_BYTES, max(grown, _LEAST_PAGES))
        (self.limit_pages,) = connection.execute(f"PRAGMA max_page_count={wanted}").fetchone()

    def is_tight(self, connection: Connection) -> bool:
        """Whether little is left inside the limit, so that the oldest telemetry should go now."""
        (unused,) = connection.execute("PRAGMA freelist_count").fetchone()
        spare = min(_SPARE_PAGES, self.limit_pages // 16)
        return bool(_pages(connection) - unused > self.limit_pages - spare)

    def samples(self, connection: Connection) -> list[tuple[str, dict[str, str], float]]:
        """Sizes in bytes, for Prometheus."""
        (unused,) = connection.execute("PRAGMA freelist_count").fetchone()
        return [
            ("haidang_store_bytes", {}, _pages(connection) * PAGE_BYTES),
            ("haidang_store_unused_bytes", {}, unused * PAGE_BYTES),
            ("haidang_store_limit_bytes", {}, self.limit_pages * PAGE_BYTES),
            ("haidang_store_log_bytes", {}, log_bytes(self._folder / FILE)),
            ("haidang_disk_free_bytes", {}, self._free_bytes()),
        ]

    def give_up_ballast(self, connection: Connection) -> None:
        """Hand the ballast to SQLite's log: the file itself grows no further meanwhile.

        SQLite takes the present size where the limit is lower.
        """
        (self.limit_pages,) = connection.execute("PRAGMA max_page_count=1").fetchone()
        if self._free_bytes() < _ROOMY_BYTES:
            self.give_up()

    def give_up(self) -> None:
        """Free on the disk what can be freed at once: ballast, copies of broken databases."""
        self._ballast.unlink(missing_ok=True)
        drop_aside(self._folder, keep=0)

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free


def make_room(connection: Connection, day: str, now_ms: int) -> int:
    """Delete some of what is worth least; how many rows. Everything is counted.

    The order: packs that every destination has, those that the centre has and others wait for,
    telemetry in messages that have waited an hour for another than the centre, or were refused;
    the minutes of the charts, quarantine, telemetry that still waits (by name, and in the ledger
    as dropped:gateway_full), the hours, packs of the alarm lane that still wait (the same), alarms
    that have waited an hour for another than the centre, old revisions (audited). A revision's
    message to the centre stays until it is confirmed.
    """
    dead_ms = now_ms - _DEAD_MS
    steps: tuple[tuple[str, Callable[[], int]], ...] = (
        ("room_packs", lambda: _forwarded(connection)),
        ("room_destinations", lambda: _others_packs(connection)),
        ("room_messages", lambda: give_up_messages(connection, "data", dead_ms, MESSAGES)),
        ("room_letters", lambda: dead_letters.give_up(connection, MESSAGES)),
        ("room_minutes", lambda: history.drop_oldest(connection, 60, ROWS)),
        (QUARANTINE_FORGOTTEN, lambda: connection.execute("DELETE FROM quarantine").rowcount),
        ("room_waiting_packs", lambda: drop_waiting(connection, "data", day, ROWS)),
        ("room_hours", lambda: history.drop_oldest(connection, 3600, ROWS)),
        ("room_waiting_alarms", lambda: drop_waiting(connection, "alarm", day, ROWS)),
        ("room_alarms", lambda: give_up_messages(connection, "alarm", dead_ms, ROWS)),
        ("room_revisions", lambda: forget_revisions(connection, now_ms, REVISIONS)),
    )
    for name, step in steps:
        if gone := step():
            count_up(connection, name, gone)
            return gone
    return 0


def forget_old(connection: Connection, settings: StoreSettings, now_ms: int) -> int:
    """Delete at most `ROWS` rows of each kind that are older than the configuration keeps them."""
    return (
        _old_packs(connection, settings, now_ms)
        + history.forget(connection, 60, settings.minute_days, now_ms, ROWS)
        + history.forget(connection, 3600, settings.hour_days, now_ms, ROWS)
    )


def drop_aside(folder: Path, keep: int = _KEPT_ASIDE) -> None:
    """Delete copies of broken and replaced databases but for the newest `keep` of each kind."""
    for kind in ("broken", "replaced"):
        names = sorted(
            path
            for path in folder.glob(f"haidang.db.{kind}-*")
            if not path.name.endswith(("-wal", "-shm"))
        )
        for path in names[: len(names) - keep]:
            _log.warning("%s is deleted; %s such copies are kept", path, keep)
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def log_bytes(path: Path) -> int:
    """How long the log of a database is; 0 without one."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0


def _old_packs(connection: Connection, settings: StoreSettings, now_ms: int) -> int:
    """Forwarded packs that are in the history, beyond the number or the days to be kept."""
    passed = min(forwarded_up_to(connection), history.cursor(connection))
    first = bundles.oldest_free(connection, passed)
    if first is None:
        return 0
    done = min(passed, first + ROWS - 1)
    (old,) = connection.execute(
        "SELECT coalesce(max(last), 0) FROM bundle"
        " WHERE first <= ? AND last <= ? AND received_ms < ?",
        (done, done, now_ms - settings.raw_days * 86_400_000),
    ).fetchone()
    return bundles.delete(
        connection, max(old, min(done, bundles.newest(connection) - settings.keep_packs))
    )


def _forwarded(connection: Connection) -> int:
    passed = forwarded_up_to(connection)
    first = bundles.oldest_free(connection, passed)
    if first is None:
        return 0
    return bundles.delete(connection, min(passed, first + ROWS - 1))


def _others_packs(connection: Connection) -> int:
    return _forwarded(connection) if give_up_for_others(connection, ROWS) else 0


def _pages(connection: Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    return int(pages)
