"""When a message is sent again: the oldest asks for the centre, what was overtaken goes out."""

import itertools

from haidang_gateway.uplink.window import Window
from window_kit import outgoing, send_due


def _sendings(window: Window, seq: int, until_ms: int) -> list[int]:
    return [now for now in range(0, until_ms, 500) if seq in send_due(window, now)]


def _waits(times: list[int]) -> list[int]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def test_the_oldest_alarm_asks_every_five_seconds_whether_the_centre_is_back() -> None:
    window = Window()
    window.add(outgoing(1, "alarm"))
    waits = _waits(_sendings(window, 1, 60_000))
    assert waits[:2] == [2000, 4000]
    assert set(waits[2:]) == {5000}


def test_telemetry_asks_after_half_a_minute_and_then_once_a_minute() -> None:
    window = Window()
    window.add(outgoing(1))
    assert _waits(_sendings(window, 1, 240_000)) == [30_000, 60_000, 60_000, 60_000]


def test_while_the_centre_says_nothing_only_the_oldest_of_each_lane_asks() -> None:
    window = Window()
    for seq, lane in enumerate(("alarm", "alarm", "data", "data", "reply", "reply"), 1):
        window.add(outgoing(seq, lane))
    send_due(window, 0)
    again = {seq for now in range(500, 600_000, 500) for seq in send_due(window, now)}
    assert again == {1, 3, 5}


def test_a_centre_that_was_stopped_gets_nothing_twice_but_what_asked_for_it() -> None:
    window = Window()
    for seq in range(1, 60):
        window.add(outgoing(seq))
    send_due(window, 0)
    asked = [seq for now in range(500, 40_000, 500) for seq in send_due(window, now)]
    assert asked == [1]
    # It is back, and reads in turn what its broker kept: slowly.
    for seq in range(1, 60):
        window.confirm([[seq, seq]], 40_000 + seq * 3000)
        assert send_due(window, 40_000 + seq * 3000 + 2900) == []


def test_what_was_given_to_nobody_asks_although_an_older_one_was_heard() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq))
    for message in window.due(0):
        window.sent(message.seq, 0)
        window.taken(message.seq, 0, is_heard=message.seq == 1)
    assert send_due(window, 2000) == [2]


def test_what_was_given_to_nobody_goes_out_at_once_when_somebody_is_there() -> None:
    window = Window()
    for seq in range(1, 5):
        window.add(outgoing(seq))
    for message in window.due(0):
        window.sent(message.seq, 0)
        window.taken(message.seq, 0, is_heard=False)
    for now_ms in (2000, 6000, 11_000, 16_000):
        assert send_due(window, now_ms - 500) == []
        assert send_due(window, now_ms, taken=False) == [1], "the oldest asks"
        window.taken(1, now_ms, is_heard=False)
    assert send_due(window, 21_000, taken=False) == [1]
    window.taken(1, 21_050)
    assert send_due(window, 21_050) == [2, 3, 4]


def test_a_refused_message_keeps_no_other_from_asking() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq, "alarm"))
    for message in window.due(0):
        window.sent(message.seq, 0)
    window.refused(1, 0)
    window.taken(2, 0)
    assert 2 in send_due(window, 2000)


def test_nothing_is_sent_twice_while_it_is_on_its_way_to_the_broker() -> None:
    window = Window()
    window.add(outgoing(1))
    send_due(window, 0, taken=False)
    assert send_due(window, 10_000_000) == []
    assert window.next_due_ms(0) is None
    window.reconnected(0, is_kept=False)
    assert send_due(window, 10_000_000) == [1]


def test_what_is_lost_beside_what_the_centre_has_is_sent_again_with_doubling_waits() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(outgoing(seq, "alarm"))
    send_due(window, 0)
    window.confirm([[1, 1], [3, 3]], 100)
    times = [now for now in range(0, 300_000, 100) if send_due(window, now) == [2]]
    assert times[0] == 2100
    assert _waits(times)[:3] == [4000, 5000, 5000], "then it is the oldest, and asks"


def test_all_that_was_overtaken_is_sent_again_not_the_oldest_alone() -> None:
    window = Window()
    for seq in range(1, 6):
        window.add(outgoing(seq, "alarm"))
    send_due(window, 0)
    window.confirm([[4, 4]], 100)
    assert send_due(window, 2000) == []
    assert send_due(window, 2100) == [1, 2, 3], "and not the fifth, which nothing has overtaken"


def test_what_was_lost_with_all_before_it_is_sent_again_behind_the_answer_to_the_oldest() -> None:
    window = Window()
    for seq in range(1, 5):
        window.add(outgoing(seq))
    send_due(window, 0)
    assert send_due(window, 30_000) == [1]
    window.confirm([[1, 1]], 30_500)
    assert send_due(window, 35_000) == []
    assert send_due(window, 35_500) == [2, 3, 4]


def test_what_an_alarm_overtook_is_not_taken_for_lost() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq))
    send_due(window, 0)
    window.add(outgoing(3, "alarm"))
    send_due(window, 10)
    window.confirm([[3, 3]], 20)
    assert [now for now in range(0, 30_000, 100) if send_due(window, now)] == []


def test_a_centre_that_takes_long_is_given_longer() -> None:
    window = Window()
    for seq in range(1, 41):
        window.add(outgoing(seq, "alarm"))
        send_due(window, seq * 10_000)
        window.confirm([[seq, seq]], seq * 10_000 + (1500 if seq < 5 else 1500 + seq * 200))
    window.add(outgoing(41, "alarm"))
    send_due(window, 500_000)
    assert send_due(window, 509_500) == []
    assert send_due(window, 520_000) == [41]


def test_what_was_sent_twice_tells_nothing_of_how_long_the_centre_takes() -> None:
    window = Window()
    window.add(outgoing(1, "alarm"))
    send_due(window, 0)
    send_due(window, 2000)
    window.confirm([[1, 1]], 62_000)
    window.add(outgoing(2, "alarm"))
    send_due(window, 100_000)
    assert send_due(window, 102_000) == [2]
