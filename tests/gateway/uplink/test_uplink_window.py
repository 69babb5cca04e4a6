"""What goes first, what is sent again and when, and what an acknowledgement may delete."""

import copy
import itertools

from haidang_gateway.batch import Outgoing
from haidang_gateway.model import OutLane
from haidang_gateway.uplink.pace import FIRST_BYTES, MOST_BYTES
from haidang_gateway.uplink.window import ALARM_PLACES, LANES, WINDOW, Window
from haidang_wire import ranges
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule


def _message(seq: int, lane: OutLane = "data", size: int = 10) -> Outgoing:
    return Outgoing(
        destination="centre",
        seq=seq,
        lane=lane,
        topic=f"t/{seq}",
        payload=b"x" * size,
        created_ms=0,
    )


def _send(window: Window, now_ms: int, *, taken: bool = True) -> list[int]:
    seqs = [message.seq for message in window.due(now_ms)]
    for seq in seqs:
        window.sent(seq, now_ms)
        if taken:
            window.taken(seq, now_ms)
    return seqs


def test_an_alarm_goes_before_data_that_waited_longer() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq))
    window.add(_message(3, "alarm"))
    assert _send(window, 0) == [3, 1, 2]


def test_data_leaves_places_for_alarms() -> None:
    window = Window()
    for seq in range(1, window.room("data") + 1):
        window.add(_message(seq))
    assert window.room("data") == 0
    assert window.room("alarm") == ALARM_PLACES
    assert len(window) + ALARM_PLACES == WINDOW


def test_what_is_no_alarm_is_bounded_in_bytes_on_its_way_and_an_alarm_is_not_held_back() -> None:
    window = Window()
    half = FIRST_BYTES // 2
    lanes: list[OutLane] = ["reply", "data", "reply", "data", "data"]
    for seq, lane in enumerate(lanes, 1):
        window.add(_message(seq, lane, size=half))
    assert _send(window, 0, taken=False) == [1, 3]
    window.add(_message(6, "alarm", size=MOST_BYTES))
    assert _send(window, 0, taken=False) == [6]
    window.taken(1, 200)
    assert _send(window, 200, taken=False) == [2]


def test_a_message_larger_than_the_bound_still_goes_out_alone() -> None:
    window = Window()
    window.add(_message(1, size=MOST_BYTES * 2))
    window.add(_message(2))
    assert _send(window, 0, taken=False) == [1]


def _sendings(window: Window, seq: int, until_ms: int) -> list[int]:
    return [now for now in range(0, until_ms, 500) if seq in _send(window, now)]


def _waits(times: list[int]) -> list[int]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def test_the_oldest_alarm_asks_every_five_seconds_whether_the_centre_is_back() -> None:
    window = Window()
    window.add(_message(1, "alarm"))
    waits = _waits(_sendings(window, 1, 60_000))
    assert waits[:2] == [2000, 4000]
    assert set(waits[2:]) == {5000}


def test_telemetry_asks_after_half_a_minute_and_then_once_a_minute() -> None:
    window = Window()
    window.add(_message(1))
    assert _waits(_sendings(window, 1, 240_000)) == [30_000, 60_000, 60_000, 60_000]


def test_while_the_centre_says_nothing_only_the_oldest_of_each_lane_asks() -> None:
    window = Window()
    for seq, lane in enumerate(("alarm", "alarm", "data", "data", "reply", "reply"), 1):
        window.add(_message(seq, lane))
    _send(window, 0)
    again = {seq for now in range(500, 600_000, 500) for seq in _send(window, now)}
    assert again == {1, 3, 5}


def test_a_centre_that_was_stopped_gets_nothing_twice_but_what_asked_for_it() -> None:
    window = Window()
    for seq in range(1, 60):
        window.add(_message(seq))
    _send(window, 0)
    asked = [seq for now in range(500, 40_000, 500) for seq in _send(window, now)]
    assert asked == [1]
    # It is back, and reads in turn what its broker kept: slowly.
    for seq in range(1, 60):
        window.confirm([[seq, seq]], 40_000 + seq * 3000)
        assert _send(window, 40_000 + seq * 3000 + 2900) == []


def test_what_is_lost_beside_what_the_centre_has_is_sent_again_with_doubling_waits() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(_message(seq, "alarm"))
    _send(window, 0)
    window.confirm([[1, 1], [3, 3]], 100)
    times = [now for now in range(0, 300_000, 100) if _send(window, now) == [2]]
    assert times[0] == 2100
    assert _waits(times)[:3] == [4000, 5000, 5000], "then it is the oldest, and asks"


def test_all_that_was_overtaken_is_sent_again_not_the_oldest_alone() -> None:
    window = Window()
    for seq in range(1, 6):
        window.add(_message(seq, "alarm"))
    _send(window, 0)
    window.confirm([[4, 4]], 100)
    assert _send(window, 2000) == []
    assert _send(window, 2100) == [1, 2, 3], "and not the fifth, which nothing has overtaken"


