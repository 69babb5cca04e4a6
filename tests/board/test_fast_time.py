"""Fast time: idle waits are skipped, and everything that measures time agrees."""

import math
import re
import selectors
from collections.abc import Callable
from pathlib import Path

import pytest
from haidang_board import rig_net
from haidang_board.errors import BoardSilent
from haidang_board.rig import Board
from haidang_board.rig_hurry import Hurry
from haidang_tools.board import SerialBoard
from waiting import wait_until

PROGRAM = """
import asyncio, machine, time

async def watch():
    dog = machine.WDT(timeout=5000)
    uart = machine.UART(2, 9600, rx=16, rxbuf=256)
    buffer, begin = bytearray(256), time.ticks_ms()
    frames = seconds = 0
    while time.ticks_diff(time.ticks_ms(), begin) < 600000:
        await asyncio.sleep_ms(1000)
        dog.feed()
        seconds += 1
        frames += (uart.readinto(buffer) or 0) // 4
    print("watched", seconds, frames)

async def late():
    await asyncio.sleep(99999)

async def main():
    try:
        await asyncio.wait_for_ms(late(), 5000)
    except asyncio.TimeoutError:
        print("timeout", time.ticks_ms() // 1000)
    one = asyncio.create_task(late())
    await asyncio.sleep_ms(10)
    one.cancel()
    print(await asyncio.gather(one, watch(), return_exceptions=True))
    while True:
        await asyncio.sleep_ms(500)

asyncio.run(main())
"""


def started(board: Board, program: str) -> Board:
    board.power_on()
    with SerialBoard(board.port) as serial:
        serial.put("/main.py", program.encode())
    board.power_off()
    board.fast = True
    board.power_on()
    return board


def test_ten_minutes_pass_in_seconds_with_every_wait_and_every_frame(
    fresh: Callable[..., Board], tmp_path: Path
) -> None:
    board = started(fresh(heap="400K"), PROGRAM)
    boots = board.boots
    board.hurry(606_000, 60)
    wait_until(lambda: b"[CancelledError(), None]" in board.console, "the program's end")
    told = board.console.decode(errors="replace")
    (waited,) = re.findall(r"timeout (\d+)", told)
    ((seconds, frames),) = re.findall(r"watched (\d+) (\d+)", told)
    assert int(waited) in (5, 6)
    assert 590 <= int(seconds) <= 600
    # The meter speaks ten times a second, whatever the pace.
    assert 5_900 <= int(frames) <= 6_020
    assert board.boots == boots, "the watchdog bit"


def test_a_board_that_never_waits_is_told(fresh: Callable[..., Board]) -> None:
    board = started(fresh(), "while True:\n    pass\n")
    with pytest.raises(BoardSilent, match="did not live through"):
        board.hurry(1000, 0.3)


def test_answers_of_a_busy_machine_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(rig_net.time, "monotonic", lambda: now_s)
    monkeypatch.setattr(rig_net.Relay, "busy", True)
    relay, hurry = rig_net.Relay(selectors.DefaultSelector), Hurry()
    hurry.begin(200.0)
    for came in (False, True, False):
        relay._note_move(came)
        now_s += 0.3

    def skips() -> bool:
        return hurry.idle(60_000, now_s, math.inf, relay, alone=False)[0] > 0

    assert not skips()
    now_s += 1.0
    assert skips()
