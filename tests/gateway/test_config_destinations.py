"""The tables [centre] and [[destination]]: read, bounded, told when wrong."""

from pathlib import Path

import pytest
from config_kit import example, loaded, problems_of
from haidang_gateway.destination import QUEUE_ALARMS, QUEUE_PACKS

_DESTINATION = """
[[destination]]
name = "fire-service"
host = "mqtt.example.vn"
server_name = "mqtt.example.vn"
ca = "{0}/ca.pem"
cert = "{0}/gw-01.pem"
key = "{0}/gw-01.key"
"""


def test_a_destination_beside_the_centre_has_its_own_words_and_bounds(
    root: Path, tmp_path: Path
) -> None:
    text = example(root, tmp_path) + _DESTINATION.format(tmp_path)
    text += 'formats = ["cap", "ha"]\nmode = "broker-only"\nhazards = ["flood"]\nthin_s = 60\n'
    settings = loaded(tmp_path, text)
    assert settings.centre.name == "centre"
    (one,) = settings.destinations
    assert (one.name, one.mode, one.formats) == ("fire-service", "broker-only", ("cap", "ha"))
    assert (one.filter.hazards, one.filter.thin_s) == (("flood",), 60.0)
    assert one.cap.sender == "gw-01"


def test_the_destination_of_the_example_loads(root: Path, tmp_path: Path) -> None:
    before, mark, rest = example(root, tmp_path).partition("#[[destination]]")
    table, end, after = rest.partition("\n\n")
    shown = "\n".join(
        line[1:] if line.startswith("#") and line[1:2] not in " " else line
        for line in (mark + table).splitlines()
    )
    (one,) = loaded(tmp_path, before + shown + end + after).destinations
    assert one.filter.severities == ("Severe", "Extreme")
    assert (one.queue_packs, one.queue_alarms) == (QUEUE_PACKS, QUEUE_ALARMS)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('name = "centre"', "centre is given twice"),
        ('host = "ioc.example.vn"', "lets this gateway in once"),
        ('formats = ["xml"]', "words of native, cap, ngsi, ha"),
        ('formats = ["ha"]', "Home Assistant acknowledges nothing"),
        ('mode = "broker-only"\nprotocol = "3.1.1"', "does not tell of a refused message"),
        ('cap_scope = "Private"', "names its receivers"),
        ('cap_sender = "gw 1"', "without spaces"),
        ('severity = ["Severe"]', "did you mean severities?"),
    ],
)
def test_a_destination_that_cannot_work_is_told_with_its_remedy(
    root: Path, tmp_path: Path, more: str, said: str
) -> None:
    key = more.partition(" = ")[0]
    table = "\n".join(
        line
        for line in _DESTINATION.format(tmp_path).splitlines()
        if not line.startswith(f"{key} =")
    )
    problems = problems_of(tmp_path, f"{example(root, tmp_path)}{table}\n{more}\n")
    assert any(said in problem for problem in problems), problems
