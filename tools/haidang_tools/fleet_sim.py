"""`haidang fleet-sim`: many simulated nodes that send real packs and wait for their acks."""

import argparse
import asyncio
import contextlib
import json
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from haidang_wire.senml import Fixed, Pack, Record, encode_pack

from haidang_tools.arguments import count, tcp_port
from haidang_tools.errors import InputRefused
from haidang_tools.fleet_journal import Journal
from haidang_tools.fleet_link import FleetLink, Shore
from haidang_tools.fleet_node import Lane, SimNode

_LOOK_S = 0.05
_STATES = ("pre_alarm", "alarm", "normal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `haidang fleet-sim`."""
    parser.add_argument("--host", default="127.0.0.1", help="the gateway's broker (%(default)s)")
    parser.add_argument("--port", type=tcp_port, default=8883, help="its TLS port (%(default)s)")
    parser.add_argument("--ca", type=Path, required=True, help="folder of certificates and keys")
    parser.add_argument("--nodes", type=count, default=10, help="how many (%(default)s)")
    parser.add_argument("--first", type=int, default=1, help="number of the first (%(default)s)")
    parser.add_argument("--rate", type=float, default=10.0, help="packs a second of all together")
    parser.add_argument(
        "--packs",
        type=int,
        default=0,
        help="how many in all; 0: until SIGTERM, -1: only what is held",
    )
    parser.add_argument("--alarm-every", type=int, default=0, help="an alarm pack in so many")
    parser.add_argument("--heartbeat", type=int, default=30, help="seconds (%(default)s)")
    parser.add_argument("--journal", type=Path, help="folder where kept packs survive a kill")
    parser.add_argument("--shared", help="one connection for all, with this certificate")


def run(args: argparse.Namespace) -> int:
    """Serve until all is acknowledged, or until SIGTERM; prints the sums as JSON."""
    numbers = range(args.first, args.first + args.nodes)
    names = [args.shared] if args.shared else [node_id(number) for number in numbers]
    for name in ("ca", *names):
        if not (args.ca / f"{name}.pem").is_file():
            made = "init" if name == "ca" else f"issue {args.ca} {name}"
            what = f"haidang-gateway ca {made}" + (f" {args.ca}" if name == "ca" else "")
            raise InputRefused(f"{args.ca / name}.pem is missing; make it with `{what}`")
    return asyncio.run(_run(args))


def node_id(number: int) -> str:
    """The id of a simulated node."""
    return f"n-240ac4{number:06x}"


def readings(node: SimNode, seq: int, unix_ms: int, *, state: str = "normal") -> bytes:
    """A pack as a smoke sensor's node writes it, about 200 bytes."""
    up_ms = unix_ms - node.began_ms
    mv = 400 + seq * 7 % 90
    records = [
        Record("smoke/mv", mv, up_ms),
        Record("smoke/ratio", Fixed(90 + seq % 10, 2), up_ms),
        Record("smoke/state", state, up_ms),
    ]
    pack = Pack(node.id, node.epoch, node.boot, seq, up_ms, unix_ms, records)
    return bytes(encode_pack(pack))


class Maker:
    """Gives a node its next pack: telemetry, and in between the states of a smoke sensor."""

    def __init__(self, alarm_every: int) -> None:
        """0: no alarms."""
        self._alarm_every = alarm_every
        self._alarms: dict[str, int] = {}

    def make(self, node: SimNode) -> None:
        """Keep one more pack in the node's outbox."""
        lane: Lane = "data"
        state = "normal"
        if self._alarm_every and node.next_seq % self._alarm_every == self._alarm_every - 1:
            turn = self._alarms.get(node.id, 0)
            self._alarms[node.id] = turn + 1
            lane, state = "alarm", _STATES[turn % len(_STATES)]
        node.keep(lane, readings(node, node.next_seq, node.read_at(_unix_ms()), state=state))


async def _run(args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    nodes = [_node(n, args.journal) for n in range(args.first, args.first + args.nodes)]
    shore = Shore(host=args.host, port=args.port, ca=args.ca, heartbeat_s=args.heartbeat)
    groups: Sequence[tuple[str, list[SimNode]]] = [(node.id, [node]) for node in nodes]
    if args.shared:
        groups = [(args.shared, nodes)]
    links = [FleetLink(name, of, shore) for name, of in groups]
    tasks = [asyncio.create_task(link.run(), name="link") for link in links]
    await _feed(nodes, links, args, stop)
    while any(len(node) for node in nodes) and await _goes_on(stop, _LOOK_S):
        pass
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    kept = sum(node.kept for node in nodes)
    held = sum(len(node) for node in nodes)
    sent = sum(node.sent for node in nodes)
    sys.stdout.write(json.dumps({"kept": kept, "held": held, "sendings": sent}) + "\n")
    return 0


async def _feed(
    nodes: Sequence[SimNode],
    links: Sequence[FleetLink],
    args: argparse.Namespace,
    stop: asyncio.Event,
) -> None:
    maker = Maker(args.alarm_every)
    began_s = time.monotonic()
    made = 0
    while args.packs >= 0 and not stop.is_set() and (not args.packs or made < args.packs):
        due = int((time.monotonic() - began_s) * args.rate) + 1
        if args.packs:
            due = min(due, args.packs)
        for number in range(made, due):
            maker.make(nodes[number % len(nodes)])
        made = max(made, due)
        for link in links:
            link.pump()
        await _goes_on(stop, max(0.005, min(0.25, 1 / args.rate)))


async def _goes_on(stop: asyncio.Event, pause_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await stop.wait()
    return not stop.is_set()


def _node(number: int, folder: Path | None) -> SimNode:
    name = node_id(number)
    journal = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        journal = Journal(folder / f"{name}.journal")
    return SimNode(name, secrets.token_hex(4), journal=journal, began_ms=_unix_ms())


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
