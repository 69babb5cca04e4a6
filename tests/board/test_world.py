"""The world's electrical laws and serial frames, without a board."""

import struct

import pytest
from haidang_board.world import SMOKE_ADC_PIN, SUPPLY_ADC_PIN, World
from haidang_board.world_serial import Sniffer, Ultrasonic, sniffer_frame, ultrasonic_frame
from hypothesis import given
from hypothesis import strategies as st


def resistance_ratio(world: World) -> float:
    """What a node computes from the pin: Rs/R0 of the MQ-2."""
    output_mv = world.adc_uv(SMOKE_ADC_PIN) / 1000 * 3 / 2
    return 5000 * (5000 - output_mv) / output_mv / 10000


@given(st.floats(0, 10_000))
def test_a_node_can_compute_the_smoke_ratio_back(ppm: float) -> None:
    world = World()
    world.smoke_ppm = ppm
    assert resistance_ratio(world) == pytest.approx(1 / (1 + ppm / 200) ** 0.6, abs=0.01)


def test_the_supply_is_halved() -> None:
    world = World()
    world.supply_mv = 4400
    assert world.adc_uv(SUPPLY_ADC_PIN) == pytest.approx(2_200_000, abs=3000)


def test_a_silent_sensor_sends_nothing() -> None:
    world = World()
    world.ultrasonic_silent = world.sniffer_silent = True
    assert Ultrasonic(world).due(0.0) == b""
    assert Sniffer(world).due(0.0) == b""


@given(st.integers(0, 0xFFFF))
def test_an_ultrasonic_frame_sums_up(distance_mm: int) -> None:
    frame = ultrasonic_frame(distance_mm)
    assert frame[1] << 8 | frame[2] == distance_mm
    assert frame[3] == sum(frame[:3]) & 0xFF


def test_a_sniffer_frame_has_the_agreed_layout() -> None:
    frame = sniffer_frame(bytes(range(6)), 0x0ABC, 0xDEADBEEF, -70, 11)
    assert len(frame) == 17
    assert frame[:2] == b"\xa5\x5a"
    assert struct.unpack_from("<6sHIbB", frame, 2) == (bytes(range(6)), 0xABC, 0xDEADBEEF, -70, 11)
    assert frame[16] == sum(frame[2:16]) & 0xFF


def test_phones_that_leave_are_heard_no_more() -> None:
    world = World()
    world.phones, world.probe_period_s = 3, 1.0
    sniffer = Sniffer(world)
    data = b"".join(sniffer.due(step / 10) for step in range(40))
    assert len(data) > 3 * 17 * 4
    world.phones = 0
    later = b"".join(sniffer.due(4 + step / 10) for step in range(40))
    assert all(later[at + 2 : at + 8] == bytes(6) for at in range(0, len(later), 17))


def test_two_worlds_with_one_seed_are_alike() -> None:
    assert [World(seed=4).adc_uv(SMOKE_ADC_PIN)] == [World(seed=4).adc_uv(SMOKE_ADC_PIN)]
