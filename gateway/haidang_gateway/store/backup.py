"""A copy of the database while the gateway runs, and a gateway that goes on from such a copy."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from haidang_gateway.clock import Clock
from haidang_gateway.config import add_config, load
from haidang_gateway.errors import StoreError
from haidang_gateway.store.check import end_cleanly, missing, passed, unmark
from haidang_gateway.store.opening import BACKED_UP_MS, RENEWED, lock, settle_copy
from haidang_gateway.store.rescue import aside, move, remove
from haidang_gateway.store.room import drop_aside
from haidang_gateway.store.schema import (
    FILE,
    Connection,
    SqlError,
    connect,
    reading,
    second,
    transaction,
    version_of,
)
from haidang_gateway.store.tables import SCHEMA_VERSION

# 256 KiB, then the disk belongs to the gateway's commits for a moment.
_PAGES = 64
_PAUSE_S = 0.01
_ROOM_BYTES = 16 * 1024 * 1024
_GENTLE = 10
# sqlite.org/fileformat2.html, section 1.3
_MAGIC = b"SQLite format 3\0"


def add_arguments(parser: argparse.ArgumentParser, default: Path) -> None:
    """The file of `backup` and `restore`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the copy")
    add_config(parser, default)


def run_backup(options: argparse.Namespace) -> int:
    """The command `backup`."""
    os.nice(_GENTLE)
    folder = load(options.config).data_dir
    size = back_up(folder / FILE, options.file, Clock().now_ms())
    sys.stdout.write(
        f"{options.file}: {size} bytes, checked. Keep it where only you can read it: orders under "
        "way are in it, a Wi-Fi password perhaps\n"
    )
    return 0


def run_restore(options: argparse.Namespace) -> int:
    """The command `restore`."""
    folder = load(options.config).data_dir
    kept = restore(options.file, folder / FILE, Clock().now_ms())
    was = f"; what was there is kept at {kept}" if kept else ""
    sys.stdout.write(f"{folder / FILE} is the copy {options.file} now{was}. Start the gateway.\n")
    return 0


def back_up(source: Path, target: Path, now_ms: int) -> int:
    """Copy the database as it is at this moment to the new file `target`; its size in bytes.

    The gateway goes on beside it. StoreError where it cannot be, or the copy is not sound.
    """
    if target.exists():
        raise StoreError(f"{target}: exists already; name a new file")
    part = target.with_name(target.name + ".part")
    try:
        _need_room(source, part.parent)
        _own_file(part)
        with reading(source) as old, second(part) as copy:
            # One moment for all steps: without it every commit would begin the copy anew.
            old.execute("BEGIN")
            old.execute("SELECT 1 FROM meta").fetchone()
            old.backup(copy, pages=_PAGES, sleep=_PAUSE_S)
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()
            transaction(copy, lambda c: _note_backup(c, now_ms))
            _need_sound(copy, part)
        part.rename(target)
    except (OSError, SqlError) as error:
        raise StoreError(f"{target}: cannot be written: {_why(error)}; check its disk") from error
    finally:
        remove(part)
    return target.stat().st_size


def restore(backup: Path, path: Path, now_ms: int) -> Path | None:
    """Put a copy in the place of the database; where the replaced one is kept.

    The gateway must not run. The new database has a new epoch. StoreError where the copy is
    damaged or of a later version: then nothing is changed.
    """
    folder = path.parent
    part, fresh = path.with_name(path.name + ".copy"), path.with_name(path.name + ".new")
    held = -1
    try:
        held = lock(folder)
        remove(part)
        _copy_of(backup, part)
        _prepare(part, now_ms)
        remove(fresh)
        move(part, fresh)
        kept = aside(path, "replaced", now_ms) if path.exists() else None
        if kept:
            move(path, kept)
        move(fresh, path)
        unmark(folder)
        drop_aside(folder)
    except (OSError, SqlError) as error:
        raise StoreError(
            f"{path}: cannot be restored from {backup}: {_why(error)}; check the disk"
        ) from error
    finally:
        remove(part)
        if held >= 0:
            os.close(held)
    return kept


def _copy_of(backup: Path, part: Path) -> None:
    """A checked copy, owned by whoever owns the folder: root restores, the service's user runs."""
    _need_database(backup)
    _need_room(backup, part.parent)
    _own_file(part)
    with reading(backup) as old, second(part) as copy:
        version = version_of(old)
        if not 0 < version <= SCHEMA_VERSION:
            raise StoreError(
                f"{backup}: has schema {version}, this program knows 1 to {SCHEMA_VERSION}; "
                "take another file, or install the version that wrote it"
            )
        if lacking := missing(old):
            raise StoreError(
                f"{backup}: is no database of a gateway ({lacking}); "
                "name a file that `backup` wrote"
            )
        old.backup(copy)
        _need_sound(copy, backup)
    owner = part.parent.stat()
    os.chown(part, owner.st_uid, owner.st_gid)


def _prepare(part: Path, now_ms: int) -> None:
    steps: tuple[Callable[[Connection], None], ...] = (
        lambda c: settle_copy(c, now_ms),
        lambda c: passed(c, now_ms),
        end_cleanly,
    )
    connection = connect(part, now_ms)
    try:
        transaction(connection, lambda c: [step(c) for step in steps])
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    finally:
        connection.close()


def _note_backup(connection: Connection, now_ms: int) -> None:
    connection.execute("DELETE FROM meta WHERE key=?", (RENEWED,))
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (BACKED_UP_MS, str(now_ms)))


def _need_sound(connection: Connection, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != ("ok",):
        # SQLite tells it in two lines.
        said = " ".join(found[0].split()) if found else "?"
        raise StoreError(f"{path}: is damaged: {said}; take another file")


def _need_database(backup: Path) -> None:
    try:
        with backup.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise StoreError(
            f"{backup}: cannot be read: {_why(error)}; name a file that `backup` wrote"
        ) from error
    if head != _MAGIC:
        raise StoreError(
            f"{backup}: cannot be restored, it is no database; name a file that `backup` wrote"
        )


def _why(error: OSError | SqlError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _need_room(source: Path, folder: Path) -> None:
    needed = source.stat().st_size + _ROOM_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"{folder}: {free // 1_000_000} MB are free, {needed // 1_000_000} MB are needed; "
            "free some, or name a file on another disk"
        )


def _own_file(path: Path) -> None:
    """A new empty file for its owner alone."""
    remove(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