def test_what_was_given_to_nobody_asks_although_an_older_one_was_heard() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq))
    for message in window.due(0):
        window.sent(message.seq, 0)
        window.taken(message.seq, 0, is_heard=message.seq == 1)
    assert _send(window, 2000) == [2]


def test_a_refused_message_keeps_no_other_from_asking() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq, "alarm"))
    for message in window.due(0):
        window.sent(message.seq, 0)
    window.refused(1, 0)
    window.taken(2, 0)
    assert 2 in _send(window, 2000)


def test_a_new_connection_is_a_line_that_nothing_is_known_of() -> None:
    window = Window()
    for seq in range(1, 30):
        window.add(_message(seq, size=FIRST_BYTES // 4))
        _send(window, seq * 1000, taken=False)
        window.taken(seq, seq * 1000 + 5)
    assert window.pace.size(30_000) > FIRST_BYTES
    window.reconnected(30_000, is_kept=False)
    assert len(_send(window, 30_000, taken=False)) == 4


def test_telemetry_that_lies_at_a_broker_which_kept_our_session_is_not_sent_again_at_once() -> (
    None
):
    window = Window()
    for seq in range(1, 6):
        window.add(_message(seq, "alarm" if seq == 5 else "data"))
    for message in window.due(0):
        window.sent(message.seq, 0)
    for seq in (1, 2, 5):
        window.taken(seq, 10)
    window.taken(3, 10, is_heard=False)
    window.reconnected(60_000, is_kept=True)
    assert _send(window, 60_000) == [5, 3, 4], "an alarm, what nobody heard, what had no answer"
    window.confirm([[3, 5]], 60_100)
    assert _send(window, 65_000) == []
    assert _send(window, 65_100) == [1, 2], "overtaken"


def test_where_the_centre_says_nothing_a_kept_message_asks_for_it_as_ever() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(_message(seq))
    _send(window, 0)
    for now_ms in (100_000, 110_000):
        window.reconnected(now_ms, is_kept=True)
        assert window.due(now_ms) == []
    assert window.next_due_ms(110_000) == 130_000
    assert _send(window, 130_000) == [1]
    window.confirm([[1, 1]], 130_500)
    assert _send(window, 135_500) == [2, 3]


def test_a_line_that_is_cut_again_and_again_puts_a_lost_message_off_once() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(_message(seq))
    _send(window, 0)
    asked = []
    for now_ms in range(20_000, 200_000, 20_000):
        window.reconnected(now_ms, is_kept=True)
        asked += [(now_ms, seq) for seq in _send(window, now_ms)]
    assert asked == [(60_000, 1), (140_000, 1)]
    window.confirm([[1, 1]], 180_100)
    window.reconnected(200_000, is_kept=True)
    assert _send(window, 200_000) == [2, 3]


def test_all_that_the_broker_had_not_answered_is_sent_again_and_what_is_no_telemetry() -> None:
    window = Window()
    for seq in range(1, 6):
        window.add(_message(seq, "reply" if seq == 1 else "data"))
    for message in window.due(0):
        window.sent(message.seq, 0)
    for seq in (1, 2):
        window.taken(seq, 10)
    window.reconnected(1_000, is_kept=True)
    assert _send(window, 1_000) == [1, 3, 4, 5]


def test_a_broker_that_has_lost_our_session_gets_all_of_it_again_at_once() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(_message(seq))
    _send(window, 0)
    window.reconnected(1_000, is_kept=True)
    window.reconnected(2_000, is_kept=False)
    assert _send(window, 2_000) == [1, 2, 3]


def test_the_time_of_an_outage_is_not_taken_for_the_centres() -> None:
    window = Window()
    window.add(_message(1))
    _send(window, 0)
    window.reconnected(3_600_000, is_kept=True)
    window.confirm([[1, 1]], 3_600_100)
    for seq in (2, 3):
        window.add(_message(seq))
    _send(window, 3_601_000)
    window.confirm([[3, 3]], 3_601_100)
    assert _send(window, 3_606_100) == [2]


def test_no_outage_of_several_is_taken_for_the_centres_time() -> None:
    window = Window()
    window.add(_message(1))
    _send(window, 0)
    for now_ms in (1_000, 25_000):
        window.reconnected(now_ms, is_kept=True)
    window.confirm([[1, 1]], 25_100)
    for seq in (2, 3):
        window.add(_message(seq))
    _send(window, 26_000)
    window.confirm([[3, 3]], 26_100)
    assert _send(window, 31_100) == [2]


def test_what_was_lost_with_all_before_it_is_sent_again_behind_the_answer_to_the_oldest() -> None:
    window = Window()
    for seq in range(1, 5):
        window.add(_message(seq))
    _send(window, 0)
    assert _send(window, 30_000) == [1]
    window.confirm([[1, 1]], 30_500)
    assert _send(window, 35_000) == []
    assert _send(window, 35_500) == [2, 3, 4]


def test_what_an_alarm_overtook_is_not_taken_for_lost() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq))
    _send(window, 0)
    window.add(_message(3, "alarm"))
    _send(window, 10)
    window.confirm([[3, 3]], 20)
    assert [now for now in range(0, 30_000, 100) if _send(window, now)] == []


