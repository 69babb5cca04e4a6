"""What the board's modules see of the world, and the ESP32 habits firmware depends on."""

from collections.abc import Callable

from haidang_board.rig import Board
from haidang_board.world import CONTACT_PIN, LED_PIN, SIREN_PIN
from haidang_tools.board import SerialBoard
from waiting import wait_until

Run = Callable[[str], str]
SMOKE_MV = (
    "from machine import ADC, Pin\nprint(ADC(Pin(34), atten=ADC.ATTN_11DB).read_uv() // 1000)"
)
ULTRASONIC = "from machine import UART\nimport time\nu = UART(2, {baud}, rx={rx}, tx=17)\n"


def test_smoke_moves_the_adc_and_faults_take_it_to_its_ends(board: Board, run: Run) -> None:
    clean_mv = int(run(SMOKE_MV))
    board.world.smoke_ppm = 1000
    smoky_mv = int(run(SMOKE_MV))
    assert 1100 < clean_mv < 1120
    assert smoky_mv > 1.5 * clean_mv
    board.world.smoke_open = True
    assert int(run(SMOKE_MV)) == 0
    board.world.smoke_open, board.world.smoke_short = False, True
    assert int(run(SMOKE_MV)) >= 3200
    board.world.smoke_short, board.world.smoke_ppm = False, 0


def test_the_water_level_arrives_as_a02yyuw_frames(board: Board, run: Run) -> None:
    board.world.water_mm = 420
    frame = run(ULTRASONIC.format(baud=9600, rx=16) + "time.sleep(0.35)\nprint(u.read(4).hex())")
    data = bytes.fromhex(frame)
    assert data[0] == 0xFF
    assert data[3] == sum(data[:3]) & 0xFF
    assert abs((data[1] << 8 | data[2]) - (3000 - 420)) <= 2
    board.world.water_mm = 0


def test_a_wrong_baud_rate_or_pin_brings_no_frame(run: Run) -> None:
    reading = "time.sleep(0.25)\nprint((u.read() or b'').hex())"
    assert "ff0b" not in run(ULTRASONIC.format(baud=115200, rx=16) + reading)
    assert run(ULTRASONIC.format(baud=9600, rx=13) + reading) == ""


def test_an_unread_uart_keeps_no_more_than_its_buffer(run: Run) -> None:
    code = "from machine import UART\nimport time\nu = UART(1, 115200, rx=26, rxbuf=256)\n"
    wait = "time.sleep(0.3)\nprint(u.any(), u.readinto(bytearray(999)))"
    assert run(code + wait).split()[0] in ("17", "34")


def test_asyncio_reads_a_uart(run: Run) -> None:
    code = ULTRASONIC.format(baud=9600, rx=16) + (
        "import asyncio\n"
        "async def main():\n"
        "    data = await asyncio.wait_for(asyncio.StreamReader(u).readexactly(8), 3)\n"
        "    print(len(data))\n"
        "asyncio.run(main())"
    )
    assert run(code) == "8"


def test_the_sniffer_reports_phones_without_their_addresses(board: Board, run: Run) -> None:
    board.world.phones, board.world.probe_period_s = 8, 0.3
    code = (
        "from machine import UART\nimport time\nu = UART(1, 115200, rx=26, rxbuf=2048)\n"
        "time.sleep(0.9)\nprint(u.read(2040).hex())"
    )
    data = bytes.fromhex(run(code))
    board.world.phones = 0
    lines = [data[at : at + 17] for at in range(0, len(data) - 16, 17)]
    assert all(line[:2] == b"\xa5\x5a" and sum(line[2:16]) & 0xFF == line[16] for line in lines)
    probes = [line for line in lines if not line[6] & 0x80]
    assert len({line[10:14] for line in probes}) >= 3
    assert {line[6] for line in probes} == {0, 1}, "own and hidden addresses"


def test_outputs_reach_the_world_and_the_contact_reaches_the_board(board: Board, run: Run) -> None:
    code = (
        f"from machine import Pin\nPin({SIREN_PIN}, Pin.OUT, value=1)\n"
        f"Pin({LED_PIN}, Pin.OUT).on()\n"
        f"print(Pin({CONTACT_PIN}, Pin.IN, Pin.PULL_UP).value())"
    )
    assert run(code) == "1"
    assert board.pin(SIREN_PIN) == 1
    assert board.pin(LED_PIN) == 1
    board.world.contact_closed = True
    assert run(code) == "0"
    board.world.contact_closed = False


