"""The world's electrical laws and serial frames, without a board."""

import dataclasses

import pytest
from haidang_board.physics_phones import random_habits
from haidang_board.world import SMOKE_ADC_PIN, SUPPLY_ADC_PIN, World
from haidang_board.world_meter import Ultrasonic, ultrasonic_frame
from haidang_board.world_serial import Sniffer
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


def _lines(data: bytes) -> list[bytes]:
    return [data[at : at + 17] for at in range(0, len(data), 17)]


def test_lines_of_the_sniffer_have_the_agreed_layout() -> None:
    world = World()
    world.phones, world.probe_period_s = 8, 2.0
    sniffer = Sniffer(world)
    lines = _lines(b"".join(sniffer.due(step / 20) for step in range(400)))
    assert all(line[:2] == b"\xa5\x5a" and sum(line[2:16]) & 0xFF == line[16] for line in lines)
    beats = [line for line in lines if line[6] == 0x80]
    assert len(beats) == 20
    assert [line[7] for line in beats] == [0] * 10 + [1] * 10, "a new key each 10 s"
    probes = [line for line in lines if line[6] < 2]
    assert int.from_bytes(beats[-1][2:6], "little") <= len(probes)
    assert len({line[10:14] for line in probes}) >= 4
    air = {address for phone in sniffer.crowd.phones for address in phone.addresses}
    assert air
    assert not any(address[:4] in line or address[2:] in line for address in air for line in lines)


@pytest.mark.parametrize("began_s", [0.7, 1000.3, 98765.55])
def test_what_the_sniffer_says_is_the_same_whenever_the_host_began(began_s: float) -> None:
    assert _said_from(began_s, noise=5) == _said_from(0.0, noise=0)


def _said_from(began_s: float, noise: int) -> bytes:
    world = World()
    world.phones, world.probe_period_s, world.sniffer_window_s = 40, 60.0, 20.0
    sniffer = Sniffer(world)
    for _ in range(noise):
        # A board that boots more slowly has read its pins more often meanwhile.
        world.adc_uv(SMOKE_ADC_PIN)
    return b"".join(sniffer.due(began_s + step / 20) for step in range(1200))


def test_phones_that_leave_are_heard_no_more() -> None:
    world = World()
    world.phones, world.probe_period_s = 3, 1.0
    sniffer = Sniffer(world)
    data = b"".join(sniffer.due(step / 10) for step in range(40))
    assert len(data) > 3 * 17 * 4
    world.phones = 0
    sniffer.due(4.0)
    later = b"".join(sniffer.due(5 + step / 10) for step in range(40))
    assert all(line[6] == 0x80 for line in _lines(later))


def test_two_worlds_with_one_seed_are_alike() -> None:
    assert [World(seed=4).adc_uv(SMOKE_ADC_PIN)] == [World(seed=4).adc_uv(SMOKE_ADC_PIN)]


def test_a_sensor_with_physics_is_cold_at_power_up_and_then_follows_smoke_and_supply() -> None:
    world = World()
    world.temp_c, world.humidity_pct = 20.0, 65.0
    mq2 = world.smoke_physics()
    mv = []
    for second in range(600):
        world.now_s = float(second)
        mv.append(world.adc_uv(SMOKE_ADC_PIN) / 1000)
    assert mv[0] < 700, "without heat it hardly conducts"
    assert max(mv[5:40]) > 1400, "then like one in smoke"
    assert mv[-1] == pytest.approx(1130, abs=25)
    world.smoke_ppm = 400.0
    world.now_s = 640.0
    assert resistance_ratio(world) == pytest.approx(0.5, abs=0.03)
    world.smoke_ppm, mq2.heater_on = 0.0, False
    world.now_s = 700.0
    assert world.adc_uv(SMOKE_ADC_PIN) < 150_000
    world.smoke_power_on()
    world.now_s = 1300.0
    world.supply_mv = 4500
    assert world.adc_uv(SMOKE_ADC_PIN) / 1000 == pytest.approx(1130 * 0.9, abs=25)


def test_a_stuck_pin_has_no_noise_and_the_contact_line_its_own_voltage() -> None:
    world = World()
    world.smoke_stuck = True
    world.smoke_ppm = 2000
    assert len({world.adc_uv(SMOKE_ADC_PIN) for _ in range(20)}) == 1
    world.smoke_stuck = False
    assert world.adc_uv(SMOKE_ADC_PIN) > 2_000_000
    world.loop_mv = 490
    assert world.adc_uv(36) == pytest.approx(490_000, abs=3000)


def test_a_scene_sets_who_stays_who_passes_and_how_phones_behave() -> None:
    world = World()
    habits = random_habits(5)
    antennas = dataclasses.replace(
        habits.models[0], hides=True, keeps_s=0.0, second=True, copies=3
    )
    world.habits = dataclasses.replace(habits, models=[antennas], shares=[1.0])
    world.phones, world.passing_per_min, world.pass_s, world.probe_period_s = 5, 60.0, 10.0, 2.0
    sniffer = Sniffer(world)
    sizes = []
    for step in range(600):
        sniffer.due(step / 10)
        sizes.append(len(sniffer.crowd.phones))
    assert min(sizes[1:]) >= 5
    assert max(sizes) > 8, "some pass"
    assert max(sizes) < 40, "and go"
    staying = sniffer.crowd.phones[:5]
    assert all(phone.model is antennas for phone in staying)
    assert all(len(phone.addresses) > 10 and phone.second for phone in staying), "new ones"


def test_a_faulty_sniffer_is_faulty_in_its_own_way() -> None:
    world = World()
    world.phones, world.probe_period_s = 20, 1.0
    sniffer = Sniffer(world)
    sniffer.due(0.0)
    said = {}
    for at, fault in enumerate(("deaf", "stuck", "silent", "noisy", "")):
        world.sniffer_fault = fault
        said[fault] = b"".join(sniffer.due(10 * at + step / 10) for step in range(1, 100))
    beats = {fault: _beats(data) for fault, data in said.items()}
    assert len(said["deaf"]) == 17 * len(beats["deaf"]) > 0
    assert len(set(beats["stuck"])) == 1
    assert len(said["stuck"]) > 17 * len(beats["stuck"])
    assert said["silent"] == b""
    assert len(set(beats[""])) > 5
    lines = [said["noisy"][at : at + 17] for at in range(0, len(said["noisy"]), 17)]
    wrong = sum(sum(line[2:16]) & 0xFF != line[16] for line in lines)
    assert 0.3 < wrong / len(lines) < 0.4


def _beats(data: bytes) -> list[bytes]:
    lines = [data[at : at + 17] for at in range(0, len(data), 17)]
    return [line[2:6] for line in lines if line[6] & 0x80]
