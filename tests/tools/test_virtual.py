"""`haidang board`: a virtual board for a person with mpremote."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from haidang_tools.__main__ import main
from haidang_tools.board import SerialBoard
from haidang_tools.errors import InputRefused
from haidang_tools.virtual import world_from


def test_the_command_prints_a_port_that_answers_and_ends_when_told(tmp_path: Path) -> None:
    words = ["board", "--image", str(tmp_path / "flash.img"), "--world-json", '{"supply_mv":4000}']
    command = [sys.executable, "-m", "haidang_tools", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with SerialBoard(port) as serial:
            reading = "from machine import ADC\nprint(ADC(35, atten=3).read_uv() // 10000)"
            assert 199 <= int(serial.execute(reading)) <= 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.mark.parametrize(
    ("text", "word"),
    [("{", "JSON"), ("[]", "object"), ('{"smok":1}', "smok"), ('{"phones":{}}', "phones")],
)
def test_a_wrong_world_is_refused(text: str, word: str) -> None:
    with pytest.raises(InputRefused, match=word):
        world_from(text)


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
