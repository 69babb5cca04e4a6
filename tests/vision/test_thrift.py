"""Which packets are decoded, and whose turn it is: pure rules of a shared processor."""

from itertools import pairwise

import pytest
from haidang_gateway.vision.thrift import Pile, Thrift
from haidang_gateway.vision.turns import Turns
from hypothesis import example, given
from hypothesis import strategies as st


def judged(thrift, seconds, *, gop_s, awake, fps=10, start_s=0.0):
    """What is done with each packet of a stream with a key frame every `gop_s`."""
    said = []
    for i in range(int(seconds * fps)):
        at_ms = int((start_s + i / fps) * 1000)
        said.append(thrift.judge(i % int(gop_s * fps) == 0, at_ms, awake=awake))
    return said


def test_while_nothing_is_up_only_key_frames_are_decoded():
    said = judged(Thrift(), 10, gop_s=2, awake=False)
    assert said.count("alone") == 5
    assert said.count("no") == 95


def test_a_key_frame_each_second_is_looked_at_each_second_though_it_comes_a_little_early():
    thrift = Thrift(idle_every_ms=1000)
    said = [thrift.judge(True, i * 1000 + i % 3 * 20, awake=False) for i in range(30)]
    assert said == ["alone"] * 30


def test_a_stream_of_key_frames_alone_is_thinned():
    said = judged(Thrift(idle_every_ms=1000), 10, gop_s=0.1, awake=False)
    assert 9 <= said.count("alone") <= 12


def test_waking_begins_at_a_key_frame_and_then_takes_all():
    thrift = Thrift()
    judged(thrift, 3, gop_s=2, awake=False)
    said = judged(thrift, 4, gop_s=2, awake=True, start_s=3)
    assert said == ["all"] * 40
    late = Thrift()
    late.judge(True, 0, awake=False)
    said = [late.judge(False, i * 100, awake=True) for i in range(1, 5)]
    assert said == ["no"] * 4, "without its key frame a picture is torn"
    assert late.judge(True, 500, awake=True) == "all"


@pytest.mark.parametrize("gop_s", [0.5, 1, 2])
def test_the_next_key_frame_that_is_looked_at_is_foreseen(gop_s):
    thrift, wanted_ms, foreseen = Thrift(idle_every_ms=1000), None, []
    for i in range(300):
        if thrift.judge(i % int(gop_s * 10) == 0, i * 100, awake=False) == "alone":
            foreseen.append((wanted_ms, i * 100))
        wanted_ms = thrift.next_ms()
    known = [pair for pair in foreseen if pair[0] is not None]
    assert len(known) >= len(foreseen) - 5
    assert all(expected == came for expected, came in known)


def test_of_key_frames_that_come_as_they_like_the_soonest_is_expected():
    thrift = Thrift(idle_every_ms=1000)
    for at_ms in (0, 2000, 4000, 6000):
        thrift.judge(True, at_ms, awake=False)
    assert thrift.next_ms() is None
    thrift.judge(True, 7200, awake=False)
    assert thrift.next_ms() == 8400


def test_a_stream_whose_key_frames_are_rare_is_decoded_whole():
    said = judged(Thrift(), 60, gop_s=10, awake=False)
    assert set(said[200:]) == {"all"}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000), st.booleans()), max_size=80))
def test_no_picture_is_decoded_without_the_ones_it_builds_on(packets):
    thrift, at_ms, whole = Thrift(), 0, False
    for is_key, step_ms, awake in packets:
        at_ms += step_ms
        said = thrift.judge(is_key, at_ms, awake=awake)
        assert said != "alone" or is_key
        assert said != "all" or is_key or whole, "a gap, and no key frame since"
        whole = said == "all"


def decoded(every_ms, *, fps, seconds=10, late_ms=(0,)):
    """The sizes of the piles that are decoded at once."""
    pile = Pile(0)
    return [
        len(pile.take())
        for i in range(int(seconds * fps))
        if pile.add(i, int(i * 1000 / fps) + late_ms[i % len(late_ms)], every_ms)
    ]


@pytest.mark.parametrize(("fps", "at_once"), [(15, 3), (25, 5), (10, 2), (5, 1)])
def test_what_nobody_looks_at_is_decoded_with_what_is(fps, at_once):
    sizes = decoded(200, fps=fps, late_ms=(0, 9, 3))
    assert sizes[0] == 1
    assert len(sizes) >= 48
    assert set(sizes[2:]) <= {at_once, at_once + 1, max(1, at_once - 1)}
    assert decoded(0, fps=fps) == [1] * (10 * fps)


