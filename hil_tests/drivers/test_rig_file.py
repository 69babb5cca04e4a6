"""The rig file: the example is right, every mistake is named with line, field and remedy."""

from pathlib import Path

import pytest
from rig.errors import RigFileWrong
from rig.rig_file import load

EXAMPLE = Path(__file__).resolve().parents[1] / "rig.example.toml"
LEAST = '[board]\nport = "/dev/ttyUSB0"\n[network]\nbroker_host = "192.168.1.10"\nssid = "test"\n'


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "rig.toml"
    path.write_text(text)
    with pytest.raises(RigFileWrong) as told:
        load(path)
    return [problem.removeprefix(f"{path}:") for problem in told.value.problems]


def test_the_example_is_right(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(EXAMPLE.read_text())
    (tmp_path / "wifi.key").write_text("a secret\n")
    rig = load(path)
    assert rig.network["key"] == "a secret"
    assert rig.power is not None
    assert rig.power["kind"] == "usb-relay"
    assert rig.stimulus is not None


def test_every_kind_of_switch_in_the_examples_comments_is_right(tmp_path: Path) -> None:
    commented = [
        block for block in EXAMPLE.read_text().split("\n\n") if block.startswith("# kind = ")
    ]
    assert len(commented) >= 3
    (tmp_path / "plug.password").write_text("secret")
    for block in commented:
        lines = [line.removeprefix("# ") for line in block.splitlines()]
        (tmp_path / "rig.toml").write_text(LEAST + "[power]\n" + "\n".join(lines))
        rig = load(tmp_path / "rig.toml")
        assert rig.power is not None


def test_two_tables_are_enough_and_defaults_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(LEAST)
    rig = load(tmp_path / "rig.toml")
    assert rig.network["broker_port"] == 8883
    assert (rig.power, rig.wifi, rig.stimulus) == (None, None, None)


def test_all_mistakes_are_named_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "[board]\n"
        'prot = "/dev/ttyUSB0"\n'
        "[network]\n"
        'broker_host = "127.0.0.1"\n'
        'broker_port = "8883"\n'
        'ssid = "test"\n'
        'key_file = "absent.key"\n'
        "[power]\n"
        'kind = "usb-hub"\n'
        "port = 99\n"
        "[wifi]\n"
        'kind = "magic"\n'
        "[stimulus]\n"
        'port = "/dev/ttyUSB2"\n'
        "smoke_dac_pin = 12\n"
        'contact_by = "glue"\n'
        "[weather]\n"
    )
    told = problems(tmp_path, text)
    expected = [
        "17: [weather] is not a table; known are board, network, stimulus, power, wifi",
        "2: board.prot is not a field; known are port, name",
        "1: board.port is missing",
        "5: network.broker_port must be a whole number",
        f"7: network.key_file {tmp_path}/absent.key: No such file or directory; put the secret "
        "alone into that file",
        "12: wifi.kind 'magic' is unknown; known are usb-hub, usb-relay, tasmota, person, command",
        "8: power.location is missing",
        "10: power.port must be 1 to 32",
        "15: stimulus.smoke_dac_pin must be 25 to 26",
        "4: network.broker_host is not reachable from a board; give this computer's address from "
        "`ip addr`",
        "16: stimulus.contact_by must be one of wire, relay",
    ]
    assert sorted(told) == sorted(f"{line}" for line in expected)


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        ('[stimulus]\nport = "/dev/ttyUSB2"\n', "drives nothing"),
        ('[stimulus]\nport = "/dev/ttyUSB0"\ncontact_pin = 4\n', "already that of [board]"),
        (
            '[stimulus]\nport = "/dev/ttyUSB2"\ncontact_pin = 25\nsmoke_dac_pin = 25\n',
            "pin 25 is given twice",
        ),
        ('[wifi]\nkind = "command"\non = ["a", 1]\noff = ["b"]\n', "must be words in quotes"),
        ('[power]\nkind = "person"\ntimeout_s = true\n', "must be a whole number"),
        ('[power]\nkind = "usb-relay"\nport = "/dev/r"\ninverted = 1\n', "must be true or false"),
        ("power = 1\n", "write [power] above its fields"),
        ("[power]\n", "power.kind is missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, addition: str, told: str) -> None:
    text = addition + LEAST if addition.startswith("power") else LEAST + addition
    assert any(told in problem for problem in problems(tmp_path, text))


def test_two_channels_of_one_relay_may_switch_power_and_wifi(tmp_path: Path) -> None:
    relays = "".join(
        f'[{what}]\nkind = "usb-relay"\nport = "/dev/relay"\nchannel = {channel}\n'
        for channel, what in enumerate(("power", "wifi"), 1)
    )
    (tmp_path / "rig.toml").write_text(LEAST + relays)
    assert load(tmp_path / "rig.toml").wifi is not None


def test_an_absent_file_and_no_toml_are_told(tmp_path: Path) -> None:
    with pytest.raises(RigFileWrong, match=r"copy rig\.example\.toml"):
        load(tmp_path / "absent.toml")
    assert "no TOML" in problems(tmp_path, "port = = 3")[0]
