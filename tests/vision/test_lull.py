"""Packets are read together where nobody waits for each, and no look comes later for it. Pure."""

import numpy as np
import pytest
from haidang_gateway.vision.lull import Arrivals, Lull, Schedule
from haidang_gateway.vision.thrift import Pile, Thrift
from hypothesis import given
from hypothesis import strategies as st

SECONDS = 40


def stream(fps, *, jitter_ms=0, pace=1.0, begins_ms=123_456.0, seconds=SECONDS):
    """Packets as (stamp, time of arrival); the stamps' clock runs `pace` times ours."""
    draw, last = np.random.default_rng(1), 0.0
    for i in range(int(seconds * fps)):
        at_ms = i * 1000 / fps
        last = max(last, 5_000 + at_ms + float(draw.uniform(0, jitter_ms)))
        yield begins_ms + at_ms * pace, last


class Reader:
    """Reads a stream as the camera does, on a simulated clock."""

    def __init__(self, packets, *, every_ms, awake, size=8_000, keys=(), key_size=8_000):
        self.now_ms, self.wakings, self.looks, self.lags = 0.0, 0, [], []
        arrivals, lull = Arrivals(), Lull()
        pile, thrift = Pile(0), Thrift()
        for number, (stamp_ms, arrives_ms) in enumerate(packets):
            if arrives_ms > self.now_ms:
                self.now_ms, self.wakings = arrives_ms, self.wakings + 1
            now_ms = int(self.now_ms)
            came_ms = arrivals.came_ms(stamp_ms, now_ms)
            assert came_ms <= now_ms
            if awake and pile.add(stamp_ms, came_ms, every_ms):
                pile.take()
                self.looks.append(now_ms)
                self.lags.append(now_ms - arrives_ms)
            elif not awake:
                self.lags.append(now_ms - arrives_ms)
                if thrift.judge(number in keys, came_ms, awake=False) == "alone":
                    self.looks.append((number, now_ms - arrives_ms))
            is_key = number in keys
            lull.note(came_ms, key_size if is_key else size, is_key=is_key)
            if arrivals.trusted:
                wanted_ms = pile.wanted_ms(every_ms) if awake else thrift.next_ms()
                pause_ms = lull.pause_ms(now_ms, wanted_ms, asleep=not awake)
                self.now_ms += pause_ms
                self.wakings += pause_ms > 0
        self.trusted = arrivals.trusted


@pytest.mark.parametrize(("fps", "once_for"), [(15, 2.4), (25, 3.5), (30, 4.2)])
def test_while_looks_are_taken_a_waking_brings_all_packets_of_one(fps, once_for):
    reader = Reader(stream(fps), every_ms=200, awake=True)
    assert reader.wakings < SECONDS * fps / once_for + 6 * fps
    assert len(reader.looks) >= 4.9 * SECONDS
    assert max(reader.lags) <= 5
    assert max(np.diff(reader.looks)) <= 200 + 1000 / fps


def test_while_nothing_is_up_packets_gather_for_a_fifth_of_a_second():
    reader = Reader(stream(15), every_ms=1000, awake=False)
    assert reader.wakings < 6.5 * SECONDS + 6 * 15
    assert max(reader.lags) <= 225


@pytest.mark.parametrize(("fps", "gop_s", "wakings"), [(15, 1, 1.2), (25, 2, 1.2), (10, 0.5, 1.2)])
def test_while_nothing_is_up_packets_gather_until_the_key_frame_that_is_looked_at(
    fps, gop_s, wakings
):
    keys = range(0, SECONDS * fps, int(gop_s * fps))
    sizes = {"size": 4_000, "key_size": 250_000}
    reader = Reader(stream(fps), every_ms=1000, awake=False, keys=keys, **sizes)
    assert reader.wakings <= SECONDS * wakings + 10 * fps
    assert len(reader.looks) >= SECONDS / max(1, gop_s) - 1
    assert max(lag_ms for number, lag_ms in reader.looks if number > 12 * fps) <= 20
    assert max(reader.lags) <= 1025


@given(st.lists(st.integers(3, 40), min_size=20, max_size=40))
def test_key_frames_that_come_as_they_like_are_looked_at_soon(gaps):
    keys = {int(number) for number in np.cumsum(gaps)}
    reader = Reader(stream(15), every_ms=1000, awake=False, size=4_000, keys=keys)
    assert max((lag_ms for _, lag_ms in reader.looks), default=0) <= 1025


def test_large_packets_are_read_one_by_one_so_that_the_camera_can_always_send():
    reader = Reader(stream(15), every_ms=1000, awake=False, size=60_000)
    assert reader.wakings >= SECONDS * 15 - 1
    assert max(reader.lags) <= 1
    alone = range(SECONDS * 15)
    reader = Reader(stream(15), every_ms=1000, awake=False, keys=alone, key_size=60_000)
    assert max(reader.lags) <= 1, "where all are key frames, they are what gathers"