def test_every_edge_reaches_the_pin_interrupt(board: Board) -> None:
    with SerialBoard(board.port) as serial:
        serial.execute(
            "from machine import Pin\nimport time\nn = 0\ndef h(p):\n    global n\n    n += 1\n"
            "Pin(14, Pin.IN).irq(h, Pin.IRQ_RISING)"
        )
        for _ in range(100):
            board.world.set_level(14, 1)
            board.world.set_level(14, 0)
        count = serial.execute("while n < 100:\n    time.sleep(0.01)\nprint(n)")
        assert count.strip() == "100"


def test_an_interrupt_may_use_the_hardware_while_the_program_does(board: Board) -> None:
    with SerialBoard(board.port) as serial:
        serial.execute(
            "from machine import ADC, Pin, Timer\nimport time\na = ADC(Pin(35), atten=3)\nn = 0\n"
            "def h(t):\n    global n\n    n += 2000 < a.read_uv() // 1000 < 3000\n"
            "Timer(0).init(period=5, callback=h)\ngood = 0\n"
            "end = time.ticks_add(time.ticks_ms(), 400)\n"
            "while time.ticks_diff(end, time.ticks_ms()) > 0:\n    good += a.read_uv() > 2000000"
        )
        ticks, good = map(int, serial.execute("print(n, good)").split())
    assert ticks > 30
    assert good > 30


def test_time_starts_in_2000_and_a_set_clock_outlives_a_reset(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        assert serial.execute(
            "import time\nprint(time.gmtime(0)[:3], time.time() < 9)"
        ).strip() == ("(2000, 1, 1) True")
        assert serial.execute(
            "print(len(time.gmtime()), time.mktime((2026, 11, 22, 12, 30, 5, 0, 0)))"
        )
        serial.execute("import machine\nmachine.RTC().datetime((2026, 11, 22, 0, 12, 30, 5, 0))\n")
    board.reset()
    with SerialBoard(board.port) as serial:
        assert (
            serial.execute("import time\nprint(time.gmtime()[:4])").strip() == "(2026, 11, 22, 12)"
        )
        roundtrip = "t = 848660000\nprint(time.mktime(time.gmtime(t)) - t)"
        assert serial.execute(roundtrip).strip() == "0"
    board.power_off()
    board.power_on()
    with SerialBoard(board.port) as serial:
        assert serial.execute("import time\nprint(time.gmtime()[0])").strip() == "2000"


def test_ticks_wrap_and_asyncio_sleeps_across_the_wrap(fresh: Callable[..., Board]) -> None:
    board = fresh(ticks_start_ms=(1 << 30) - 1500)
    board.power_on()
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            "import time, asyncio\nasync def main():\n    await asyncio.sleep_ms(1600)\n"
            "t = time.ticks_ms()\nasyncio.run(main())\n"
            "u = time.ticks_ms()\n"
            "print(t > 1 << 29, u < 9000, 1590 < time.ticks_diff(u, t) < 3000)\n"
            "print(time.ticks_diff(time.ticks_add(t, -5), t))"
        )
    assert printed.split() == ["True", "True", "True", "-5"]


def test_a_watchdog_that_is_not_fed_restarts_the_board(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        serial.execute(
            "open('boot.py','w').close()\nf = open('main.py', 'w')\n"
            "f.write('import machine\\nprint(\"cause\", machine.reset_cause())\\n')\nf.close()"
        )
        serial.execute("import machine\nmachine.WDT(timeout=300)")
        wait_until(lambda: board.boots == 3, "the watchdog")
    wait_until(lambda: b"cause 3" in board.console, "main.py after the watchdog")


def test_deep_sleep_wakes_with_its_cause_and_memory(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        serial.execute(
            "f = open('main.py', 'w')\nf.write('import machine\\n"
            "print(machine.reset_cause(), machine.RTC().memory())')\nf.close()\n"
        )
        serial.execute("import machine\nmachine.RTC().memory(b'kept')")
        serial._transport.exec_raw_no_follow("machine.deepsleep(300)")
        wait_until(lambda: not board.powered, "the sleep")
        wait_until(lambda: b"4 b'kept'" in board.console, "the wake-up")
