"""A simulated node keeps, sends, sends again and frees as a real one does."""

from pathlib import Path

from haidang_tools.fleet_journal import Journal
from haidang_tools.fleet_node import SimNode
from haidang_wire import messages

_NODE = "n-240ac4000001"
_EPOCH = "9f3c01aa"
_BEGAN_MS = 1_764_000_000_000


def _node(path: Path | None = None) -> SimNode:
    return SimNode(_NODE, _EPOCH, journal=Journal(path) if path else None, began_ms=_BEGAN_MS)


def test_alarms_go_first_and_places_are_kept_for_them() -> None:
    node = _node()
    for _ in range(40):
        node.keep("data", b"d")
    node.keep("alarm", b"a")

    sent = node.due(0)

    assert sent[0].lane == "alarm"
    assert len(sent) == 1 + 24


def test_what_is_not_named_is_sent_again_ever_later() -> None:
    node = _node()
    for _ in range(3):
        node.keep("data", b"d")
    node.due(0)
    node.acknowledge(_EPOCH, 1, [[0, 0], [2, 2]])

    assert node.due(1_900) == []
    assert [held.name for held in node.due(2_200)] == [(1, 1)]
    assert node.due(4_500) == []
    assert [held.name for held in node.due(6_500)] == [(1, 1)]


def test_an_ack_of_another_epoch_frees_nothing() -> None:
    node = _node()
    node.keep("data", b"d")
    assert node.acknowledge("00000000", 1, [[0, 5]]) == 0
    assert len(node) == 1


def test_the_flash_survives_and_the_status_names_what_is_held(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    first = _node(path)
    for _ in range(3):
        first.keep("data", b'[{"n":"x"}]')
    first.acknowledge(_EPOCH, 1, [[1, 1]])

    second = _node(path)

    assert (second.epoch, second.boot, len(second)) == (_EPOCH, 2, 2)
    status = messages.decode("status", second.status(_BEGAN_MS + 5, 30))
    assert status["boots"] == [
        {"hb": 1, "next": 3, "held": [[0, 0], [2, 2]], "dropped": []},
        {"hb": 2, "next": 0, "held": [], "dropped": []},
    ]


def test_a_clock_set_back_to_before_the_boot_gives_no_time_below_nothing(tmp_path: Path) -> None:
    node = _node(tmp_path / "flash")
    assert messages.decode("status", node.status(_BEGAN_MS - 5, 30))["up_ms"] == 0
    assert messages.decode("status", node.status(_BEGAN_MS + 5, 30))["up_ms"] == 5


def test_a_torn_last_line_never_was(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    _node(path).keep("data", b"whole")
    with path.open("ab") as file:
        file.write(b"keep 1 1 data ha")

    again = _node(path)

    assert [held.payload for held in again.due(0)] == [b"whole"]
