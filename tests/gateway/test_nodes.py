"""Signs of life: silence after three heartbeats, told once; a word ends it."""

from haidang_gateway.fleet.nodes import Fleet
from haidang_gateway.settings import NodeSettings
from node_packs import NODE, SOURCE, START_MS


def _fleet(heartbeat_s: int = 30) -> Fleet:
    node = NodeSettings(id=NODE, place="market-3", heartbeat_s=heartbeat_s)
    return Fleet([node], START_MS)


def test_three_missed_heartbeats_are_a_silence_and_it_is_told_once() -> None:
    fleet = _fleet()
    assert fleet.heard(NODE, START_MS + 1000) is not None, "the first word since the start"
    assert fleet.heard(NODE, START_MS + 2000) is None
    assert fleet.next_due_ms() == START_MS + 92_000
    assert fleet.silences(START_MS + 91_999) == []
    (silence,) = fleet.silences(START_MS + 92_000)
    assert (silence.source, silence.since_ms) == (SOURCE, START_MS + 2000)
    assert fleet.silences(START_MS + 200_000) == []
    assert fleet.next_due_ms() is None
    assert fleet.up_and_down() == (0, 1)
    heard = fleet.heard(NODE, START_MS + 300_000)
    assert heard is not None
    assert heard.source == SOURCE
    assert fleet.up_and_down() == (1, 0)


def test_a_node_that_never_speaks_after_the_start_is_silent() -> None:
    (silence,) = _fleet().silences(START_MS + 90_000)
    assert silence.since_ms == START_MS


def test_a_sleeping_node_is_given_the_time_it_declares() -> None:
    fleet = _fleet()
    fleet.heard(NODE, START_MS)
    fleet.declare(NODE, 3600)
    assert fleet.silences(START_MS + 3 * 3_600_000 - 1) == []
    assert len(fleet.silences(START_MS + 3 * 3_600_000)) == 1


def test_an_unknown_node_is_neither_heard_nor_missed() -> None:
    fleet = _fleet()
    assert fleet.heard("n-ffffffffffff", START_MS) is None
    fleet.declare("n-ffffffffffff", 5)
    assert list(fleet.nodes) == [NODE]
