"""The sending window: alarms first, places kept for them, only what is missing comes again."""

from haidang_node.outbox import ALARM, DATA, Held, Place
from haidang_node.window import Window


class _Outbox:
    """The outbox's reading side over a list."""

    def __init__(self):
        self.packs = []
        self.freed = set()

    def add(self, lane, seq):
        self.packs.append(Held(lane, 0, seq))

    def next(self, lane, place):
        for held in self.packs:
            if held.lane == lane and held.seq > place.loose and held.seq not in self.freed:
                place.loose = held.seq
                return held
        return None

    def end(self, lane):
        place = Place()
        for held in self.packs:
            if held.lane == lane:
                place.loose = held.seq
        return place

    def is_held(self, held):
        return held.seq not in self.freed


def _window(outbox):
    return Window(outbox, 32, 8, 2000, 60000)


def _drain(window, now_ms):
    seqs = []
    while True:
        held = window.next(now_ms)
        if held is None:
            return seqs
        window.sent(held, 100 + held.seq, now_ms)
        seqs.append(held.seq)


def test_alarms_overtake_telemetry_and_find_a_place_when_it_fills_the_window() -> None:
    outbox = _Outbox()
    for seq in range(100):
        outbox.add(DATA, seq)
    window = _window(outbox)
    assert _drain(window, 0) == list(range(24))
    for seq in range(200, 220):
        outbox.add(ALARM, seq)
    assert _drain(window, 1) == list(range(200, 208))
    outbox.freed.add(200)
    outbox.freed.add(0)
    window.tidy()
    # One place came free on each side: the alarm takes the first, telemetry waits for alarms.
    assert _drain(window, 2) == [208, 209]


def test_only_missing_packs_come_again_later_each_time() -> None:
    outbox = _Outbox()
    for seq in range(3):
        outbox.add(DATA, seq)
    window = _window(outbox)
    assert _drain(window, 0) == [0, 1, 2]
    outbox.freed.add(1)
    window.tidy()
    assert _drain(window, 1999) == []
    assert window.wait_ms(1999, 1000) == 1
    assert _drain(window, 2000) == [0, 2]
    assert _drain(window, 5999) == []
    assert _drain(window, 6000) == [0, 2]
    now_ms = 6000
    for delay_ms in (8000, 16000, 32000, 60000, 60000):
        assert _drain(window, now_ms + delay_ms - 1) == []
        now_ms += delay_ms
        assert _drain(window, now_ms) == [0, 2]


def test_a_due_alarm_goes_before_due_telemetry() -> None:
    outbox = _Outbox()
    outbox.add(DATA, 0)
    window = _window(outbox)
    _drain(window, 0)
    outbox.add(ALARM, 1)
    _drain(window, 1)
    assert _drain(window, 2001) == [1, 0]


def test_a_restart_sends_all_that_is_held_at_once() -> None:
    outbox = _Outbox()
    for seq in range(3):
        outbox.add(DATA, seq)
    window = _window(outbox)
    _drain(window, 0)
    outbox.freed.add(0)
    window.restart()
    assert _drain(window, 1) == [1, 2]


def test_a_refused_pack_is_found_by_its_packet_id() -> None:
    outbox = _Outbox()
    outbox.add(DATA, 5)
    window = _window(outbox)
    _drain(window, 0)
    assert window.refused(105).seq == 5
    assert window.refused(1) is None
