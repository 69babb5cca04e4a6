"""The serial link in figures: bytes of a pack in CBOR and in JSON, an alarm's way at two rates.

Whole nodes on virtual boards, the gateway's own line; the wire is paced: a byte takes as long as
at its baud rate. The interpreter is that of a fast computer, not an ESP32's.
"""

import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from haidang_board.rig import Board
from haidang_board.world_serial import Line
from haidang_wire import senml
from haidang_wire.frames import wrap
from haidang_wire.senml import Fixed, Pack, Record
from haidang_wire.senml_cbor import encode_pack
from haidang_wire.serial_frames import HEAD_BYTES, TAG_BYTES
from haidang_wire.serial_lanes import FRAGMENT_BYTES

from bench import stand
from bench.console_clock import ConsoleClock
from bench.gateway_master import GatewayMaster
from bench.parts import LOG, Figures, main
from bench.serial_heap import document, no_certificates
from bench.serial_heap import figures as heap_figures

_RATES = (9600, 115200)
_RX_PIN = 4
_KEY = bytes(range(32))
_MAC = "240ac4000001"
_SENSORS = b'{"smoke":{"warmup_s":0}}'
_HELD_PACKS = 200
_UP_MS = 86_400_123
_LIMIT_S = 120.0
_LOOK_S = 0.002
_DRAIN_S = 20.0
_CHANGE_S = (1.05, 1.35)
# In each frame of an answer beside the message: signed head and tag, receipts, fragment's head.
_OPENING_BYTES = 7


def figures(quick: bool = False, alarms: int = 60) -> Figures:
    """Bytes per pack, the way of `alarms` alarms at each rate, the smallest heap."""
    result: Figures = dict(_sizes())
    with stand.scratch("serial") as folder:
        if quick:
            return result | _delays(folder / "quick", _RATES[-1], 1)
        # Side by side: a paced line leaves the processor idle.
        with ThreadPoolExecutor(len(_RATES)) as pool:
            for at_rate in pool.map(
                lambda baud: _at_rate(folder / str(baud), baud, alarms), _RATES
            ):
                result |= at_rate
        result |= heap_figures(folder / "heap", _HELD_PACKS)
    return result


def _at_rate(folder: Path, baud: int, alarms: int) -> Figures:
    return _delays(folder / "alarms", baud, alarms) | _drain(folder / "held", baud, _HELD_PACKS)


def _sizes() -> Figures:
    result: Figures = {}
    for name, pack in _packs().items():
        json_bytes, cbor = len(senml.encode_pack(pack)), encode_pack(pack)
        result[f"serial_{name}_json_bytes"] = json_bytes
        result[f"serial_{name}_cbor_bytes"] = len(cbor)
        result[f"serial_{name}_wire_bytes"] = _on_wire(len(cbor))
    return result


def _on_wire(message_bytes: int) -> int:
    total = 0
    while True:
        piece = min(message_bytes, FRAGMENT_BYTES)
        total += len(wrap(bytes(HEAD_BYTES + _OPENING_BYTES + piece + TAG_BYTES)))
        message_bytes -= piece
        if message_bytes <= 0:
            return total


def _packs() -> dict[str, Pack]:
    smoke = [
        Record("smoke/mv", 1111, _UP_MS),
        Record("smoke/ratio", Fixed(412, 3), _UP_MS),
        Record("smoke/contact", True, _UP_MS),
    ]
    alarm = [Record("smoke/state", "alarm", _UP_MS), Record("smoke/health", "ok", _UP_MS)]
    flood = [Record("flood/level", 412, _UP_MS), Record("flood/rate", 960, _UP_MS)]
    return {
        "alarm": _pack([*alarm, smoke[1]]),
        "telemetry": _pack([*smoke, *flood, Record("footfall/devices", 12, _UP_MS)]),
    }


def _pack(records: list[Record]) -> Pack:
    return Pack(f"n-{_MAC}", "9f3c01aa", 7, 1234, _UP_MS, 1_764_000_000_250, records)


def _drain(folder: Path, baud: int, held: int) -> Figures:
    LOG.info("serial link: %d held packs at %d baud", held, baud)
    with Line(_RX_PIN, baud) as line:
        board = _board(folder, line, held)
        master = GatewayMaster(line.port, f"n-{_MAC}", _KEY, baud, folder)
        with board, master:
            board.power_on()
            _wait(lambda: len(master.packs) > 1)
            began_s, before = time.monotonic(), set(master.packs)
            _wait(lambda: len(master.packs) >= held or time.monotonic() > began_s + _DRAIN_S)
            seconds = time.monotonic() - began_s
            drained = [master.sizes[key] for key in list(master.packs) if key not in before]
    return {
        f"serial_{baud}_held_packs_per_s": round(len(drained) / seconds, 1),
        f"serial_{baud}_held_bytes_per_s": round(sum(drained) / seconds),
    }


def _board(folder: Path, line: Line, held: int = 0) -> Board:
    folder.mkdir(parents=True)
    files = {"/cert/serial.key": _KEY, "/node.json": document(line.baud, _SENSORS, 3600)}
    certificates = no_certificates(folder, f"n-{_MAC}")
    board = stand.board(folder, certificates, _MAC, 0, files=files, held=held)
    board.world.lines[_RX_PIN] = line
    return board


def _delays(folder: Path, baud: int, alarms: int) -> Figures:
    LOG.info("serial link: the way of %d alarms at %d baud", alarms, baud)
    chance = random.Random(baud)
    with Line(_RX_PIN, baud) as line:
        board = _board(folder, line)
        master = GatewayMaster(line.port, f"n-{_MAC}", _KEY, baud, folder)
        with board, ConsoleClock(board) as console, master:
            board.power_on()
            _wait(lambda: bool(master.packs))
            time.sleep(1.0)
            earlier = set(master.packs)
            for _ in range(alarms):
                time.sleep(chance.uniform(*_CHANGE_S))
                before = len(master.packs)
                board.world.smoke_open = not board.world.smoke_open
                _wait(lambda before=before: len(master.packs) > before)  # type: ignore[misc]
            offset_s = console.offset_s()
            idle_ms = 1000 * _turn_s(baud)
    delays = [
        1000 * (master.came_s[key] - offset_s) - pack.up_ms
        for key, pack in master.packs.items()
        if master.lanes[key] == "alarm" and key not in earlier
    ]
    return {
        f"serial_{baud}_alarms": len(delays),
        f"serial_{baud}_alarm_median_ms": round(statistics.median(delays), 1),
        f"serial_{baud}_alarm_max_ms": round(max(delays), 1),
        f"serial_{baud}_idle_turn_air_ms": round(idle_ms, 1),
    }


def _turn_s(baud: int) -> float:
    empty = len(wrap(bytes(HEAD_BYTES + _OPENING_BYTES - 2 + TAG_BYTES)))
    return 2 * empty * 10 / baud


def _wait(done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _LIMIT_S
    while not done():
        if time.monotonic() > deadline_s:
            raise TimeoutError("no alarm over the serial link")
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    main(figures, alarms=60)
