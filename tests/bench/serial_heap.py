"""The smallest heap in which a node on a serial link lives through a whole story."""

from collections.abc import Callable
from pathlib import Path

from haidang_board.rig import Board
from haidang_board.world_serial import Line
from stand_in_master import StandInMaster
from waiting import wait_until

from bench import stand
from bench.parts import LOG, Figures

_RX_PIN = 4
_KEY = bytes(range(32))
_MAC = "240ac4000001"
_NODE = f"n-{_MAC}"
# With the virtual board's ROM, which a chip has in flash.
_LOW_KIB, _HIGH_KIB = 60, 200
_STEP_KIB = 2
_STEP_S = 45.0
_FAILURES = (b"memory allocation failed", b"MemoryError", b"heap is full")
# The serial link takes one UART, the level meter the other.
# A level that a jump may reach: what jumps farther stands in the beam.
_SENSORS = (
    b'{"smoke":{"warmup_s":0},"flood":'
    b'{"watch_mm":20,"warning_mm":30,"danger_mm":40,"hysteresis_mm":5}}'
)


class TooSmall(Exception):
    """The node did not live through the story in this heap."""


def figures(folder: Path, held: int) -> Figures:
    """Found by halving, with `held` packs that wait at the start."""
    low_kib, high_kib = _LOW_KIB, _HIGH_KIB
    rom_kib = _life(folder / "first", high_kib, held)
    while high_kib - low_kib > _STEP_KIB:
        middle = (low_kib + high_kib) // 2
        try:
            rom_kib = _life(folder / str(middle), middle, held)
        except TooSmall as reason:
            LOG.info("serial heap %d KiB: too small: %s", middle, reason)
            low_kib = middle
        else:
            LOG.info("serial heap %d KiB passes, %.1f of them the ROM's", middle, rom_kib)
            high_kib = middle
    return {"serial_heap_peak_kib": round(high_kib - rom_kib, 1)}


def _life(folder: Path, heap_kib: int, held: int) -> float:
    folder.mkdir(parents=True)
    with Line(_RX_PIN) as line:
        board = stand.board(
            folder,
            no_certificates(folder, _NODE),
            _MAC,
            0,
            files={"/cert/serial.key": _KEY, "/node.json": document(115200, _SENSORS, 1)},
            held=held,
        )
        board.heap = f"{heap_kib}K"
        board.world.lines[_RX_PIN] = line
        with board:
            _story(board, line, held)
    return board.rom_heap_bytes / 1024


def _story(board: Board, line: Line, held: int) -> None:
    board.power_on()
    with StandInMaster([line.port], {_NODE: _KEY}) as master:
        _await(board, lambda: len(master.packs) > held, "the backlog")
        board.world.smoke_ppm = 2000
        board.world.water_mm = 46
        _await(board, lambda: "alarm" in master.seen("smoke/state"), "the alarm")
        _await(board, lambda: "danger" in master.seen("flood/state"), "the flood")
        master.order("config", "c-1", set={"report": 5, "sensors": {"rain": {}}})
        master.order("log", "c-2")
        master.order("identify", "c-3")
        _await(board, lambda: len(master.replies) >= 3, "the replies")
    with StandInMaster([line.port], {_NODE: _KEY}) as later:
        _await(board, lambda: len(later.packs) > 3, "packs for a new master")
        if later.bad or master.bad or board.boots != 1:
            raise TooSmall(f"{board.boots} starts, malformed: {master.bad + later.bad}")


def _await(board: Board, done: Callable[[], bool], what: str) -> None:
    def over() -> bool:
        return any(text in board.console for text in _FAILURES) or done()

    try:
        wait_until(over, what, _STEP_S)
    except AssertionError as late:
        raise TooSmall(str(late)) from late
    if any(text in board.console for text in _FAILURES):
        raise TooSmall(f"out of memory while waiting for {what}")


def document(baud: int, sensors: bytes, report_s: int) -> bytes:
    """node.json of a node on a serial link."""
    return (
        b'{"v":1,"serial":{"uart":1,"rx_pin":%d,"tx_pin":5,"baud":%d},'
        b'"sensors":%s,"report_s":%d,"heartbeat_s":5}' % (_RX_PIN, baud, sensors, report_s)
    )


def no_certificates(folder: Path, node: str) -> Path:
    """A folder with the files that a node with certificates would need, empty."""
    for name in ("ca.der", f"{node}.der", f"{node}.key.der"):
        (folder / name).write_bytes(b"")
    return folder
