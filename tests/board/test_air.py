"""The world's air, its chips byte by byte, and the buses by which a board asks them."""

from collections.abc import Callable
from functools import partial

import pytest
from haidang_board.air_chips import crc8
from haidang_board.physics_air import day_air, humidity_pct
from haidang_board.rig import Board
from haidang_board.world import World

_SHT = (21, 22, 0x44)


def test_the_crc_is_the_data_sheets() -> None:
    assert crc8(b"\xbe\xef") == 0x92


def test_a_day_is_hot_and_dry_at_two_and_cool_and_humid_at_five() -> None:
    hours = {hour: day_air(hour * 3600.0, 24.0, 34.0) for hour in range(24)}
    assert hours[14][0] == pytest.approx(34.0)
    assert hours[5][0] == pytest.approx(24.0)
    assert hours[5][1] == pytest.approx(92.0)
    assert hours[14][1] == min(rh for _, rh in hours.values())
    assert humidity_pct(20.0, 30.0, 50.0) == pytest.approx(90.8, abs=0.5), "psychrometric table"


def test_the_world_follows_the_day_until_it_is_told_a_temperature() -> None:
    world = World()
    world.weather, world.from_hour = True, 5.0
    assert world.temp_c == pytest.approx(24.0)
    world.now_s = 777.0
    world.now_s += 9 * 3600.0
    assert world.temp_c == pytest.approx(34.0)
    humid_pct = world.humidity_pct
    world.temp_c = 10.0
    assert (world.temp_c, world.humidity_pct) == (10.0, humid_pct)


def test_sound_is_faster_in_hot_air_and_a_meter_takes_that_for_less_distance() -> None:
    world = World()
    assert world.echo_mm() == 3000
    for temp_c, told_mm in ((5.0, 3106), (45.0, 2898)):
        world.temp_c = temp_c
        assert world.echo_mm() == pytest.approx(told_mm, abs=3)
    world.meter = "mb73xx"
    assert world.echo_mm() == 3000, "it measures the air itself"
    world.told_mm = 1234
    assert world.echo_mm() == 1234


def test_what_is_played_happens_when_its_time_has_come() -> None:
    world, told = World(), list[float]()
    world.now_s = 100.0
    world.play([(at_s, partial(told.append, at_s)) for at_s in (0.0, 0.5, 2.0)])
    for now_s in (100.0, 100.4, 101.0, 101.9, 103.0):
        world.now_s = now_s
    assert told == [0.0, 0.5, 2.0]
    assert world.age_s == 3.0


def test_an_sht3x_refuses_to_be_read_before_it_has_measured() -> None:
    world = World()
    assert world.i2c_read(*_SHT, 6) is None
    assert world.i2c_write(*_SHT, b"\x24\x00") == 2
    assert world.i2c_read(*_SHT, 6) is None
    world.now_s = 0.016
    data = world.i2c_read(*_SHT, 6)
    assert data is not None
    assert crc8(data[:2]) == data[2]
    assert -45 + 175 * int.from_bytes(data[:2]) / 65535 == pytest.approx(25.0, abs=0.1)
    assert world.i2c_write(*_SHT, b"\x12\x34") == -1, "no command"
    assert world.i2c_write(21, 22, 0x45, b"") == -1
    assert world.i2c_write(18, 19, 0x44, b"") == -1, "other pins"


@pytest.mark.parametrize("fault", ["silent", "noisy", "short", "open", "uncalibrated"])
def test_each_fault_shows_in_the_bytes(fault: str) -> None:
    world = World()
    world.air_fault = fault
    begun = world.i2c_write(21, 22, 0x38, b"\xac\x33\x00")
    world.now_s = 1.0
    data = world.i2c_read(21, 22, 0x38, 7)
    if fault == "silent":
        assert (begun, data, world.dht_frame(4)) == (-1, None, b"")
        return
    assert data is not None
    assert (crc8(data[:6]) == data[6]) is (fault in ("open", "uncalibrated"))
    assert bool(data[0] & 0x08) is (fault in ("noisy", "open"))
    assert world.level(21, True) == (0 if fault == "short" else 1)
    world.air_fault = ""
    assert world.level(21, True) == 1


def test_a_dht22_tells_cold_by_its_sign_bit() -> None:
    world = World()
    world.temp_c = -10.0
    frame = world.dht_frame(4)
    assert frame[2] & 0x80
    assert int.from_bytes(frame[2:4]) & 0x7FFF == pytest.approx(100, abs=2)
    assert sum(frame[:4]) & 0xFF == frame[4]


def test_a_board_finds_both_chips_and_reads_the_wire(
    board: Board, run: Callable[[str], str]
) -> None:
    board.world.temp_c, board.world.humidity_pct = 25.0, 50.0
    assert run(_ON_BOARD) == "[56, 68]\n19\n25\n500\n116 or 110\n[0]"


_ON_BOARD = """
import time
from machine import I2C, Pin, SoftI2C, dht_readinto
soft = SoftI2C(scl=Pin(22), sda=Pin(21), freq=100000)
print(soft.scan())
try:
    I2C(0, scl=Pin(22), sda=Pin(21)).readfrom(0x45, 6)
except OSError as error:
    print(error.errno)
soft.writeto(0x44, b"\\x24\\x00")
time.sleep_ms(20)
data = soft.readfrom(0x44, 6)
print(round(-45 + 175 * (data[0] << 8 | data[1]) / 65535))
frame = bytearray(5)
dht_readinto(Pin(4), frame)
print(round((frame[0] << 8 | frame[1]) / 10) * 10)
try:
    dht_readinto(Pin(5), frame)
except OSError as error:
    print("116 or 110" if error.errno in (110, 116) else error.errno)
print([len(soft.writeto_mem(0x38, 0x71, b"") or b"")])
"""
