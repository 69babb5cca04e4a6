"""Signs of life: silence after three heartbeats, told once; a broker that is away."""

from haidang_gateway.fleet.broker_watch import BrokerWatch
from haidang_gateway.fleet.nodes import Fleet
from haidang_gateway.model import Heard, Silence
from haidang_gateway.settings import NodeSettings
from hypothesis import example, given
from hypothesis import strategies as st
from node_packs import NODE, SOURCE, START_MS


def _fleet(heartbeat_s: int = 30) -> Fleet:
    node = NodeSettings(id=NODE, place="market-3", heartbeat_s=heartbeat_s)
    return Fleet([node], START_MS)


def _status(heartbeat_s: int = 30, **more: object) -> dict[str, object]:
    return {"heartbeat_s": heartbeat_s, "fw": "1.4.0"} | more


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


def test_of_nodes_that_lost_their_mains_together_a_few_are_told_at_a_look() -> None:
    nodes = [NodeSettings(id=f"n-240ac4{n:06x}", place="market-3") for n in range(45)]
    fleet = Fleet(nodes, START_MS)
    told: list[str] = []
    for count in (20, 20, 5, 0):
        assert fleet.next_due_ms() == (START_MS + 90_000 if count else None)
        found = fleet.silences(START_MS + 90_000)
        assert len(found) == count
        told += [silence.source for silence in found]
    assert sorted(told) == sorted(node.source for node in nodes)


def test_a_node_that_never_speaks_after_the_start_is_silent() -> None:
    (silence,) = _fleet().silences(START_MS + 90_000)
    assert silence.since_ms == START_MS


def test_a_sleeping_node_is_given_the_time_it_declares() -> None:
    fleet = _fleet()
    fleet.heard(NODE, START_MS)
    assert fleet.note_status(NODE, _status(3600), START_MS) is not None
    assert fleet.silences(START_MS + 3 * 3_600_000 - 1) == []
    assert len(fleet.silences(START_MS + 3 * 3_600_000)) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heard", "sooner", "later", "excused", "looked"]),
            st.integers(0, 2),
            st.integers(0, 40_000),
        ),
        max_size=40,
    )
)
@example([("sooner", 0, 0), ("looked", 0, 20_000), ("heard", 0, 0), ("looked", 0, 20_000)])
def test_no_silence_is_missed_by_looking_seldom(steps: list[tuple[str, int, int]]) -> None:
    """Beside a fleet that is asked to look through all nodes each time."""
    names = [f"n-24000000000{number}" for number in range(3)]
    both = [Fleet([NodeSettings(id=name, place="m") for name in names], 0) for _ in range(2)]
    now_ms = 0
    for what, number, after_ms in steps:
        now_ms += after_ms
        found: list[object] = []
        for fleet, among in zip(both, (None, names), strict=True):
            if what in ("sooner", "later"):
                fleet.note_status(names[number], _status(5 if what == "sooner" else 60), now_ms)
            elif what == "excused":
                fleet.excuse(after_ms, now_ms)
            elif what == "heard":
                fleet.heard(names[number], now_ms)
            found.append(fleet.silences(now_ms, among))
        assert found[0] == found[1]
        early_ms, exact_ms = both[0].next_due_ms(), both[1].next_due_ms(names)
        assert (early_ms is None) == (exact_ms is None)
        assert early_ms is None or exact_ms is None or early_ms <= exact_ms


def test_an_unknown_node_is_neither_heard_nor_missed() -> None:
    fleet = _fleet()
    assert fleet.heard("n-ffffffffffff", START_MS) is None
    assert fleet.note_status("n-ffffffffffff", _status(5), START_MS) is None
    assert list(fleet.nodes) == [NODE]


def _again(fleet: Fleet, started_ms: int) -> Fleet:
    node = NodeSettings(id=NODE, place="market-3", heartbeat_s=30)
    return Fleet([node], started_ms, fleet.take())


def test_a_sleeping_nodes_time_survives_a_restart_of_the_gateway() -> None:
    hour_ms = 3_600_000
    fleet = _fleet()
    fleet.heard(NODE, START_MS)
    fleet.note_status(NODE, _status(3600), START_MS)
    again = _again(fleet, START_MS + hour_ms)
    assert again.silences(START_MS + 3 * hour_ms - 1) == []
    assert len(again.silences(START_MS + 3 * hour_ms)) == 1, "not three hours from the restart"


