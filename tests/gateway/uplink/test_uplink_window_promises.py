"""Alarms first, bounded, and each message until it is confirmed, in any order of events."""

import copy

from haidang_gateway.model import OutLane
from haidang_gateway.uplink.pace import FIRST_BYTES, MOST_BYTES
from haidang_gateway.uplink.window import ALARM_PLACES, LANES, WINDOW, Window
from haidang_wire import ranges
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from window_kit import outgoing, send_due


def test_an_alarm_goes_before_data_that_waited_longer() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq))
    window.add(outgoing(3, "alarm"))
    assert send_due(window, 0) == [3, 1, 2]


def test_an_answer_to_the_centre_goes_before_data_and_after_alarms() -> None:
    window = Window()
    window.add(outgoing(1))
    window.add(outgoing(2, "reply", size=FIRST_BYTES - 10))
    window.add(outgoing(3, "alarm"))
    assert send_due(window, 0) == [3, 2, 1]


def test_data_leaves_places_for_alarms() -> None:
    window = Window()
    for seq in range(1, window.room("data") + 1):
        window.add(outgoing(seq))
    assert window.room("data") == 0
    assert window.room("alarm") == ALARM_PLACES
    assert len(window) + ALARM_PLACES == WINDOW


def test_what_is_no_alarm_is_bounded_in_bytes_on_its_way_and_an_alarm_is_not_held_back() -> None:
    window = Window()
    half = FIRST_BYTES // 2
    lanes: list[OutLane] = ["reply", "data", "reply", "data", "data"]
    for seq, lane in enumerate(lanes, 1):
        window.add(outgoing(seq, lane, size=half))
    assert send_due(window, 0, taken=False) == [1, 3]
    window.add(outgoing(6, "alarm", size=MOST_BYTES))
    assert send_due(window, 0, taken=False) == [6]
    window.taken(1, 200)
    assert send_due(window, 200, taken=False) == [2]


def test_a_message_larger_than_the_bound_still_goes_out_alone() -> None:
    window = Window()
    window.add(outgoing(1, size=MOST_BYTES * 2))
    window.add(outgoing(2))
    assert send_due(window, 0, taken=False) == [1]


def test_an_acknowledgement_of_what_was_never_sent_confirms_nothing() -> None:
    window = Window()
    for seq in (5, 6):
        window.add(outgoing(seq))
    assert window.under_way([[0, 0xFFFFFFFF]]) == []
    window.sent(5, 0)
    assert window.under_way([[0, 0xFFFFFFFF]]) == [[5, 5]]


@given(st.lists(st.integers(1, 40), unique=True, min_size=1), st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_not_acknowledged_is_sent_again_in_the_end(
    sent: list[int], data: st.DataObject
) -> None:
    window = Window()
    for seq in sorted(sent):
        window.add(outgoing(seq, "alarm"))
    send_due(window, 0)
    gone = data.draw(st.lists(st.sampled_from(sent), unique=True))
    window.confirm(window.under_way(ranges.from_sorted(sorted(gone))), 0)
    left = set(sent) - set(gone)
    for now_ms in range(0, 60_000, 500):
        again = send_due(window, now_ms)
        assert left.issuperset(again)
        left.difference_update(again)
        window.confirm([[seq, seq] for seq in sorted(again)], now_ms)
    assert not left


class WindowHistory(RuleBasedStateMachine):
    """Any order of loading, sending, broker answers, cuts and acks keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window()
        self.now_ms = 0
        self.next_seq = 1
        self.open: dict[int, OutLane] = {}
        self.ever_sent: set[int] = set()

    @rule(lane=st.sampled_from(["alarm", "reply", "data"]), size=st.integers(1, MOST_BYTES))
    def load(self, lane: OutLane, size: int) -> None:
        if self.window.room(lane):
            self.window.add(outgoing(self.next_seq, lane, size))
            self.open[self.next_seq] = lane
            self.next_seq += 1

    @rule(taken=st.booleans())
    def send(self, taken: bool) -> None:
        chosen = self.window.due(self.now_ms)
        lanes = [message.lane for message in chosen]
        assert lanes == sorted(lanes, key=LANES.index)
        for message in chosen:
            self.window.sent(message.seq, self.now_ms)
            self.ever_sent.add(message.seq)
            if taken:
                self.window.taken(message.seq, self.now_ms)

    @rule(place=st.integers(0, 4), how=st.sampled_from(["taken", "unheard", "refused"]))
    def answer(self, place: int, how: str) -> None:
        for seq in sorted(self.ever_sent)[place : place + 1]:
            if how == "refused":
                self.window.refused(seq, self.now_ms)
            else:
                self.window.taken(seq, self.now_ms, is_heard=how == "taken")

    @rule(seq=st.integers(1, 50))
    def drop(self, seq: int) -> None:
        if self.open.pop(seq, None):
            self.window.drop(seq)

    @rule(by_ms=st.integers(1, 70_000))
    def wait(self, by_ms: int) -> None:
        self.now_ms += by_ms

    @rule(is_kept=st.booleans())
    def reconnect(self, is_kept: bool) -> None:
        self.window.reconnected(self.now_ms, is_kept=is_kept)

    @rule(low=st.integers(0, 50), length=st.integers(0, 20))
    def acknowledge(self, low: int, length: int) -> None:
        ours = self.window.under_way([[low, low + length]])
        for seq in ranges.each(ours):
            assert seq in self.ever_sent
            del self.open[seq]
        self.window.confirm(ours, self.now_ms)

    @rule()
    def everything_open_is_sent_in_the_end(self) -> None:
        self.window.reconnected(self.now_ms, is_kept=False)
        self.now_ms += 120_000
        seen: set[int] = set()
        while chosen := self.window.due(self.now_ms):
            for message in chosen:
                self.window.sent(message.seq, self.now_ms)
                self.window.taken(message.seq, self.now_ms)
                self.ever_sent.add(message.seq)
                seen.add(message.seq)
        assert seen == set(self.open)

    @invariant()
    def the_window_is_bounded_and_holds_exactly_what_is_open(self) -> None:
        assert len(self.window) == len(self.open) <= WINDOW

    @invariant()
    def what_was_seen_before_is_what_is_to_be_seen_now(self) -> None:
        anew = copy.deepcopy(self.window)
        anew._look = None
        assert self.window.next_due_ms(self.now_ms) == anew.next_due_ms(self.now_ms)
        assert self.window.due(self.now_ms) == anew.due(self.now_ms)


TestWindowHistory = WindowHistory.TestCase
TestWindowHistory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
