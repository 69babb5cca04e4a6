# heap: 2M
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


def test_alarms_that_nobody_acknowledges_give_their_places_to_a_fresh_one() -> None:
    outbox = _Outbox()
    for seq in range(40):
        outbox.add(ALARM, seq)
    window = _window(outbox)
    assert len(_drain(window, 0)) == 32
    outbox.add(ALARM, 100)
    assert _drain(window, 1000) == [], "packs that were just sent keep their places"
    # The first that was sent twice makes room; the backlog's others get none so soon.
    again = _drain(window, 2000)
    assert again[1] == 100
    assert set(again) == set(range(32)) | {100}
    outbox.add(ALARM, 101)
    assert _drain(window, 2001) == [101]
    assert len(window._on_way) == 32


def test_an_alarm_that_comes_now_overtakes_a_backlog_of_alarms() -> None:
    outbox = _Outbox()
    for seq in range(200):
        outbox.add(ALARM, seq)
    window = _window(outbox)
    assert _drain(window, 0) == list(range(32))
    outbox.add(ALARM, 200)
    outbox.freed.update(range(4))
    window.tidy()
    assert _drain(window, 10) == [200, 32, 33, 34]
    outbox.freed.update(range(200))
    window.tidy()
    assert _drain(window, 20) == [], "it is not sent twice when the backlog is read up to it"


def test_telemetry_that_nobody_acknowledges_lets_the_next_pass_after_a_minute() -> None:
    outbox = _Outbox()
    for seq in range(30):
        outbox.add(DATA, seq)
    window = _window(outbox)
    sent = set()
    now_ms = 0
    while now_ms < 126000:
        sent.update(_drain(window, now_ms))
        now_ms += 1000
        if now_ms == 60000:
            assert sent == set(range(24)), "no sooner: the gateway may be busy"
    assert sent == set(range(30))


class _Lcg:
    """Numbers that look random, the same on both interpreters."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 12) % limit


class _Life:
    """A window in use: packs come, most are acknowledged, some never, the connection restarts."""

    def __init__(self, seed):
        self.chance = _Lcg(seed)
        self.outbox = _Outbox()
        self.window = _window(self.outbox)
        self.now_ms = 0
        self.seq = 0
        # The gateway cannot read these.
        self.never = set()
        self.last_sent = {}
        self.unsent_alarms = {}

    def step(self):
        self.now_ms += 1000
        for _ in range(self.chance.below(3)):
            self._put()
        for sent in _drain(self.window, self.now_ms):
            self.last_sent[sent] = self.now_ms
            self.unsent_alarms.pop(sent, None)
            if sent not in self.never and self.chance.below(10):
                self.outbox.freed.add(sent)
        self.window.tidy()
        if self.chance.below(200) == 0:
            self.window.restart()

    def _put(self):
        lane = ALARM if self.chance.below(5) == 0 else DATA
        self.outbox.add(lane, self.seq)
        if self.chance.below(16) == 0:
            self.never.add(self.seq)
        if lane == ALARM:
            self.unsent_alarms[self.seq] = self.now_ms
        self.seq += 1


def test_whatever_happens_places_are_bounded_and_no_alarm_waits_for_another() -> None:
    for seed in range(6):
        life = _Life(seed * 7919 + 1)
        for _ in range(600):
            life.step()
            on_way = life.window._on_way
            assert len(on_way) <= 32
            assert sum([held.lane == DATA for held in on_way]) <= 24
            seqs = [held.seq for held in on_way]
            assert len(set(seqs)) == len(seqs), "none is on the way twice"
            for since_ms in life.unsent_alarms.values():
                assert life.now_ms - since_ms <= 4000


def test_whatever_happens_every_held_pack_has_its_turn_again() -> None:
    for seed in range(6):
        life = _Life(seed * 104729 + 5)
        for _ in range(600):
            life.step()
        for held in life.outbox.packs:
            if held.seq not in life.outbox.freed and held.seq < life.seq - 60:
                assert life.now_ms - life.last_sent[held.seq] <= 300000