@pytest.mark.parametrize("jitter_ms", [10, 40])
def test_on_a_line_that_jitters_looks_stay_fresh_and_regular(jitter_ms):
    reader = Reader(stream(15, jitter_ms=jitter_ms), every_ms=200, awake=True)
    assert len(reader.looks) >= 4.8 * SECONDS
    assert max(reader.lags) <= 67 + jitter_ms


@pytest.mark.parametrize("pace", [0.4, 2.5, 1.1])
@pytest.mark.parametrize("awake", [True, False])
def test_stamps_that_do_not_run_with_time_are_not_trusted(pace, awake):
    """Formats without a clock number their pictures as if 25 came each second."""
    reader = Reader(stream(10, pace=pace), every_ms=200, awake=awake)
    assert not reader.trusted
    assert max(reader.lags) == pytest.approx(0, abs=1)


def test_a_slow_clock_in_the_camera_is_followed():
    reader = Reader(stream(15, pace=1.0005, seconds=300), every_ms=200, awake=True)
    assert reader.trusted
    assert max(reader.lags) <= 10


def test_without_stamps_or_after_a_jump_a_packet_came_when_it_is_read():
    arrivals = Arrivals()
    for i in range(100):
        arrivals.came_ms(i * 67.0, 1000 + i * 67)
    assert arrivals.trusted
    assert arrivals.came_ms(100 * 67.0, 1000 + 100 * 67 + 90) == 1000 + 100 * 67
    assert arrivals.came_ms(50.0, 9_000) == 9_000
    assert not arrivals.trusted
    assert arrivals.came_ms(None, 9_050) == 9_050
    assert not arrivals.trusted


def test_who_is_behind_the_stream_reads_on():
    lull = Lull()
    for i in range(20):
        lull.note(i * 67, 8_000)
    assert lull.pause_ms(19 * 67, None) > 100
    assert lull.pause_ms(19 * 67 + 70, None) == 0
    assert lull.pause_ms(19 * 67, 20 * 67) == 0, "the very next one is waited for"


@given(st.lists(st.tuples(st.integers(-500, 5000), st.integers(0, 3000)), max_size=60))
def test_no_stamps_and_no_times_make_a_pause_long_or_a_packet_late(steps):
    arrivals, lull, stamp_ms, now_ms = Arrivals(), Lull(), 0, 0
    for stamp_step, step in steps:
        stamp_ms, now_ms = stamp_ms + stamp_step, now_ms + step
        came_ms = arrivals.came_ms(float(stamp_ms), now_ms)
        assert now_ms - 1_000 <= came_ms <= now_ms
        lull.note(came_ms, 8_000)
        assert 0 <= lull.pause_ms(now_ms, None) <= 225
        assert 0 <= lull.pause_ms(now_ms, now_ms + 100) <= 225


_stamps_ms = st.lists(st.none() | st.floats(-1e9, 1e9), max_size=60)


@given(st.integers(0, 10**9), _stamps_ms)
def test_whatever_a_files_stamps_do_its_time_never_goes_back_and_waits_a_minute_at_most(
    start_ms, stamps_ms
):
    schedule, before_ms = Schedule(start_ms), start_ms
    for stamp_ms in stamps_ms:
        due_ms = schedule.due_ms(stamp_ms)
        assert before_ms <= due_ms <= before_ms + 60_000
        before_ms = due_ms


@given(st.floats(-1e9, 1e9), st.lists(st.integers(0, 59_000), max_size=60))
def test_a_file_is_due_as_its_stamps_say_counted_from_the_first(first_ms, steps_ms):
    schedule = Schedule(5_000)
    at_ms = 0
    assert schedule.due_ms(first_ms) == 5_000
    for step_ms in steps_ms:
        at_ms += step_ms
        assert abs(schedule.due_ms(first_ms + at_ms) - 5_000 - at_ms) <= 1


@pytest.mark.parametrize("second_ms", [0.0, 36_000_000.0])
def test_a_film_behind_another_one_goes_on_at_the_pace_of_the_first(second_ms):
    schedule = Schedule(0)
    film_ms = [n * 40.0 for n in range(100)]
    due_ms = [schedule.due_ms(at_ms) for at_ms in film_ms]
    due_ms += [schedule.due_ms(second_ms + at_ms) for at_ms in film_ms]
    assert due_ms == [n * 40 for n in range(200)]


def test_pictures_out_of_order_are_no_new_film():
    schedule = Schedule(0)
    stamps_ms = [0, 40, 200, 80, 120, 160, 400, 240]
    assert [schedule.due_ms(at) for at in stamps_ms] == [0, 40, 200, 200, 200, 200, 400, 400]
