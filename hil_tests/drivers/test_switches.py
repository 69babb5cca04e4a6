"""Hub, plug, relay, command and person, each against a stand-in at the far end of its wire."""

import os
import threading
from pathlib import Path

import pytest
from rig import person
from rig.errors import PersonAbsent, SwitchFailed
from rig.person import PersonSwitch
from rig.relay import RelaySwitch, order
from rig.switches import CommandSwitch, HubPort, TasmotaPlug
from stand_ins import Plug, relay, terminal, uhubctl
from waiting import DEADLINE_S, wait_until


def test_a_hub_port_is_switched_by_uhubctl_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uhubctl(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    hub = HubPort("1-1.4", 2)
    hub.set(False)
    hub.set(True)
    assert (tmp_path / "switched").read_text().split() == ["off", "on"]


def test_a_hub_that_only_pretends_to_switch_is_found_out(tmp_path: Path) -> None:
    program = uhubctl(tmp_path, pretending=True)
    with pytest.raises(SwitchFailed, match="only pretend to switch"):
        HubPort("1-1.4", 2, str(program)).set(False)


def test_a_wrong_hub_location_is_told_in_uhubctls_words(tmp_path: Path) -> None:
    program = uhubctl(tmp_path)
    with pytest.raises(SwitchFailed, match="No compatible devices detected at location 7-7"):
        HubPort("7-7", 2, str(program)).set(False)


def test_a_missing_uhubctl_is_told() -> None:
    with pytest.raises(SwitchFailed, match="uhubctl-absent is not installed"):
        HubPort("1-1.4", 2, "uhubctl-absent").set(False)


def test_a_relay_gets_the_four_bytes_of_the_data_sheet() -> None:
    assert order(1, True) == bytes.fromhex("a00101a2")
    assert order(1, False) == bytes.fromhex("a00100a1")


@pytest.mark.parametrize("inverted", [False, True])
def test_a_relay_channel_is_switched(inverted: bool) -> None:
    heard: list[tuple[int, bool]] = []
    with relay(lambda channel, closed: heard.append((channel, closed))) as path:
        switch = RelaySwitch(str(path), 2, inverted=inverted)
        switch.set(True)
        switch.set(False)
        wait_until(lambda: len(heard) == 2, "both orders")
    assert heard == [(2, not inverted), (2, inverted)]


def test_a_relay_that_is_not_plugged_in_is_told() -> None:
    with pytest.raises(SwitchFailed, match="plug it in"):
        RelaySwitch("/dev/ttyUSB-absent").set(True)


def test_a_plug_is_switched_and_its_answer_believed() -> None:
    with Plug(sockets=2) as plug:
        switch = TasmotaPlug(plug.url, 2)
        switch.set(True)
        assert plug.on == [False, True]
        switch.set(False)
        assert plug.on == [False, False]
        plug.deaf = True
        with pytest.raises(SwitchFailed, match="did not switch ON"):
            switch.set(True)


def test_a_plug_with_one_socket_answers_without_a_number() -> None:
    with Plug() as plug:
        TasmotaPlug(plug.url).set(True)
        assert plug.on == [True]


def test_a_plug_with_a_password_takes_the_right_one_alone() -> None:
    word = "s&cret"
    with Plug(1, word) as plug:
        TasmotaPlug(plug.url, 1, "admin", word).set(True)
        assert plug.on == [True]
        with pytest.raises(SwitchFailed, match="password_file") as told:
            TasmotaPlug(plug.url, 1, "admin", "other").set(False)
        assert "other" not in str(told.value)


def test_a_plug_that_is_away_or_something_else_is_told() -> None:
    with Plug() as plug:
        gone = plug.url
        with pytest.raises(SwitchFailed, match="did not switch"):
            TasmotaPlug(plug.url, 4).set(True)
    with pytest.raises(SwitchFailed, match="does not answer"):
        TasmotaPlug(gone).set(True)


def test_a_command_switches_by_its_exit_status(tmp_path: Path) -> None:
    flag = tmp_path / "on"
    switch = CommandSwitch(["touch", str(flag)], ["sh", "-c", "echo busy >&2; exit 3"])
    switch.set(True)
    assert flag.exists()
    with pytest.raises(SwitchFailed, match="busy"):
        switch.set(False)


def test_a_person_is_asked_and_waited_for() -> None:
    with terminal() as (far, path):
        switch = PersonSwitch("the board's power", 10, path)
        thread = threading.Thread(target=switch.set, args=(False,))
        thread.start()
        shown = os.read(far, 500).decode()
        assert "Switch the board's power OFF" in shown
        assert thread.is_alive()
        os.write(far, b"\n")
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def test_a_person_who_is_away_ends_the_test_in_time() -> None:
    with terminal() as (_, path), pytest.raises(PersonAbsent, match="nobody did within 0 s"):
        PersonSwitch("the board's power", 0.2, path).set(True)


def test_a_person_may_say_that_it_is_impossible() -> None:
    with terminal() as (far, path):
        os.write(far, b"n\n")
        with pytest.raises(PersonAbsent, match="impossible"):
            PersonSwitch("the board's power", 5, path).set(True)


def test_without_a_terminal_nobody_is_present(tmp_path: Path) -> None:
    assert not person.present(tmp_path / "absent")
    with terminal() as (_, path):
        assert person.present(path)
    with pytest.raises(PersonAbsent, match="--unattended"):
        person.ask("Press the button", 1, tmp_path / "absent")
