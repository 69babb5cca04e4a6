"""How fast a node sends: messages/s by window, an alarm's way to the broker, a day's backlog.

Whole nodes on virtual boards, mutual TLS to mosquitto, a stand-in gateway that acknowledges at
once. Beside them, in the same run, the bare MQTT session without outbox and application.
"""

import json
import random
import re
import shutil
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from haidang_board.rig import Board
from haidang_tools import flash
from haidang_tools.brokers import Broker, certificates
from haidang_wire import senml, topics

from bench import peer, stand
from bench.console_clock import ConsoleClock
from bench.fast_gateway import FastGateway
from bench.parts import LOG, Figures, main

_WINDOWS = (1, 8, 32)
_NODES = 3
_HELD_PACKS = 1440  # a day of one-minute readings
_DRAINS = 3
_RATE_PACKS = 400
_RAW_MESSAGES = 1000
_PEER_MESSAGES = 40
_LIMIT_S = 150.0
# An alarm ends with its cause, so that the next one is news again.
_SENSORS = {"smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 1}}
_LOOK_S = 0.05
_TOLD_CHARS = 2000
# A node looks once a second, so a change that lasts longer is never missed.
_CHANGE_S = (1.05, 1.35)


class Arrivals:
    """When packs reached the subscriber at the broker; the gateway's listener."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.held_s: dict[int, float] = {}
        self.alarms: dict[tuple[str, int], tuple[float, int]] = {}

    def __call__(self, pack: senml.Pack, lane: str, arrived_s: float) -> None:
        """One arrival; a copy that comes later changes nothing."""
        if lane == "data" and pack.boot == 1:
            self.held_s.setdefault(pack.seq, arrived_s)
        elif lane == "alarm":
            self.alarms.setdefault((pack.node, pack.seq), (arrived_s, pack.up_ms))

    def held_time_s(self) -> float:
        """From the first to the last of the packs that were held at the start."""
        return max(self.held_s.values()) - min(self.held_s.values())


def figures(alarms: int = 120, seed: int = 20_262, quick: bool = False) -> Figures:
    """All measurements; `alarms` is the least number of alarms whose way is timed."""
    held, packs, messages = (30, 20, 50) if quick else (_HELD_PACKS, _RATE_PACKS, _RAW_MESSAGES)
    windows = (8,) if quick else _WINDOWS
    with stand.scratch("traffic") as folder, ExitStack() as undo:
        bench = _Bench(folder, random.Random(seed))
        undo.enter_context(bench.broker)
        result = bench.drain(held, 1 if quick else _DRAINS)
        result |= bench.raw(messages, windows)
        for window in windows:
            result |= bench.rate(window, packs)
            ratio = float(str(result[f"messages_per_s_window_{window}"]))
            ratio /= float(str(result[f"raw_messages_per_s_window_{window}"]))
            result[f"share_of_raw_window_{window}"] = round(ratio, 2)
        result |= bench.peer(0 if quick else _PEER_MESSAGES)
        result |= bench.delays(1 if quick else _NODES, 3 if quick else alarms)
    return result


class _Bench:
    """One broker; each measurement makes its own boards."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._folder = folder
        self._chance = chance
        self._ca = folder / "ca"
        self._payload = b""
        nodes = [f"n-{mac}" for mac in stand.macs(_NODES)]
        certificates(self._ca, "broker-gateway", "gw-01", "gw-01-alarm", *nodes)
        self.broker = Broker("gateway", self._ca, folder / "broker")

    def drain(self, held: int, times: int) -> Figures:
        """A day's packs wait on flash while alarms and faults come up; the median of some days."""
        LOG.info("traffic: %d held packs drain while alarms overtake, %d times", held, times)
        seconds: list[float] = []
        delays: list[float] = []
        for _ in range(times):
            self._drain_once(held, seconds, delays)
        return {
            "drain_packs": held,
            "drain_pack_bytes": len(self._payload),
            "drain_s": round(statistics.median(seconds), 2),
            "drain_packs_per_s": round(held / statistics.median(seconds), 1),
            "drain_alarms": len(delays),
            "drain_alarm_median_ms": round(statistics.median(delays), 1) if delays else None,
            "drain_alarm_max_ms": round(max(delays), 1) if delays else None,
        }

    def _drain_once(self, held: int, seconds: list[float], delays: list[float]) -> None:
        arrivals = Arrivals()
        board = self._board(stand.macs(1)[0], held=held)
        with board, ConsoleClock(board) as console, self._gateway(arrivals) as gateway:
            board.power_on()
            with _Trouble(board, random.Random(self._chance.random())):
                _wait(lambda: len(arrivals.held_s) >= held, "the backlog to drain", board)
                last_s = max(arrivals.held_s.values())
            offset_s = console.offset_s()
            self._payload = gateway.payload
        seconds.append(arrivals.held_time_s())
        # Alarms that were decided while packs of the backlog were on their way.
        between_ms = [(at_s - offset_s) * 1000 for at_s in (last_s - seconds[-1], last_s)]
        during = {
            key: (arrived_s, up_ms)
            for key, (arrived_s, up_ms) in arrivals.alarms.items()
            if between_ms[0] <= up_ms <= between_ms[1]
        }
        delays += _delays_ms(during, {f"n-{board.mac}": offset_s})

    def rate(self, window: int, packs: int) -> Figures:
        """Held packs through the whole application with so many on the way at most."""
        LOG.info("traffic: %d packs at window %d", packs, window)
        source = _with_window(self._folder / f"window-{window}", window)
        arrivals = Arrivals()
        board = self._board(stand.macs(1)[0], source=source, held=packs)
        with board, self._gateway(arrivals):
            board.power_on()
            _wait(
                lambda: len(arrivals.held_s) >= packs, f"{packs} packs at window {window}", board
            )
        per_s = round(packs / arrivals.held_time_s(), 1)
        return {f"messages_per_s_window_{window}": per_s}

    def raw(self, messages: int, windows: tuple[int, ...]) -> Figures:
        """The bare session on the same board, over the same line, with packs of the same size."""
        LOG.info("traffic: bare session")
        order = {"windows": windows, "messages": messages}
        line = self._program("on_node_raw.py", "RAW ", order, {})
        return {
            f"raw_messages_per_s_window_{window}": round(count * 1000 / ms, 1)
            for window, count, ms in json.loads(line)
        }

    def peer(self, messages: int) -> Figures:
        """aiomqttc with QoS 1, which waits for each PUBACK; null where it cannot be had."""
        LOG.info("traffic: %s", peer.NAME)
        source = peer.source(self._folder / "peer") if messages else None
        if source is None:
            return {f"{peer.NAME}_messages_per_s_window_1": None}
        files = {f"/{peer.NAME}.py": source}
        line = self._program("on_node_peer.py", "PEER ", {"messages": messages}, files)
        count, ms = json.loads(line)
        return {f"{peer.NAME}_messages_per_s_window_1": round(count * 1000 / ms, 1)}

    def _program(
        self, name: str, mark: str, order: dict[str, object], files: dict[str, bytes]
    ) -> str:
        """Runs a program instead of the application; what it prints behind `mark`."""
        mac = stand.macs(1)[0]
        common = {
            "host": "127.0.0.1",
            "port": self.broker.port,
            "name": f"n-{mac}",
            "topic": topics.node_topic(f"n-{mac}", "data"),
            "payload": self._payload.decode(),
        }
        files = files | {
            "/main.py": Path(__file__).with_name(name).read_bytes(),
            "/bench.json": json.dumps(common | order).encode(),
        }
        board = self._board(mac, files=files)
        with board, ConsoleClock(board) as console, self._gateway(Arrivals()):
            board.power_on()
            _wait(lambda: console.seen(mark.encode()), name, board)
            lines = [line.decode() for _, line in console.lines]
        (line,) = [line for line in lines if line.startswith(mark)]
        return line.removeprefix(mark)

    def delays(self, nodes: int, alarms: int) -> Figures:
        """From the sample that decided to the subscriber, on nodes with nothing else to send."""
        LOG.info("traffic: the way of %d alarms from %d nodes", alarms, nodes)
        arrivals = Arrivals()
        boards = [self._board(mac) for mac in stand.macs(nodes)]
        with ExitStack() as undo:
            undo.enter_context(self._gateway(arrivals))
            consoles = []
            for board in boards:
                undo.enter_context(board)
                consoles.append(undo.enter_context(ConsoleClock(board)))
                board.power_on()
                _wait(lambda: consoles[-1].seen(b"connected"), "a connection", board)
                chance = random.Random(self._chance.random())
                undo.enter_context(_Trouble(board, chance))
            time.sleep(1.0)
            arrivals.alarms.clear()
            _wait(lambda: len(arrivals.alarms) >= alarms, f"{alarms} alarms", boards[0])
            offsets_s = {
                f"n-{board.mac}": console.offset_s()
                for board, console in zip(boards, consoles, strict=True)
            }
        delays = _delays_ms(arrivals.alarms, offsets_s)
        return {
            "alarm_to_broker_count": len(delays),
            "alarm_to_broker_median_ms": round(statistics.median(delays), 1),
            "alarm_to_broker_p99_ms": round(sorted(delays)[int(len(delays) * 0.99)], 1),
            "alarm_to_broker_max_ms": round(max(delays), 1),
        }

    def _gateway(self, arrivals: Arrivals) -> FastGateway:
        return FastGateway(self._ca, self.broker.port, listener=arrivals)

    def _board(
        self,
        mac: str,
        *,
        source: Path = flash.SOURCE,
        held: int = 0,
        files: dict[str, bytes] | None = None,
    ) -> Board:
        port = self.broker.port
        # Telemetry of its own would be in the way: once an hour.
        return stand.board(
            self._folder,
            self._ca,
            mac,
            port,
            source=source,
            held=held,
            files=files,
            report_s=3600,
            sensors=_SENSORS,
        )


class _Trouble:
    """While entered, a thread opens and closes the smoke detector's contact."""

    def __init__(self, board: Board, chance: random.Random) -> None:
        self._board = board
        self._chance = chance
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._change, name="trouble")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _change(self) -> None:
        world = self._board.world
        while not self._end.wait(self._chance.uniform(*_CHANGE_S)):
            world.contact_closed = not world.contact_closed


