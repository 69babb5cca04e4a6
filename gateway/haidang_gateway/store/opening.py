"""How the database is opened at the start: looked at, rebuilt where it is broken."""

import contextlib
import fcntl
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from haidang_gateway.errors import StoreError, StoreFull
from haidang_gateway.store import check, queries, rescue, room
from haidang_gateway.store.renew import count_from_now, lead_revisions, mend_rules, renew
from haidang_gateway.store.schema import (
    FILE,
    Connection,
    SqlError,
    connect,
    is_broken,
    transaction,
    translated,
)
from haidang_gateway.store.writes import audit

_log = logging.getLogger(__name__)

# The log and its index begin with less.
_LEAST_FREE_BYTES = 256 * 1024

RENEWED = "renewed"
# Stands in copies, and without the above in those that were not restored yet.
BACKED_UP_MS = "backed_up_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the start has found.

    `set_aside`: where a broken database lies now; `unclean`: the last run did not end in order;
    `checked_ms`: when all of it was last read; `renewed`: "rebuilt <Unix ms>" or
    "restored <Unix ms>" if this database is not the one it was.
    """

    epoch: str = ""
    created_ms: int = 0
    set_aside: Path | None = None
    unclean: bool = False
    checked_ms: int = 0
    renewed: str = ""


def open_store(path: Path, now_ms: int) -> tuple[Connection, Opened]:
    """A connection that the caller closes; StoreFull or StoreError where there can be none."""
    set_aside = None
    try:
        rescue.finish(path)
        if reason := _wrong_with(path):
            set_aside = _rebuild(path, reason, now_ms)
        connection = connect(path, now_ms)
    except SqlError as error:
        raise _opening(error, path) from error
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}; check the disk and the folder's owner"
        ) from error
    try:
        _renew_copy(connection, path, now_ms)
        return connection, _begin(connection, set_aside)
    except SqlError as error:
        connection.close()
        raise _opening(error, path) from error


def settle_copy(connection: Connection, now_ms: int) -> None:
    """Make a copy of an earlier moment one that can go on; the caller owns the transaction."""
    lead_revisions(connection)
    count_from_now(connection, now_ms)
    renew(connection, now_ms, "restored")
    audit(connection, now_ms, "restored", FILE, "0" * 64)


def lock(folder: Path) -> int:
    """A descriptor that keeps every other gateway, and `restore`, off the folder; StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        message = f"{folder}: {error.strerror}; check that the folder is writable"
        raise StoreError(message) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreError(
            f"{folder}: another gateway runs on this folder; stop it first"
        ) from error
    return descriptor


def _begin(connection: Connection, set_aside: Path | None) -> Opened:
    facts = queries.meta(connection)
    try:
        transaction(connection, _settle)
    except SqlError as error:
        if is_broken(error) or not translated(error, Path()).retryable:
            raise
        # A full disk: alarms still find room in the file, see room.py.
        _log.warning("the database can be read and not written yet: %s", error)
    return Opened(
        epoch=facts["epoch"],
        created_ms=int(facts["created_ms"]),
        set_aside=set_aside,
        unclean=facts.get(check.CLEAN) == "0",
        checked_ms=int(facts.get(check.CHECKED_MS, 0)),
        renewed=facts.get(RENEWED, ""),
    )


def _renew_copy(connection: Connection, path: Path, now_ms: int) -> None:
    """A copy that was put in place by hand would use the numbers of after its making twice."""
    facts = queries.meta(connection)
    if BACKED_UP_MS in facts and RENEWED not in facts:
        transaction(connection, lambda c: settle_copy(c, now_ms))
        _log.warning("%s is a backup; it goes on as a restored one, in a new epoch", path)


def _settle(connection: Connection) -> None:
    check.begin(connection)
    # A gateway whose rules lag behind its alarms could never commit the next revision.
    mend_rules(connection)


def _opening(error: SqlError, path: Path) -> StoreError:
    if isinstance(translated(error, path), StoreFull) or _lacks_room(error, path):
        return StoreFull(f"{path}: cannot be opened: the disk is full; free some of it")
    return StoreError(f"{path}: cannot be opened: {error}; {_remedy(error)}")


def _lacks_room(error: SqlError, path: Path) -> bool:
    """Whether the log's index found none, of which SQLite says "disk I/O error"."""
    if is_broken(error):
        return False
    with contextlib.suppress(OSError):
        return shutil.disk_usage(path.parent).free < _LEAST_FREE_BYTES
    return False


def _wrong_with(path: Path) -> str:
    if not path.exists():
        return ""
    return check.marked(path.parent) or check.glance(path)


def _rebuild(path: Path, reason: str, now_ms: int) -> Path:
    found = rescue.rescue(path, reason, now_ms)
    check.unmark(path.parent)
    _log.error("%s", found.said())
    room.drop_aside(path.parent)
    return found.aside


def _remedy(error: SqlError) -> str:
    if is_broken(error):
        return "start again: the next start rebuilds it"
    if "readonly" in str(error) or "unable to open" in str(error):
        return "check that the service's user owns it, and that the disk is not mounted read-only"
    return "check the disk"
