"""The faults; each strikes the town, waits a moment and mends what it broke."""

import contextlib
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from haidang_gateway.fleet.pki import Authority
from haidang_gateway.store import check
from haidang_tools.brokers import authority
from haidang_tools.errors import ToolError

from chaos import books
from chaos.pace import load_for
from chaos.town import Town

Fault = Callable[[Town, random.Random], None]

_PAGE_BYTES = 4096
_CRASH_POINTS = ("before_commit", "after_commit", "before_puback", "reply_before_commit")
_CRASH_S = 3.0
_FULL_AND_CUT = 0.5
_AWAY_S = (0.0, 0.2, 0.8)


def gateway_killed(town: Town, chance: random.Random) -> None:
    """kill -9, and a new start at once or a little later."""
    town.gateway.kill()
    load_for(chance.choice(_AWAY_S))
    town.start_gateway()


def gateway_killed_at_a_point(town: Town, chance: random.Random) -> None:
    """It kills itself with an alarm in its hands: before, after or just behind the commit.

    Or with a board's answer to a command.
    """
    town.orders.give(chance)
    town.gateway.stop()
    town.start_gateway(HAIDANG_CRASH_AT=chance.choice(_CRASH_POINTS))
    with contextlib.suppress(ToolError):
        # Not every point is passed in time: then it is killed where it is.
        town.gateway.wait(_CRASH_S)
    town.gateway.kill()
    town.start_gateway()


def near_broker_killed(town: Town, chance: random.Random) -> None:
    """Everything in the memory of the nodes' broker is gone."""
    town.near.kill()
    load_for(chance.choice(_AWAY_S))
    town.near.start()


def far_broker_killed(town: Town, chance: random.Random) -> None:
    """Everything in the memory of the centre's broker is gone."""
    town.far.kill()
    load_for(chance.choice(_AWAY_S))
    town.far.start()


def nodes_killed(town: Town, chance: random.Random) -> None:
    """All nodes and boards lose their power; flash is what they have."""
    town.end_fleet(signal.SIGKILL)
    load_for(chance.choice(_AWAY_S))
    town.start_fleet()


def uplink_cut(town: Town, chance: random.Random) -> None:
    """Connections are reset, new ones refused."""
    town.line.set_up(False)
    load_for(chance.uniform(0.1, 1.0))
    town.line.set_up(True)


def uplink_half_open(town: Town, chance: random.Random) -> None:
    """Connections stand, no byte moves."""
    town.line.stall()
    load_for(chance.uniform(0.3, 1.5))
    town.line.resume()


def uplink_throttled(town: Town, chance: random.Random) -> None:
    """Some kilobytes a second are left."""
    town.line.bytes_per_s = chance.choice((2_000, 8_000, 30_000))
    load_for(chance.uniform(0.5, 1.5))
    town.line.bytes_per_s = None


def uplink_slow(town: Town, chance: random.Random) -> None:
    """Every piece is held back as by a satellite."""
    town.line.delay_s = chance.uniform(0.1, 0.6)
    load_for(chance.uniform(0.5, 1.5))
    town.line.delay_s = 0.0


def clock_stepped(town: Town, chance: random.Random) -> None:
    """The wall clock is set back or forward; the gateway notices and starts anew."""
    off_ms = chance.choice((-3600_000, -60_000, 45_000, 7200_000, 0))
    town.clock.write_text(str(off_ms))