def test_a_centre_that_takes_long_is_given_longer() -> None:
    window = Window()
    for seq in range(1, 41):
        window.add(_message(seq, "alarm"))
        _send(window, seq * 10_000)
        window.confirm([[seq, seq]], seq * 10_000 + (1500 if seq < 5 else 1500 + seq * 200))
    window.add(_message(41, "alarm"))
    _send(window, 500_000)
    assert _send(window, 509_500) == []
    assert _send(window, 520_000) == [41]


def test_what_was_sent_twice_tells_nothing_of_how_long_the_centre_takes() -> None:
    window = Window()
    window.add(_message(1, "alarm"))
    _send(window, 0)
    _send(window, 2000)
    window.confirm([[1, 1]], 62_000)
    window.add(_message(2, "alarm"))
    _send(window, 100_000)
    assert _send(window, 102_000) == [2]


def test_what_was_given_to_nobody_goes_out_at_once_when_somebody_is_there() -> None:
    window = Window()
    for seq in range(1, 5):
        window.add(_message(seq))
    for message in window.due(0):
        window.sent(message.seq, 0)
        window.taken(message.seq, 0, is_heard=False)
    for now_ms in (2000, 6000, 11_000, 16_000):
        assert _send(window, now_ms - 500) == []
        assert _send(window, now_ms, taken=False) == [1], "the oldest asks"
        window.taken(1, now_ms, is_heard=False)
    assert _send(window, 21_000, taken=False) == [1]
    window.taken(1, 21_050)
    assert _send(window, 21_050) == [2, 3, 4]


def test_nothing_is_sent_twice_while_it_is_on_its_way_to_the_broker() -> None:
    window = Window()
    window.add(_message(1))
    _send(window, 0, taken=False)
    assert _send(window, 10_000_000) == []
    assert window.next_due_ms(0) is None
    window.reconnected(0, is_kept=False)
    assert _send(window, 10_000_000) == [1]


def _hang_up_over(window: Window, seq: int, now_ms: int) -> tuple[int, int | None]:
    """Connections of which each takes what comes before `seq`; when and what was hopeless."""
    for _ in range(50):
        while seq not in (sent := [message.seq for message in window.due(now_ms)]):
            _send(window, now_ms)
            now_ms += 1000
        for one in sent:
            window.sent(one, now_ms)
        for one in sent[: sent.index(seq)]:
            window.taken(one, now_ms)
        if hopeless := window.reconnected(now_ms, is_kept=False):
            return now_ms, hopeless
    raise AssertionError("never hopeless")


def test_a_message_over_which_a_broker_hangs_up_again_and_again_is_hopeless() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(_message(seq))
    now_ms, hopeless = _hang_up_over(window, 2, 0)
    assert hopeless == 2
    assert 30_000 <= now_ms <= 60_000


def test_the_only_message_over_which_a_broker_hangs_up_is_never_given_up() -> None:
    window = Window()
    window.add(_message(1, "alarm"))
    now_ms = 0
    for _ in range(500):
        assert _send(window, now_ms, taken=False) == [1]
        assert window.reconnected(now_ms, is_kept=False) is None
        now_ms += 5000


def test_a_line_that_is_cut_once_delays_no_message() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq, "alarm"))
    _send(window, 0, taken=False)
    assert window.reconnected(100, is_kept=False) is None
    assert _send(window, 100) == [1, 2]


def test_what_lets_the_others_pass_is_sent_at_once_over_the_connection_after_that() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq, "alarm"))
    for now_ms in (0, 100):
        assert _send(window, now_ms, taken=False) == [1, 2]
        window.reconnected(now_ms, is_kept=False)
    assert _send(window, 100) == [2]
    window.reconnected(200, is_kept=False)
    assert 1 in _send(window, 200)


def test_a_message_that_the_broker_took_is_not_blamed_for_cuts_of_long_ago() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(_message(seq, "alarm"))
    for now_ms in range(0, 100_000_000, 1_000_000):
        _send(window, now_ms)
        window.reconnected(now_ms + 1, is_kept=False)
        _send(window, now_ms + 1, taken=False)
        assert window.reconnected(now_ms + 2, is_kept=False) is None
        assert _send(window, now_ms + 2) == [1, 2]


def test_an_acknowledgement_of_what_was_never_sent_confirms_nothing() -> None:
    window = Window()
    for seq in (5, 6):
        window.add(_message(seq))
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
        window.add(_message(seq, "alarm"))
    _send(window, 0)
    gone = data.draw(st.lists(st.sampled_from(sent), unique=True))
    window.confirm(window.under_way(ranges.from_sorted(sorted(gone))), 0)
    left = set(sent) - set(gone)
    for now_ms in range(0, 60_000, 500):
        again = _send(window, now_ms)
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
            self.window.add(_message(self.next_seq, lane, size))
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


def test_an_answer_to_the_centre_goes_before_data_and_after_alarms() -> None:
    window = Window()
    window.add(_message(1))
    window.add(_message(2, "reply", size=FIRST_BYTES - 10))
    window.add(_message(3, "alarm"))
    assert _send(window, 0) == [3, 2, 1]
