"""`haidang board`: a virtual board for a person with mpremote."""

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from haidang_tools.__main__ import main
from haidang_tools.board import SerialBoard
from haidang_tools.demo.settings import NODE_HEAP
from haidang_tools.errors import InputRefused
from haidang_tools.virtual import add_arguments, change, world_from
from waiting import DEADLINE_S, wait_until


def test_the_command_prints_a_port_that_answers_and_ends_when_told(tmp_path: Path) -> None:
    words = ["board", "--image", str(tmp_path / "flash.img"), "--world-json", '{"supply_mv":4000}']
    command = [sys.executable, "-m", "haidang_tools", *words, "--orders"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process,
        contextlib.ExitStack() as undo,
    ):
        undo.callback(process.kill)
        assert process.stdout is not None
        assert process.stdin is not None
        port = process.stdout.readline().strip()
        with SerialBoard(port) as serial:
            reading = "from machine import ADC\nprint(ADC(35, atten=3).read_uv() // 10000)"
            assert 199 <= int(serial.execute(reading)) <= 200
            process.stdin.write('{"suply_mv": 1}\n{"supply_mv": 5000}\n')
            process.stdin.close()
            assert "no suply_mv" in process.stdout.readline()
            wait_until(lambda: int(serial.execute(reading)) >= 249, "the order")
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130


def test_who_is_told_to_end_many_times_at_once_ends() -> None:
    command = [sys.executable, "-c", _TOLD_OFTEN]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        contextlib.ExitStack() as undo,
    ):
        undo.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "listens\n"
        wait_until(lambda: _told(process, 2_000), "the end")
        assert process.stdout.readline() == "told 500 times\n"


def _told(process: subprocess.Popen[str], often: int) -> bool:
    for _ in range(often):
        process.send_signal(signal.SIGTERM)
    return process.poll() is not None


@pytest.mark.parametrize(
    ("program", "words"),
    [("_TOLD_IN_THE_MIDST", "told"), ("_TOLD_TWICE", "told"), ("_TOLD_MEANWHILE", "told 1 times")],
    ids=["in the midst of being told", "a centre, twice at once", "amid another one's handling"],
)
def test_who_is_told_to_end_once_more_ends_without_another_word(program: str, words: str) -> None:
    command = [sys.executable, "-c", globals()[program]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert (done.stdout, done.stderr) == (f"{words}\n", "")


_TOLD_TWICE = """
import signal
import threading
from haidang_tools.centre import end_by_signals

stop = threading.Event()
end_by_signals(stop)
both = signal.SIGINT, signal.SIGTERM
signal.pthread_sigmask(signal.SIG_BLOCK, both)
for number in both:
    signal.raise_signal(number)
signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
assert stop.wait(10)
print("told", flush=True)
"""
_TOLD_MEANWHILE = """
import signal
import threading
from haidang_tools.centre import end_by_signals

class Told(threading.Event):
    times = 0

    def set(self):
        self.times += 1
        for number in (signal.SIGINT, signal.SIGTERM) * (self.times < 9):
            signal.raise_signal(number)
        super().set()

told = Told()
end_by_signals(told)
signal.raise_signal(signal.SIGTERM)
assert told.is_set()
print("told", told.times, "times", flush=True)
"""
# Before each line that is executed in handling a signal comes another signal.
_TOLD_IN_THE_MIDST = """
import signal
import sys
from haidang_tools.virtual import told_to_end

def interrupt(frame, event, argument):
    global left
    if left and event == "line":
        left -= 1
        signal.raise_signal(signal.SIGTERM)
    return interrupt

left, told = 100, told_to_end()
sys.settrace(interrupt)
signal.raise_signal(signal.SIGTERM)
sys.settrace(None)
told.get()
print("told", flush=True)
"""
_TOLD_OFTEN = """
import signal
from haidang_tools.virtual import told_to_end

told = told_to_end()
print("listens", flush=True)
told.get()
for times in range(499):
    told_to_end().get()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("told 500 times", flush=True)
"""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ('{"smok":1}', "smok"),
        ('{"phones":{}}', "phones"),
        ('{"smoke_open":1}', "smoke_open"),
        ('{"temp_c":true}', "temp_c"),
        ('{"air_fault":"tired"}', "air_fault is one of"),
        ('{"now_s":[]}', "now_s"),
    ],
)
def test_a_wrong_world_is_refused(text: str, word: str) -> None:
    with pytest.raises(InputRefused, match=word):
        world_from(text)


def test_orders_change_the_world_or_nothing() -> None:
    world = world_from('{"weather": true, "low_c": 5, "networks": {}}')
    change(world, '{"temp_c": 41, "humidity_pct": 20.5, "air_fault": "noisy"}', "the order")
    assert (world.temp_c, world.humidity_pct, world.air_fault) == (41, 20.5, "noisy")
    with pytest.raises(InputRefused, match="the order: the world has no temp"):
        change(world, '{"temp_c": 7, "temp": 1}', "the order")
    assert world.temp_c == 41


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["board", "--mac", "zz"], "zz is no MAC address"),
        (["board", "--heap", "1K"], "1K is no heap"),
        (["scene", "--port", "99999"], "99999 is no port"),
    ],
)
def test_a_wrong_argument_is_told_before_anything_starts(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert told in capsys.readouterr().err


def test_a_board_has_room_for_three_sensors_unless_told_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args([]).heap == NODE_HEAP
    with pytest.raises(SystemExit):
        main(["board", "-h"])
    assert "Wi-Fi is called demo" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["board", "--image", "."], "haidang board: . is a folder; name a file"),
        (["scene", "--port", "TAKEN"], "take another port, or 0 for a free one"),
        (["fleet-sim", "--ca", "."], "make it with `haidang-gateway ca init .`"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main([word.replace("TAKEN", port) for word in words]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_fleet_has_at_least_one_node(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fleet-sim", "--ca", ".", "--nodes", "0"])
    assert "0 is no number of them; give 1 or more" in capsys.readouterr().err
