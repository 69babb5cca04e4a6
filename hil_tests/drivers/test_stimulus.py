"""A virtual board plays the stimulus board for another one: DAC, contact and level meter."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_board.rig import Board
from haidang_board.world import World, smoke_uv
from haidang_board.world_meter import ultrasonic_frame
from haidang_board.world_serial import Line
from rig.errors import BenchLacks, StimulusFailed
from rig.real import full_rig
from rig.rig_file import load
from rig.stimulus import StimulusBoard
from stand_ins import relay, terminal
from waiting import DEADLINE_S, wait_until

_METER_RX_PIN = 39
_DAC_PIN = 25
_CONTACT_OUT_PIN = 27
_STEP_UV = 13_000


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Board]:
    """A bare board that waits for the stimulus program."""
    world = World()
    with Line(_METER_RX_PIN, 9600) as line:
        world.lines[_METER_RX_PIN] = line
        with Board(tmp_path / "player.img", "240ac4000002", world, "200K") as board:
            board.power_on()
            yield board


def test_voltage_contact_and_frames_leave_the_stimulus_boards_pins(player: Board) -> None:
    with StimulusBoard(player.port) as stimulus:
        stimulus.set_voltage(_DAC_PIN, 3_300_000)
        assert player.pin(_DAC_PIN) == 255
        stimulus.set_voltage(_DAC_PIN, 1_100_000)
        assert player.pin(_DAC_PIN) == 85
        stimulus.set_line(_CONTACT_OUT_PIN, 1)
        assert player.pin(_CONTACT_OUT_PIN) == 1
        stimulus.set_distance_mm(17, 2600)
        assert ultrasonic_frame(2600) in _heard(player)
        stimulus.set_distance_mm(17, None)


def _heard(player: Board) -> bytes:
    port = player.world.lines[_METER_RX_PIN].port
    fd = os.open(port, os.O_RDONLY | os.O_NOCTTY)
    try:
        return os.read(fd, 64)
    finally:
        os.close(fd)


def test_a_wrong_order_is_refused_in_words_and_the_program_goes_on(player: Board) -> None:
    with StimulusBoard(player.port) as stimulus:
        with pytest.raises(StimulusFailed, match="invalid Pin"):
            stimulus.set_voltage(4, 1_000_000)
        stimulus.set_line(4, 1)
        assert player.pin(4) == 1


def test_a_stimulus_board_that_is_absent_or_silent_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(StimulusFailed, match="plug it in"), StimulusBoard("/dev/ttyUSB-absent"):
        pass
    monkeypatch.setattr("rig.stimulus._ANSWER_S", 0.2)
    with (
        terminal() as (_, path),
        pytest.raises(StimulusFailed, match="reset button"),
        StimulusBoard(str(path)),
    ):
        pass


def test_a_rig_file_becomes_a_bench_that_drives_all_of_it(player: Board, tmp_path: Path) -> None:
    heard: list[tuple[int, bool]] = []
    with relay(lambda channel, closed: heard.append((channel, closed))) as switch:
        rig = tmp_path / "rig.toml"
        rig.write_text(
            f'[board]\nport = "/dev/null"\n'
            f'[network]\nbroker_host = "192.0.2.2"\nssid = "test"\n'
            f'[power]\nkind = "usb-relay"\nport = "{switch}"\noff_s = 0\n'
            f'[stimulus]\nport = "{player.port}"\nsmoke_dac_pin = 25\ncontact_pin = 27\n'
        )
        bench = full_rig(load(rig))
        assert set(bench.lacks) == {
            "wifi",
            "level_uart",
            "air_probe",
            "smoke_faults",
            "siren",
            "level_faults",
            "sniffer",
            "fast_time",
        }
        bench.open(tmp_path)
        with contextlib.closing(bench):
            bench.set_power(False)
            bench.set_smoke_ppm(2000)
            bench.set_contact(True)
            assert abs(player.pin(_DAC_PIN) * 3_300_000 / 255 - smoke_uv(2000)) < _STEP_UV
            assert player.pin(_CONTACT_OUT_PIN) == 0
            with pytest.raises(BenchLacks, match=r"no \[wifi\]"):
                bench.set_wifi(False)
            bench.rest()
            assert abs(player.pin(_DAC_PIN) * 3_300_000 / 255 - smoke_uv(0)) < _STEP_UV
            wait_until(lambda: heard == [(1, True), (1, False), (1, True)], "the power back")


def test_a_person_who_is_not_there_makes_a_lack_not_a_failure(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(
        '[board]\nport = "/dev/null"\n[network]\nbroker_host = "192.0.2.2"\nssid = "test"\n'
        '[power]\nkind = "person"\n'
    )
    assert "nobody" in full_rig(load(rig), unattended=True).lacks["power"]
    with terminal() as (far, path):
        bench = full_rig(load(rig), terminal=path)
        assert "power" not in bench.lacks
        assert bench.attended
        thread = threading.Thread(target=bench.set_power, args=(True,))
        thread.start()
        os.write(far, b"\n")
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