def _delays_ms(
    alarms: dict[tuple[str, int], tuple[float, int]], offsets_s: dict[str, float]
) -> list[float]:
    return [
        (arrived_s - offsets_s[node]) * 1000 - up_ms
        for (node, _), (arrived_s, up_ms) in list(alarms.items())
    ]


def _with_window(target: Path, window: int) -> Path:
    """A copy of the firmware with another window, all of it open to telemetry."""
    shutil.copytree(flash.SOURCE, target, ignore=shutil.ignore_patterns("typings", "__pycache__"))
    path = target / "haidang_wire" / "session_events.py"
    text = path.read_text()
    for name, value in (("window", window), ("alarm_places", 0)):
        text, count = re.subn(rf'"{name}": \d+', f'"{name}": {value}', text)
        if count != 1:
            raise RuntimeError(f"the session's table has no single {name}")
    path.write_text(text)
    return target


def _wait(done: Callable[[], bool], what: str, board: Board) -> None:
    deadline_s = time.monotonic() + _LIMIT_S
    while not done():
        if time.monotonic() > deadline_s:
            printed = board.console.decode(errors="replace")[-_TOLD_CHARS:]
            raise TimeoutError(f"not within {_LIMIT_S:.0f} s: {what}; the board: {printed}")
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    main(figures, alarms=120, seed=20_262)