def io_errors(town: Town, chance: random.Random) -> None:
    """Some fsync calls fail for a moment."""
    step = chance.randint(2, 4)
    command = ["strace", "-qq", "-f", "-o", "/dev/null", "-p", str(town.gateway.pid)]
    command += ["-e", "trace=fsync,fdatasync"]
    command += ["-e", f"inject=fsync,fdatasync:error=EIO:when=1+{step}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tracer:
        # Where it may not trace, or the gateway has ended, there are none.
        town.expect(
            lambda: tracer.poll() is not None or _is_traced(town), "strace has the gateway"
        )
        load_for(chance.uniform(0.3, 1.0))
        tracer.send_signal(signal.SIGINT)


def disk_full(town: Town, chance: random.Random) -> None:
    """Others fill the disk, often while telemetry waits; a little later they give it back."""
    if chance.random() < _FULL_AND_CUT:
        town.line.set_up(False)
        town.expect(town.holds, "telemetry waits behind the cut line")
        load_for(chance.uniform(1.0, 3.0))
    filler = town.data / "filler"
    free = shutil.disk_usage(town.data).free
    with filler.open("wb") as file:
        left = free
        while left > 0:
            piece = min(left, 1 << 20)
            try:
                file.write(bytes(piece))
                file.flush()
            except OSError:
                break
            left -= piece
    load_for(chance.uniform(0.3, 1.0))
    filler.unlink(missing_ok=True)
    town.line.set_up(True)


def node_certificate_revoked(town: Town, chance: random.Random) -> None:
    """A node is locked out in the middle of its work, then gets a new certificate."""
    node = chance.choice(town.nodes)
    authority("revoke", town.ca, node)
    town.near.kill()
    town.near.start()
    # A log of this start alone.
    town.expect(lambda: _refusals(town) > 0, f"{node} is locked out")
    _certificate(town, node, timedelta())
    town.end_fleet(signal.SIGKILL)
    town.start_fleet()


def gateway_certificate_expired(town: Town, chance: random.Random) -> None:
    """The gateway starts with a certificate of long ago; it is renewed a little later."""
    _certificate(town, "gw-01", timedelta(days=400))
    town.gateway.kill()
    before = _refusals(town)
    town.start_gateway()
    town.expect(lambda: _refusals(town) > before, "the gateway's certificate is refused")
    load_for(chance.uniform(0.0, 1.0))
    _certificate(town, "gw-01", timedelta())
    town.gateway.kill()
    town.start_gateway()


def node_reflashed(town: Town, chance: random.Random) -> None:
    """A node whose flash holds nothing is erased: a new epoch begins."""
    town.end_fleet(signal.SIGKILL)
    empty = [path for path in town.journals.glob("*.journal") if not books.held(path)]
    if empty:
        path = chance.choice(sorted(empty))
        count = len(list(town.journals.glob(f"{path.name}*")))
        path.rename(path.with_name(f"{path.name}.{count}"))
    town.start_fleet()


def database_corrupt(town: Town, chance: random.Random) -> None:
    """A page of the database is overwritten while nothing waits in it for the centre."""
    town.drain()
    # In order, so that all is in the one file: who loses the log of a database, too, has one that
    # is sound and of yesterday.
    town.gateway.stop()
    _damage(town.data / "haidang.db", chance)
    town.start_gateway()
    town.end_fleet(signal.SIGTERM)
    town.start_fleet()


def database_restored(town: Town, chance: random.Random) -> None:
    """The gateway gets its database of some moments ago back."""
    backup = town.folder / "backup.db"
    backup.unlink(missing_ok=True)
    try:
        town.run("backup", str(backup))
    except RuntimeError:
        # An earlier damage that nothing has read yet, and no backup is made of it. The look that
        # finds it comes a minute after a crash; here it has just come.
        town.drain()
        town.gateway.stop()
        check.mark(town.data, "found by the backup")
        town.start_gateway()
        town.wait_until(lambda: "the database was broken" in town.gateway.log)
        town.run("backup", str(backup))
    load_for(chance.uniform(0.2, 1.0))
    town.drain()
    town.gateway.stop()
    town.run("restore", str(backup))
    town.start_gateway()
    town.end_fleet(signal.SIGTERM)
    town.start_fleet()


# How often each strikes among all.
WEIGHTS: dict[Fault, int] = {
    gateway_killed: 10,
    gateway_killed_at_a_point: 4,
    near_broker_killed: 7,
    far_broker_killed: 7,
    nodes_killed: 7,
    uplink_cut: 7,
    uplink_half_open: 5,
    uplink_throttled: 5,
    uplink_slow: 5,
    clock_stepped: 3,
    io_errors: 4,
    disk_full: 3,
    node_certificate_revoked: 2,
    gateway_certificate_expired: 2,
    node_reflashed: 3,
    database_corrupt: 1,
    database_restored: 1,
}


def _refusals(town: Town) -> int:
    return town.near.log.count("certificate verify failed")


def _is_traced(town: Town) -> bool:
    try:
        status = Path(f"/proc/{town.gateway.pid}/status").read_text(encoding="ascii")
    except OSError:
        return True
    return "TracerPid:\t0\n" not in status


def _certificate(town: Town, name: str, age: timedelta) -> None:
    days = 30 if age else 365
    Authority(town.ca).issue(name, datetime.now(UTC) - age, days)


def _damage(path: Path, chance: random.Random) -> None:
    pages = path.stat().st_size // _PAGE_BYTES
    with path.open("r+b") as file:
        file.seek(chance.randrange(1, max(2, pages)) * _PAGE_BYTES)
        file.write(chance.randbytes(_PAGE_BYTES))
