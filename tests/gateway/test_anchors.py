"""When a sample was taken: exactly with a set clock, otherwise within bounds that hold."""

from haidang_gateway.ingest import anchors
from haidang_gateway.ingest.boot import Boot
from hypothesis import given
from hypothesis import strategies as st
from node_packs import START_MS


def test_the_nodes_own_time_is_exact_for_the_whole_boot() -> None:
    boot = Boot()
    anchors.learn(boot, 60_000, START_MS, START_MS + 90)
    assert anchors.bounds({7: boot}, 7, 10_000) == (START_MS - 50_000, START_MS - 50_000)


def test_the_last_time_that_a_node_gave_counts() -> None:
    boot = Boot()
    anchors.learn(boot, 60_000, START_MS, START_MS + 90)
    anchors.learn(boot, 61_000, START_MS + 995, START_MS + 1_090)
    assert anchors.bounds({7: boot}, 7, 61_000) == (START_MS + 995, START_MS + 995)


def test_a_clock_that_cannot_be_is_not_believed() -> None:
    for wrong_ms in (1000, START_MS + 3_600_000):
        boot = Boot()
        anchors.learn(boot, 60_000, wrong_ms, START_MS)
        assert anchors.bounds({7: boot}, 7, 60_000) == (0, START_MS)


def test_a_clock_that_a_live_status_contradicts_is_not_believed() -> None:
    # The gateway started five hours in the past (no battery clock) and gave its nodes that time.
    behind_ms = 5 * 3_600_000
    boot = Boot()
    anchors.learn(boot, 60_000, START_MS - behind_ms, START_MS - behind_ms)
    anchors.learn(boot, 70_000, None, START_MS - behind_ms + 10_000)
    # Then its clock was set; the nodes keep the old time for up to an hour.
    anchors.learn_live(boot, 90_000, START_MS + 30_000)
    anchors.learn(boot, 95_000, START_MS - behind_ms + 35_000, START_MS + 35_000)
    assert anchors.bounds({7: boot}, 7, 95_000) == (0, START_MS + 35_000)
    anchors.learn(boot, 97_000, START_MS + 37_000, START_MS + 37_100)
    assert anchors.bounds({7: boot}, 7, 97_000) == (START_MS + 37_000, START_MS + 37_000)


def test_what_a_live_status_said_is_forgotten_over_a_restart() -> None:
    boot = Boot()
    anchors.learn_live(boot, 60_000, START_MS - 5 * 3_600_000)
    again = Boot.from_doc(boot.to_doc())
    anchors.learn(again, 60_000, START_MS, START_MS + 90)
    assert anchors.bounds({7: again}, 7, 60_000) == (START_MS, START_MS)


def test_the_record_of_a_boot_is_short_and_comes_back_whole() -> None:
    boot = Boot(received=[[0, 9]], first=0)
    assert boot.to_doc() == {"received": [[0, 9]], "first": 0, "floor": 0}
    assert Boot.from_doc(boot.to_doc()) == boot
    full = Boot(
        received=[[4, 9]],
        lost=[[1, 1]],
        dropped=[[2, 2]],
        quarantined=[[3, 3]],
        first=1,
        floor=1,
        anchor_ms=START_MS,
        latest_ms=START_MS + 1,
    )
    assert Boot.from_doc(full.to_doc()) == full


def test_a_boot_without_a_clock_lies_between_its_neighbours() -> None:
    boots = {6: Boot(), 7: Boot(), 8: Boot()}
    anchors.learn(boots[6], 0, START_MS, START_MS)
    anchors.learn(boots[8], 0, START_MS + 500_000, START_MS + 500_000)
    anchors.learn(boots[7], 20_000, None, START_MS + 600_000)
    low_ms, high_ms = anchors.bounds(boots, 7, 20_000)
    assert (low_ms, high_ms) == (START_MS + 20_000, START_MS + 500_000)


@given(
    st.integers(0, 10**7),
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**6)), min_size=1, max_size=8),
)
def test_the_true_time_is_always_within_the_bounds(
    start_ms: int, messages: list[tuple[int, int]]
) -> None:
    boot, started_ms = Boot(), START_MS + start_ms
    for up_ms, delay_ms in messages:
        anchors.learn(boot, up_ms, None, started_ms + up_ms + delay_ms)
    for up_ms, _ in messages:
        low_ms, high_ms = anchors.bounds({7: boot}, 7, up_ms)
        assert low_ms <= started_ms + up_ms <= high_ms
