"""What a cut line sends again, puts off or gives up; the broker kept our session, or did not."""

from haidang_gateway.uplink.pace import FIRST_BYTES
from haidang_gateway.uplink.window import Window
from window_kit import outgoing, send_due


def test_a_new_connection_is_a_line_that_nothing_is_known_of() -> None:
    window = Window()
    for seq in range(1, 30):
        window.add(outgoing(seq, size=FIRST_BYTES // 4))
        send_due(window, seq * 1000, taken=False)
        window.taken(seq, seq * 1000 + 5)
    assert window.pace.size(30_000) > FIRST_BYTES
    window.reconnected(30_000, is_kept=False)
    assert len(send_due(window, 30_000, taken=False)) == 4


def test_telemetry_that_lies_at_a_broker_which_kept_our_session_is_not_sent_again_at_once() -> (
    None
):
    window = Window()
    for seq in range(1, 6):
        window.add(outgoing(seq, "alarm" if seq == 5 else "data"))
    for message in window.due(0):
        window.sent(message.seq, 0)
    for seq in (1, 2, 5):
        window.taken(seq, 10)
    window.taken(3, 10, is_heard=False)
    window.reconnected(60_000, is_kept=True)
    assert send_due(window, 60_000) == [5, 3, 4], "an alarm, what nobody heard, what had no answer"
    window.confirm([[3, 5]], 60_100)
    assert send_due(window, 65_000) == []
    assert send_due(window, 65_100) == [1, 2], "overtaken"


def test_where_the_centre_says_nothing_a_kept_message_asks_for_it_as_ever() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(outgoing(seq))
    send_due(window, 0)
    for now_ms in (100_000, 110_000):
        window.reconnected(now_ms, is_kept=True)
        assert window.due(now_ms) == []
    assert window.next_due_ms(110_000) == 130_000
    assert send_due(window, 130_000) == [1]
    window.confirm([[1, 1]], 130_500)
    assert send_due(window, 135_500) == [2, 3]


def test_a_line_that_is_cut_again_and_again_puts_a_lost_message_off_once() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(outgoing(seq))
    send_due(window, 0)
    asked = []
    for now_ms in range(20_000, 200_000, 20_000):
        window.reconnected(now_ms, is_kept=True)
        asked += [(now_ms, seq) for seq in send_due(window, now_ms)]
    assert asked == [(60_000, 1), (140_000, 1)]
    window.confirm([[1, 1]], 180_100)
    window.reconnected(200_000, is_kept=True)
    assert send_due(window, 200_000) == [2, 3]


def test_all_that_the_broker_had_not_answered_is_sent_again_and_what_is_no_telemetry() -> None:
    window = Window()
    for seq in range(1, 6):
        window.add(outgoing(seq, "reply" if seq == 1 else "data"))
    for message in window.due(0):
        window.sent(message.seq, 0)
    for seq in (1, 2):
        window.taken(seq, 10)
    window.reconnected(1_000, is_kept=True)
    assert send_due(window, 1_000) == [1, 3, 4, 5]


def test_a_broker_that_has_lost_our_session_gets_all_of_it_again_at_once() -> None:
    window = Window()
    for seq in (1, 2, 3):
        window.add(outgoing(seq))
    send_due(window, 0)
    window.reconnected(1_000, is_kept=True)
    window.reconnected(2_000, is_kept=False)
    assert send_due(window, 2_000) == [1, 2, 3]


def test_the_time_of_an_outage_is_not_taken_for_the_centres() -> None:
    window = Window()
    window.add(outgoing(1))
    send_due(window, 0)
    window.reconnected(3_600_000, is_kept=True)
    window.confirm([[1, 1]], 3_600_100)
    for seq in (2, 3):
        window.add(outgoing(seq))
    send_due(window, 3_601_000)
    window.confirm([[3, 3]], 3_601_100)
    assert send_due(window, 3_606_100) == [2]


def test_no_outage_of_several_is_taken_for_the_centres_time() -> None:
    window = Window()
    window.add(outgoing(1))
    send_due(window, 0)
    for now_ms in (1_000, 25_000):
        window.reconnected(now_ms, is_kept=True)
    window.confirm([[1, 1]], 25_100)
    for seq in (2, 3):
        window.add(outgoing(seq))
    send_due(window, 26_000)
    window.confirm([[3, 3]], 26_100)
    assert send_due(window, 31_100) == [2]


def _hang_up_over(window: Window, seq: int, now_ms: int) -> tuple[int, int | None]:
    """Connections of which each takes what comes before `seq`; when and what was hopeless."""
    for _ in range(50):
        while seq not in (sent := [message.seq for message in window.due(now_ms)]):
            send_due(window, now_ms)
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
        window.add(outgoing(seq))
    now_ms, hopeless = _hang_up_over(window, 2, 0)
    assert hopeless == 2
    assert 30_000 <= now_ms <= 60_000


def test_the_only_message_over_which_a_broker_hangs_up_is_never_given_up() -> None:
    window = Window()
    window.add(outgoing(1, "alarm"))
    now_ms = 0
    for _ in range(500):
        assert send_due(window, now_ms, taken=False) == [1]
        assert window.reconnected(now_ms, is_kept=False) is None
        now_ms += 5000


def test_a_line_that_is_cut_once_delays_no_message() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq, "alarm"))
    send_due(window, 0, taken=False)
    assert window.reconnected(100, is_kept=False) is None
    assert send_due(window, 100) == [1, 2]


def test_what_lets_the_others_pass_is_sent_at_once_over_the_connection_after_that() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq, "alarm"))
    for now_ms in (0, 100):
        assert send_due(window, now_ms, taken=False) == [1, 2]
        window.reconnected(now_ms, is_kept=False)
    assert send_due(window, 100) == [2]
    window.reconnected(200, is_kept=False)
    assert 1 in send_due(window, 200)


def test_a_message_that_the_broker_took_is_not_blamed_for_cuts_of_long_ago() -> None:
    window = Window()
    for seq in (1, 2):
        window.add(outgoing(seq, "alarm"))
    for now_ms in range(0, 100_000_000, 1_000_000):
        send_due(window, now_ms)
        window.reconnected(now_ms + 1, is_kept=False)
        send_due(window, now_ms + 1, taken=False)
        assert window.reconnected(now_ms + 2, is_kept=False) is None
        assert send_due(window, now_ms + 2) == [1, 2]
