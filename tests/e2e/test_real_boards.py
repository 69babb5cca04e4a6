"""Boards that the demo does not own: reached by their serial port alone, as real ones are."""

from pathlib import Path

import pytest
from haidang_board.rig import Board
from haidang_tools.demo.city import City
from haidang_tools.demo.real_boards import node_at, own_address, wifi_of
from haidang_tools.demo.settings import NODE_HEAP
from haidang_tools.errors import InputRefused, ToolError
from waiting import wait_until


def test_a_board_on_a_port_becomes_a_node_of_the_city(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haidang_tools.demo.city.own_address", lambda: "127.0.0.1")
    with Board(tmp_path / "board.flash", mac="a0b1c2d3e4f5", heap=NODE_HEAP) as board:
        board.world.networks = {"office": "its key"}
        board.power_on()
        node = node_at(f"{board.port}:smoke")
        city = City(tmp_path / "city", nodes=(node,), wifi=wifi_of("office:its key"))
        try:
            city.start()
            wait_until(lambda: city.centre.read(lambda view: view.packs), "a pack at the centre")
        finally:
            city.stop()
    assert node.id == "n-a0b1c2d3e4f5"
    assert city.boards == {}


@pytest.mark.parametrize("text", ["/dev/ttyUSB0", "smoke", "/dev/ttyUSB0:camera", ":smoke"])
def test_a_board_named_wrongly_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputRefused, match="PORT:KIND"):
        node_at(text)


def test_a_port_without_a_board_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=str(tmp_path)):
        node_at(f"{tmp_path}/nothing:smoke")


def test_a_network_needs_a_name_and_its_key_stays_out_of_the_log() -> None:
    assert "hunter2" not in repr(wifi_of("office:hunter2"))
    with pytest.raises(InputRefused, match="SSID:KEY"):
        wifi_of("office")


def test_the_own_address_is_an_ipv4_address() -> None:
    assert len(own_address().split(".")) == 4