def test_a_gateway_that_was_down_long_waits_one_and_a_half_heartbeats_at_least() -> None:
    hour_ms = 3_600_000
    fleet = _fleet()
    fleet.note_status(NODE, _status(3600), START_MS)
    start_ms = START_MS + 100 * hour_ms
    again = _again(fleet, start_ms)
    assert again.silences(start_ms + hour_ms * 3 // 2 - 1) == []
    assert len(again.silences(start_ms + hour_ms * 3 // 2)) == 1


def test_what_a_node_declares_is_kept_when_it_changes_and_only_then() -> None:
    fleet = _fleet()
    fleet.note_status(NODE, _status(mode="safe", fails=3, cfg="00c0ffee"), START_MS)
    doc = {"heartbeat_s": 30, "fw": "1.4.0", "mode": "safe", "fails": 3, "cfg": "00c0ffee"}
    assert fleet.take() == {NODE: doc}
    assert fleet.safe_count() == 1
    fleet.note_status(NODE, _status(mode="safe", fails=3, cfg="00c0ffee"), START_MS + 30_000)
    assert fleet.take() == {}, "a memory card must not be written for every heartbeat"
    fleet.note_status(NODE, _status(), START_MS + 60_000)
    assert fleet.take() == {NODE: {"heartbeat_s": 30, "fw": "1.4.0"}}


def test_a_mode_is_told_when_it_changes_and_first_after_the_start() -> None:
    fleet = _fleet()
    told = [
        fleet.note_status(NODE, _status(**mode), START_MS)
        for mode in ({}, {}, {"mode": "safe"}, {"mode": "safe"}, {"mode": "trial"})
    ]
    assert [fact and fact.mode for fact in told] == ["normal", None, "safe", None, "trial"]


def _watch(fleet: Fleet) -> BrokerWatch:
    return BrokerWatch(fleet, source="gateway:gw-01", place="market-3")


def test_a_broker_that_is_away_is_one_silence_and_no_node_is_called_silent() -> None:
    fleet = _fleet()
    watch = _watch(fleet)
    fleet.heard(NODE, START_MS)
    assert watch.look(False, START_MS + 1000) == []
    assert watch.next_due_ms() == START_MS + 91_000
    assert watch.look(False, START_MS + 90_999) == []
    (silence,) = watch.look(False, START_MS + 91_000)
    assert isinstance(silence, Silence)
    assert (silence.source, silence.since_ms) == ("gateway:gw-01", START_MS + 1000)
    assert watch.look(False, START_MS + 999_000) == []
    (heard,) = watch.look(True, START_MS + 1_000_000)
    assert isinstance(heard, Heard)
    assert heard.source == "gateway:gw-01"
    assert watch.look(True, START_MS + 1_089_999) == [], "a node gets its whole time again"
    (silence,) = watch.look(True, START_MS + 1_090_000)
    assert silence.source == SOURCE


def test_a_broker_that_comes_and_goes_does_not_hide_a_dead_node() -> None:
    fleet = _fleet()
    watch = _watch(fleet)
    fleet.heard(NODE, START_MS)
    found: list[Silence | Heard] = []
    for second in range(0, 400):
        found += watch.look(second % 30 >= 10, START_MS + second * 1000)
    assert [fact.source for fact in found] == [SOURCE]


def test_an_alarm_from_before_a_restart_is_ended_when_the_broker_is_there() -> None:
    watch = BrokerWatch(_fleet(), source="gateway:gw-01", place="market-3", told=True)
    assert len(watch.look(True, START_MS)) == 1
    assert watch.look(True, START_MS + 1) == []


def test_a_gateway_without_places_says_nothing_and_fails_nowhere() -> None:
    watch = BrokerWatch(_fleet(), source="gateway:gw-01", place=None)
    for at_ms in (0, 100_000, 200_000):
        assert watch.look(False, START_MS + at_ms) == []


def test_a_wired_node_is_supervised_while_the_broker_is_away() -> None:
    fleet = _fleet()
    watch = BrokerWatch(fleet, source="gateway:gw-01", place="market-3", wired={NODE})
    assert watch.look(False, START_MS) == []
    assert watch.next_due_ms() == START_MS + 90_000
    broker, node = watch.look(False, START_MS + 90_000)
    assert (broker.source, node.source) == ("gateway:gw-01", SOURCE)
    assert watch.next_due_ms() is None
    assert fleet.heard(NODE, START_MS + 95_000) is not None
    watch.look(True, START_MS + 100_000)
    assert fleet.next_due_ms() == START_MS + 185_000, "no time is given back to it"
