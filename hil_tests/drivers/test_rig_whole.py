"""`pytest hil_tests --rig`, whole: a board behind its port, a relay and a stimulus board alone."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_board.rig import Board
from haidang_tools.demo.real_boards import own_address
from haidang_tools.demo.settings import NODE_HEAP
from stand_ins import relay
from waiting import DEADLINE_S

_DAC_PIN = 25
_WIRE_S = 0.02
_RIG = """
[board]
name = "stand-ins"
port = "{board}"
[network]
broker_host = "{host}"
broker_port = 0
ssid = "{ssid}"
key_file = "wifi.key"
[power]
kind = "usb-relay"
port = "{relay}"
off_s = 0.3
[stimulus]
port = "{stimulus}"
smoke_dac_pin = 25
"""


@contextlib.contextmanager
def _wire(player: Board, board: Board) -> Iterator[None]:
    """From the stimulus board's DAC to the ADC of the board under test."""
    ended = threading.Event()

    def lead() -> None:
        while not ended.wait(_WIRE_S):
            board.world.smoke_pin_mv = player.pin(_DAC_PIN) * 3300 / 255

    thread = threading.Thread(target=lead, name="wire")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """The board under test; it gets power from the relay."""
    with Board(tmp_path / "board.img", heap=NODE_HEAP) as board:
        yield board


@pytest.fixture
def rig(board: Board, tmp_path: Path) -> Iterator[Path]:
    """A rig file that describes nothing but stand-ins."""
    host = own_address()
    if host.startswith("127."):
        pytest.skip("a board needs an address of this computer other than loopback")
    ((ssid, key),) = board.world.networks.items()
    (tmp_path / "wifi.key").write_text(key)

    def switch(_channel: int, closed: bool) -> None:
        (board.power_on if closed else board.power_off)()

    with Board(tmp_path / "player.img", "240ac4000002", heap="200K") as player:
        player.power_on()
        with relay(switch) as port, _wire(player, board):
            path = tmp_path / "rig.toml"
            text = _RIG.format(
                board=board.port, host=host, ssid=ssid, relay=port, stimulus=player.port
            )
            path.write_text(text)
            yield path


def test_a_run_cuts_the_power_plays_the_sensor_and_skips_what_the_rig_lacks(
    rig: Path, board: Board, pytestconfig: pytest.Config
) -> None:
    results = rig.with_name("results.jsonl")
    command = [sys.executable, "-m", "pytest", "hil_tests", "-p", "no:cacheprovider"]
    command += ["--rig", str(rig), "--unattended", "--hil-results", str(results)]
    command += ["-k", "becomes_an_alarm_lane_pack or packs_survive_a_power_cut or an_hour_without"]
    done = subprocess.run(
        command,
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        timeout=5 * DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    told = {
        row["test"].rpartition("::")[2]: row["outcome"]
        for row in map(json.loads, results.read_text().splitlines())
        if "test" in row
    }
    assert told == {
        "test_smoke_becomes_an_alarm_lane_pack_and_clean_air_ends_it": "passed",
        "test_unacknowledged_packs_survive_a_power_cut": "passed",
        "test_an_hour_without_wifi_loses_nothing_and_alarms_come_first": "skipped",
    }
    assert board.boots >= 4
