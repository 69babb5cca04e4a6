"""Traces played to a virtual board with the real application."""

import io
import json
from pathlib import Path

import pytest
from bench import stand
from haidang_board.rig import Board
from haidang_tools import flash, traces
from haidang_tools.__main__ import main
from haidang_tools.errors import InputRefused
from haidang_tools.replay import Change, _sensors, replay

_TRACE = """
t_s,contact,temp_c,air_fault
100,0,30,none
160,1,30,none
180,0,30,silent
240,0,31,none
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "flash.img"
    stand.write_image(path, stand.application(flash.SOURCE), "n-240ac4000001")
    return path


class LateBoard(Board):
    """Who powers it on comes back seconds later, as on a busy machine."""

    def power_on(self) -> None:
        super().power_on()
        if self.fast:
            self.hurry(5000)


def test_changes_come_with_the_times_of_the_trace_however_late_the_machine_is(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang_tools.replay.Board", LateBoard)
    trace = traces.read(io.StringIO(_TRACE), "trace")
    sensors = {"smoke": {"warmup_s": 5, "burn_in_h": 0}, "env": {}}
    changes = list(replay(trace, sensors, image=image, lead_s=20))
    assert [change.t_s for change in changes] == sorted(change.t_s for change in changes)
    assert 60 < changes[0].t_s < 100
    alarm = next(change for change in changes if change.state == "alarm")
    assert alarm.sensor == "smoke"
    assert alarm.t_s == pytest.approx(161, abs=2)
    env = [change for change in changes if change.sensor == "env"]
    assert [change.health for change in env] == ["warming", "ok", "silent", "ok"]
    assert env[2].t_s == pytest.approx(190, abs=12)
    assert env[3].t_s == pytest.approx(245, abs=6)


def test_sensors_that_the_node_refuses_are_told_and_not_played(image: Path) -> None:
    trace = traces.read(io.StringIO("t_s,water_mm\n0,0\n"), "trace")
    with pytest.raises(InputRefused, match=r"driver must be one of a02yyuw"):
        list(replay(trace, {"flood": {"driver": "jsn"}}, image=image))


def test_the_columns_choose_the_sensors_and_a_float_needs_its_pin(tmp_path: Path) -> None:
    def of(header: str) -> traces.Trace:
        cells = ",".join("0" for _ in header.split(","))
        return traces.read(io.StringIO(f"{header}\n{cells}\n"), "trace")

    assert set(_sensors(of("t_s,smoke_mv,water_mm"), None)) == {"smoke", "flood"}
    assert set(_sensors(of("t_s,supply_mv"), None)) == {"env"}
    with pytest.raises(InputRefused, match="float_pin"):
        _sensors(of("t_s,float"), None)
    config = tmp_path / "node.json"
    config.write_text(json.dumps({"sensors": {"flood": {"float_pin": 33}}}), encoding="utf-8")
    assert _sensors(of("t_s,float"), config) == {"flood": {"float_pin": 33}}
    config.write_text("[]", encoding="utf-8")
    with pytest.raises(InputRefused, match="no node"):
        _sensors(of("t_s,float"), config)


def test_a_bad_file_ends_the_command_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("t_s,smoke_ppm\n0,much\n", encoding="utf-8")
    assert main(["replay", str(path)]) == 1
    assert "bad.csv, line 2: smoke_ppm 'much' is not a number" in capsys.readouterr().err


def test_a_change_is_one_json_object() -> None:
    assert json.loads(json.dumps(Change(1.5, "smoke", "alarm", "ok")._asdict()))["t_s"] == 1.5
