"""Deep sleep as firmware meets it: wake by timer and by an input, RTC memory, the clock."""

from collections.abc import Callable

import pytest
from haidang_board.rig import Board
from haidang_tools.board import SerialBoard
from waiting import wait_until

# Sleeps once; told to the console, because a console session would begin with a soft reset.
MAIN = """
import machine, esp32, time
if machine.reset_cause() == machine.DEEPSLEEP_RESET:
    print('woken by', machine.wake_reason(), machine.RTC().memory(), time.time() - 20)
else:
    machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 20, 0))
    machine.RTC().memory(b'kept')
    esp32.wake_on_ext0(pin=machine.Pin(33, machine.Pin.IN), level=1)
    print('good night')
    machine.deepsleep(TIME)
"""

Make = Callable[..., Board]


def asleep(fresh: Make, time_ms: int) -> Board:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        code = MAIN.replace("TIME", str(time_ms))
        serial.execute(f"with open('main.py', 'w') as file:\n    file.write({code!r})")
    board.reset()
    wait_until(lambda: b"good night" in board.console and not board.powered, "the sleep")
    return board


def test_the_timer_wakes_with_memory_and_clock_kept(fresh: Make) -> None:
    board = asleep(fresh, 1200)
    wait_until(lambda: b"woken by 4 b'kept' 1" in board.console, "the wake")


def test_an_input_wakes_a_sleep_that_has_no_end(fresh: Make) -> None:
    board = asleep(fresh, 0)
    board.world.set_level(27, 1)
    board.world.set_level(33, 0)
    assert not board.powered
    board.world.set_level(33, 1)
    wait_until(lambda: b"woken by 2 b'kept'" in board.console, "the wake")


def test_an_input_that_is_active_already_wakes_at_once(fresh: Make) -> None:
    board = fresh()
    board.world.set_level(33, 1)
    board.power_on()
    with SerialBoard(board.port) as serial:
        code = MAIN.replace("TIME", "60000")
        serial.execute(f"with open('main.py', 'w') as file:\n    file.write({code!r})")
    board.reset()
    wait_until(lambda: b"woken by 2" in board.console, "the wake")


def test_a_power_cut_during_sleep_empties_the_memory(fresh: Make) -> None:
    board = asleep(fresh, 60000)
    board.power_off()
    boots = board.boots
    board.power_on()
    assert board.boots == boots + 1
    wait_until(lambda: board.console.count(b"good night") == 2, "a first life again")
    assert b"woken" not in board.console


@pytest.mark.parametrize("pin", [5, 16, 23])
def test_only_rtc_pins_wake(fresh: Make, pin: int) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            "import esp32, machine\ntry:\n"
            f"    esp32.wake_on_ext0(pin=machine.Pin({pin}), level=1)\n"
            "except ValueError as error:\n    print(error)"
        )
    assert "invalid pin" in printed
