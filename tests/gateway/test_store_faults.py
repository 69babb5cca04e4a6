"""Faults of the disk: nothing acknowledged is lost, and each is said with a remedy."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeClock
from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store import history, queries
from haidang_gateway.store.care import Care
from haidang_gateway.store.schema import reading
from haidang_gateway.store.store import Store
from node_packs import NODE, START_MS
from store_kit import alarm, noise, open_store, packs, row, stored
from waiting import DEADLINE_S

# Commits numbers until it is killed or has done `last`; tries again as the pipeline does.
_WRITER = """
import asyncio, sys
from pathlib import Path
from haidang_gateway.store import history
from haidang_gateway.batch import Batch, PackRow
from haidang_gateway.errors import StoreError
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store

def pack(n):
    body = b'[{"bt":%d,"n":"flood/level","v":%d}]' % (1764000000 + n, n)
    return PackRow(node="n-240ac4000001", epoch="9f3c01aa", boot=7, seq=n, lane="data",
                   received_ms=(1764000000 + n) * 1000, at_low_ms=0, at_high_ms=0, body=body)

async def main():
    last, failed = int(sys.argv[2]), 0
    while True:
        store = Store(Path(sys.argv[1]), "gw-01", StoreSettings())
        try:
            await store.open(1764000000000)
            break
        except StoreError as error:
            failed += 1
            if failed > 20 or not error.retryable and "disk" not in str(error):
                raise
    n = len(await store.rule_states())
    while n < last:
        n += 1
        batch = Batch(now_ms=n, packs=(pack(n),), states={f"k{n}": {"n": n}})
        while True:
            try:
                await store.commit(batch)
                break
            except StoreError as error:
                assert error.retryable, error
                failed += 1
        print(n, flush=True)
        try:
            await store.care(lambda c: history.roll_up(c, 3))
        except StoreError as error:
            assert error.retryable, error
            failed += 1
    print("failed", failed, flush=True)
    await store.close()

asyncio.run(main())
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def _said(lines: list[str]) -> int:
    numbers = [int(line) for line in lines if line.endswith("\n") and line[0].isdigit()]
    return max(numbers, default=0)


def _check(folder: Path, at_least: int) -> None:
    """Everything said is there, whole, and in the history at most once."""
    with reading(folder / "haidang.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = queries.rule_states(connection)
        rows = stored(connection)
        numbers = [pack.seq for _, pack in rows]
        rolled = history.cursor(connection)
        series = history.Series(NODE, "flood/level", START_MS - 10**7, START_MS + 10**7)
        hours = history.chart(connection, series, history.HOUR_S)
        dropped = queries.ledger_sums(connection).get("dropped:gateway_full", 0)
        assert numbers == list(range(dropped + 1, len(states) + 1))
        assert len(states) >= at_least
        counted = sum(number <= rolled for number, _ in rows)
        in_history = sum(point.count for point in hours)
        assert counted <= in_history <= counted + dropped


def test_kills_at_any_moment_leave_history_and_packs_that_agree(tmp_path: Path) -> None:
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), "1000000"],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(25)]
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout.readlines()
        _check(tmp_path, _said(said))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    "inject",
    [
        "fdatasync:error=EIO:when=20+7",
        "pwrite64:error=EIO:when=60+23",
        "pwrite64:error=ENOSPC:when=50+19",
    ],
)
def test_a_disk_that_fails_now_and_then_costs_time_and_nothing_else(
    tmp_path: Path, inject: str
) -> None:
    async def created() -> None:
        async with open_store(tmp_path):
            pass

    asyncio.run(created())
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={inject}"]
    call = inject.partition(":")[0]
    done = subprocess.run(
        [*trace, "-e", f"trace={call}", sys.executable, "-c", _WRITER, str(tmp_path), "60"],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    if "ptrace" in done.stderr:
        pytest.skip("this machine does not let strace in")
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split("failed ")[1]) > 0, "the fault was felt"
    _check(tmp_path, 60)