@given(st.lists(st.integers(0, 500), max_size=100), st.integers(0, 1000))
def test_no_packet_is_lost_or_moved_in_a_pile(steps, every_ms):
    pile, at_ms, taken = Pile(0), 0, []
    for number, step_ms in enumerate(steps):
        at_ms += step_ms
        if pile.add(number, at_ms, every_ms):
            taken += pile.take()
    assert taken + pile.take() == list(range(len(steps)))


@pytest.mark.parametrize(("at_ms", "in_time"), [(179, False), (180, True), (200, True)])
def test_a_packet_that_comes_a_tenth_of_the_time_too_early_is_in_time(at_ms, in_time):
    pile = Pile(0)
    assert pile.add("first", 0, 200)
    assert pile.add("second", at_ms, 200) == in_time


def test_who_looked_at_nothing_for_an_hour_makes_up_for_none_of_it():
    pile, hour_ms = Pile(0), 3_600_000
    at_once = [pile.add(i, hour_ms + i * 20, 200) for i in range(100)]
    assert at_once.count(True) <= 12


def looks(every_ms, *, fps, gop, first=0, seconds=30, late_ms=(0,)):
    """Times of looks and how many packets were decoded, where each `gop`th needs none before."""
    pile, at, decoded_packets = Pile(0), [], 0
    for i in range(first, first + int(seconds * fps)):
        now_ms = int((i - first) * 1000 / fps) + late_ms[i % len(late_ms)]
        if i % gop == 0:
            pile.begin_anew(now_ms, every_ms)
        if pile.add(i, now_ms, every_ms):
            at.append(now_ms)
            decoded_packets += len(pile.take())
    return at, decoded_packets


@pytest.mark.parametrize("first", range(15))
def test_looks_fall_into_step_with_the_packets_that_need_none_before(first):
    at, decoded_packets = looks(200, fps=15, gop=15, first=first)
    assert len(at) >= 148
    assert max(after - before for before, after in pairwise(at)) <= 334
    assert decoded_packets <= 13 * 30 + 15, "two of each fifteen are looked at by nobody"


@pytest.mark.parametrize("fps", [14.8, 15.2])
def test_where_such_packets_come_a_little_off_the_pace_of_looks_that_gives_way(fps):
    at, decoded_packets = looks(200, fps=fps, gop=15)
    assert len(at) == pytest.approx(150, abs=4)
    assert decoded_packets <= 13 * 30 + 15


def test_packets_that_come_a_little_early_or_late_fall_into_step_too():
    at, decoded_packets = looks(200, fps=15, gop=15, late_ms=(9, 0, 3, 6))
    assert len(at) >= 148
    assert decoded_packets <= 13 * 30 + 15


@example(23, 5, 0)
@example(27, 5, 0)
@example(60, 60, 7)
@given(st.integers(8, 60), st.integers(5, 60), st.integers(0, 60))
def test_the_pace_of_looks_stays_whatever_the_distance_of_such_packets(fps, gop, first):
    at, _ = looks(200, fps=fps, gop=gop, first=first, seconds=60)
    steady, _ = looks(200, fps=fps, gop=10**9, first=1, seconds=60)
    assert 0.98 * len(steady) - 2 <= len(at) <= 1.02 * len(steady) + 2


@pytest.mark.parametrize(("ago_ms", "again"), [(10, False), (90, False), (110, True), (190, True)])
def test_where_half_a_period_has_not_passed_a_new_beginning_waits_for_the_next(ago_ms, again):
    pile = Pile(0)
    pile.begin_anew(0, 200)
    while pile.add("older", 1000 - ago_ms, 200):
        pile.take()
    assert pile.begin_anew(1000, 200) == 1
    assert pile.add("anew", 1000, 200) == again
    assert pile.add("next", 1200, 200)


def test_where_each_packet_is_looked_at_a_new_beginning_changes_nothing():
    at, decoded_packets = looks(0, fps=15, gop=15, first=1)
    assert len(at) == decoded_packets == 15 * 30


