"""Looks at the machine for `check`: disk, clock, who answers at the brokers' ports."""

import contextlib
import ctypes
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from haidang_gateway.settings import Settings

_MB = 1_000_000
# The log beside the database, the ballast and some air.
_WORKING_MB = 64
_SLOW_S = 0.5
_ANSWER_S = 3.0
# adjtimex(2): the kernel knows of no synchronisation.
_TIME_ERROR = 5
_TIMEX_BYTES = 512
_BLOCK = Path("/sys/dev/block")


def problems(settings: Settings) -> Iterator[str]:
    """What will keep the gateway from working; one sentence each, with the remedy."""
    folder = settings.data_dir
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:
        yield f"[gateway] data_dir: {folder}: {error.strerror}; {_remedy(error)}"
        return
    if not there.is_dir():
        yield f"[gateway] data_dir: {there} is a file; name a folder"
        return
    if there != folder:
        # The service makes it, with the right owner.
        return
    try:
        took_s = _write_through(folder)
    except OSError as error:
        yield f"[gateway] data_dir: {folder} cannot be written: {error.strerror}; {_remedy(error)}"
        return
    if took_s > _SLOW_S:
        yield (
            f"[gateway] data_dir: 4 KiB took {took_s:.1f} s to reach the disk of {folder}; "
            "an alarm waits as long: take another card or disk"
        )
    free_mb = shutil.disk_usage(folder).free // _MB
    if free_mb < settings.store.reserve_mb + _WORKING_MB:
        yield (
            f"[gateway] data_dir: {free_mb} MB are free at {folder}, "
            f"{settings.store.reserve_mb + _WORKING_MB} MB are needed; delete something"
        )


def warnings(settings: Settings) -> Iterator[str]:
    """What works now and should be looked at; one sentence each."""
    folder = settings.data_dir
    if folder.exists():
        yield from _disk(folder, settings.store.max_mb)
    for serial in settings.serial:
        if not os.access(serial.device, os.R_OK | os.W_OK):
            yield (
                f"[[serial]] {serial.device} is not there or closed to this user: plug it in; the "
                "service is in the group dialout"
            )
    if not clock_is_synchronised():
        yield (
            "the clock is not synchronised: alarms would carry a wrong time; set up an NTP server "
            "(`timedatectl` shows it) or a battery clock"
        )
    yield from silent_ports(
        (
            ("broker", settings.broker.host, settings.broker.port),
            ("centre", settings.centre.host, settings.centre.port),
            *((f"destination {d.name}", d.host, d.port) for d in settings.destinations),
        )
    )


def clock_is_synchronised() -> bool:
    """What the kernel says; True where it cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        said = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return True
    return bool(said != _TIME_ERROR)


def silent_ports(places: Iterable[tuple[str, str, int]]) -> list[str]:
    """A sentence for each (table, host, port) where nobody answers within 3 s."""
    with ThreadPoolExecutor(thread_name_prefix="port") as threads:
        return [said for said in threads.map(_ask, places) if said]


def _ask(place: tuple[str, str, int]) -> str:
    table, host, port = place
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_S):
            return ""
    except OSError as error:
        return (
            f"[{table}] nobody answers at {host} port {port} ({error.strerror or error}); "
            "is that broker running, and the network up?"
        )


def _disk(folder: Path, max_mb: int) -> Iterator[str]:
    if os.geteuid() == 0 and folder.stat().st_uid == 0:
        yield (
            f"{folder} belongs to root: the service runs as another user; "
            f"`chown haidang: {folder}`"
        )
    total_mb = shutil.disk_usage(folder).total // _MB
    if total_mb < max_mb:
        yield f"[store] max_mb is {max_mb}, the disk of {folder} has {total_mb} MB in all"
    if card := _card(folder):
        yield (
            f"{folder} lies on {card}: years of commits wear it out; an SSD is better, "
            "else a card for surveillance (high endurance)"
        )


def _card(folder: Path) -> str:
    """Kind and name of the memory card a folder lies on; empty for anything else."""
    device = folder.stat().st_dev
    with contextlib.suppress(OSError):
        block = (_BLOCK / f"{os.major(device)}:{os.minor(device)}").resolve(strict=True)
        for part in (block, block.parent):
            if part.name.startswith("mmcblk") and (part / "device").exists():
                kind, name = (_word(part / "device" / word) for word in ("type", "name"))
                return f"a memory card ({kind} {name})" if kind == "SD" else ""
    return ""


def _word(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace").strip()


def _write_through(folder: Path) -> float:
    """Seconds until 4 KiB were really on the disk."""
    began_s = time.monotonic()
    with tempfile.NamedTemporaryFile(dir=folder, prefix="check-") as probe:
        probe.write(bytes(4096))
        probe.flush()
        os.fsync(probe.fileno())
    return time.monotonic() - began_s


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "let the service's user own it (`chown haidang: FOLDER`)"
    return "check the disk: it may be full or mounted read-only (`dmesg`, `mount`)"