def test_a_log_that_was_torn_leaves_what_was_committed_before(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path), "1000000"],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for _ in range(25):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.stdout.readlines()
    log = tmp_path / "haidang.db-wal"
    content = log.read_bytes()
    log.write_bytes(content[: len(content) * 2 // 3])

    async def scenario() -> None:
        async with open_store(tmp_path) as store:
            assert store.opened.set_aside is None
            assert store.opened.unclean

    asyncio.run(scenario())
    _check(tmp_path, 1)


def test_a_full_disk_that_gets_room_again_is_used_again(small_disk: Path) -> None:
    data = small_disk / "data"
    clock = FakeClock(START_MS)
    limits = StoreSettings(max_mb=1024)

    async def scenario() -> None:
        async with open_store(data) as store:
            care = Care(store, limits, clock)  # type: ignore[arg-type]
            assert care.word() == "ok"
            filler = small_disk / "filler"
            free = shutil.disk_usage(small_disk).free
            filler.write_bytes(bytes(free - 20 * 1024 * 1024))
            for number in range(14):
                rows = (row(number * 2000 + n, noise(n)) for n in range(2000))
                await store.commit(packs(*rows))
                await store.commit(alarm(number + 1))
                clock.advance(10_000)
                await care.step()
            assert care.word() == "full"
            assert len(await store.pending(CENTRE, "alarm", 0, 100)) == 14
            dropped = (await store.ledger_sums())["dropped:gateway_full"]
            counters = await store.counters()
            assert counters["room_waiting_packs"] == dropped > 0
            assert dropped + (await store.backlog(CENTRE)).packs == 28_000
            filler.unlink()
            clock.advance(700_000)
            while await care.step():
                clock.advance(10_000)
            clock.advance(700_000)
            assert care.word() == "ok"
            assert store.room_made == sum(
                count
                for name, count in (await store.counters()).items()
                if name.startswith("room_")
            )
            kept = (await store.backlog(CENTRE)).packs
            assert (data / "ballast").stat().st_size == 8 * 1024 * 1024
            await store.commit(packs(*(row(100_000 + n, noise(n)) for n in range(2000))))
            assert (await store.backlog(CENTRE)).packs == kept + 2000

    asyncio.run(scenario())


def test_the_caretaker_keeps_room_so_that_no_alarm_makes_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock(START_MS)
        async with open_store(tmp_path, max_mb=16) as store:
            care = Care(store, StoreSettings(max_mb=16), clock)  # type: ignore[arg-type]
            for number in range(40):
                await store.commit(packs(*(row(number * 500 + n, noise(n)) for n in range(500))))
                while await care.step():
                    pass
            made = store.room_made
            assert made > 0
            await store.commit(alarm(1))
            assert store.room_made == made

    asyncio.run(scenario())


def test_a_disk_mounted_read_only_is_told_with_a_remedy(small_disk: Path) -> None:
    async def opened() -> None:
        async with open_store(small_disk):
            pass

    asyncio.run(opened())
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True, capture_output=True)
    try:
        with pytest.raises(StoreError, match="Read-only file system; check that the folder"):
            asyncio.run(opened())
    finally:
        subprocess.run([*remount[:2], "remount,rw", str(small_disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_database_of_another_user_is_told_with_a_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def opened() -> None:
        async with open_store(folder):
            pass

    asyncio.run(opened())
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from haidang_gateway.errors import StoreError\n"
        "from haidang_gateway.settings import StoreSettings\n"
        "from haidang_gateway.store.store import Store\n"
        "os.chdir(sys.argv[1])\n"
        "os.setgid(4712), os.setuid(4711)\n"
        "try:\n"
        "    asyncio.run(Store(Path('.'), 'gw-01', StoreSettings()).open(1))\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    os.chmod(folder, 0o755)  # noqa: PTH101, S103
    for name in ("lock", "haidang.db"):
        (folder / name).chmod(0o644)
    said = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    ).stdout
    assert "Permission denied; check that the folder is writable" in said
    folder.chmod(0o777)
    (folder / "lock").chmod(0o666)
    said = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    ).stdout
    assert "check that the service's user owns it" in said


def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store(tmp_path, "gw-01", StoreSettings())
        with pytest.raises(StoreError, match="not open"):
            await store.rule_states()
        await store.close()

    asyncio.run(scenario())