def test_of_pictures_that_need_none_before_only_those_that_are_looked_at_are_decoded():
    at, decoded_packets = looks(200, fps=15, gop=1)
    assert decoded_packets == len(at) >= 148


def run(turns, ready, seconds, *, period_ms, cost_ms):
    """How often each camera had its turn, when each look takes `cost_ms`."""
    now_ms, had = 0, dict.fromkeys(ready, 0)
    while now_ms < seconds * 1000:
        camera = turns.pick(ready, now_ms)
        if camera is None:
            now_ms += max(1, turns.wait_ms(ready, now_ms))
            continue
        had[camera] += 1
        now_ms += cost_ms
        turns.done(camera, period_ms[camera], now_ms)
    return had


def test_cameras_have_their_turns_at_their_own_pace():
    had = run(Turns("ab", 0), ["a", "b"], 100, period_ms={"a": 1000, "b": 200}, cost_ms=10)
    assert had["a"] == pytest.approx(100, abs=2)
    assert had["b"] == pytest.approx(500, abs=5)


def taken(came_ms, *, period_ms, cost_ms=40):
    """How long each picture waits, where a newer one takes an older one's place."""
    turns, now_ms, waits = Turns("a", 0), 0, []
    for i, at_ms in enumerate(came_ms):
        next_ms = came_ms[i + 1] if i + 1 < len(came_ms) else at_ms + period_ms
        if at_ms > now_ms:
            turns.pick([], now_ms)
            now_ms = at_ms
        if turns.pick("a", now_ms) is None:
            now_ms += turns.wait_ms("a", now_ms)
        if now_ms < next_ms:
            assert turns.pick("a", now_ms) == "a"
            waits.append(now_ms - at_ms)
            now_ms += cost_ms
            turns.done("a", period_ms, now_ms)
    return waits


@pytest.mark.parametrize("earlier_ms", range(0, 200, 20))
def test_pictures_at_the_right_pace_soon_need_not_wait_for_their_turn(earlier_ms):
    came_ms = [i * 200 - (earlier_ms if i >= 10 else 0) + i * 7 % 3 for i in range(200)]
    waits = taken(came_ms, period_ms=200)
    assert len(waits) >= 199
    assert max(waits[75:]) <= 2


def test_pictures_that_come_now_early_now_late_soon_need_not_wait_either():
    came_ms = [i * 200 + i * 37 % 31 for i in range(300)]
    assert max(taken(came_ms, period_ms=200)[75:]) <= 2


def test_half_of_its_time_too_early_is_in_time():
    turns = Turns("a", 0)
    assert turns.pick("a", 0) == "a"
    turns.done("a", 200, 0)
    assert turns.pick("a", 99) is None
    assert turns.wait_ms("a", 70) == 30
    assert turns.pick("a", 100) == "a"
    assert turns.wait_ms("a", 150) == 0


def test_a_camera_without_pictures_for_once_has_no_faster_turns_later():
    turns = Turns("a", 0)
    assert turns.pick([], 0) is None
    had = run(turns, ["a"], 100, period_ms={"a": 200}, cost_ms=10)
    assert had["a"] == pytest.approx(500, abs=3)


@given(st.integers(7, 60), st.integers(0, 190))
def test_pictures_that_come_faster_are_taken_at_the_cameras_pace(fps, cost_ms):
    came_ms = [int(i * 1000 / fps) for i in range(60 * fps)]
    assert len(taken(came_ms, period_ms=200, cost_ms=cost_ms)) <= 60 * 5 * 1.05 + 3


@given(st.integers(2, 6), st.integers(50, 400))
def test_nobody_starves_when_there_is_too_much_to_do(count, cost_ms):
    names = [f"c{i}" for i in range(count)]
    period_ms = {name: 40 if i == 0 else 100 for i, name in enumerate(names)}
    had = run(Turns(names, 0), names, 120, period_ms=period_ms, cost_ms=cost_ms)
    assert min(had.values()) >= max(had.values()) - 2 or cost_ms * count < 100


def test_who_was_away_gets_one_turn_and_no_arrears():
    turns = Turns(["a", "b"], 0)
    turns.done("b", 100, 10_000)
    assert turns.pick(["a", "b"], 10_000) == "a"
    turns.done("a", 100, 10_010)
    assert turns.pick(["a"], 10_009) is None
    assert turns.wait_ms([], 0) is None
