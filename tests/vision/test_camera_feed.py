"""What a camera tells, and when: a picture once it lies there, before any pause, and the end."""

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from crew_kit import noisy, write_clip
from haidang_gateway.clock import Clock
from haidang_gateway.redial import CAMERA
from haidang_gateway.vision import feed, picamera
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.source import Source
from redial_kit import noted_pauses
from waiting import DEADLINE_S, wait_until


def told_of(source):
    """A camera that plays, and what lay there when it told of something."""
    clock, told = Clock(), []

    def take():
        frame = camera.take(0)
        told.append((frame and frame.number, camera.state))

    camera = Camera(source, monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms, on_fresh=take)
    camera.start()
    return camera, told


def test_each_picture_is_told_once_it_lies_there_and_the_end_when_it_has_come(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", [noisy(90, i) for i in range(8)], rate=50)
    camera, told = told_of(Source(address=clip, loop=False))
    wait_until(lambda: camera.state == "ended", "the clip's end")
    camera.stop()
    assert told == [*[(number, "open") for number in range(1, 9)], (None, "ended")]


def test_each_picture_of_a_ribbon_cable_is_told(monkeypatch):
    monkeypatch.setattr(picamera, "pictures", lambda module: (noisy(90, i) for i in range(2)))
    camera, told = told_of(Source(address="picamera2:0"))
    wait_until(lambda: camera.counters.decoded >= 2, "two pictures")
    camera.stop()
    assert told[:2] == [(1, "open"), (2, "open")]


def test_a_camera_that_gave_pictures_is_dialled_soon_though_it_was_away_for_long_before(
    monkeypatch,
):
    pauses, now_ms = noted_pauses(monkeypatch), [0]

    def play(module):
        if len(pauses) == 1:
            now_ms[0] = 400_000
        if len(pauses) == 2:
            yield noisy(90, 1)
            now_ms[0] += 10_000

    monkeypatch.setattr(picamera, "pictures", play)
    camera = Camera(
        Source(address="picamera2:0"), monotonic_ms=lambda: now_ms[0], now_ms=lambda: 0
    )
    camera.start()
    wait_until(lambda: len(pauses) >= 3, "three dials")
    camera.stop()
    assert pauses[1] > CAMERA.first_s >= pauses[2]


def test_whoever_asks_before_a_picture_came_is_given_it_when_it_comes(monkeypatch):
    asked = threading.Event()

    def late(module):
        asked.wait(DEADLINE_S)
        yield noisy(90, 1)

    monkeypatch.setattr(picamera, "pictures", late)
    clock = Clock()
    camera = Camera(
        Source(address="picamera2:0"), monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms
    )
    camera.start()
    threading.Timer(0.05, asked.set).start()
    frame = camera.take(DEADLINE_S)
    camera.stop()
    assert frame.number == 1


@pytest.mark.parametrize(("awake", "least_s", "most_s"), [(True, 0.1, 0.225), (False, 0.7, 1.05)])
def test_packets_gather_while_nobody_waits_for_them_and_longer_while_nothing_is_up(
    tmp_path, monkeypatch, awake, least_s, most_s
):
    pauses, untold = [], []

    def sleep(pause_s):
        pauses.append(pause_s)
        untold.append(camera.waiting)

    monkeypatch.setattr(feed, "time", SimpleNamespace(sleep=sleep))
    pictures = [noisy(90, 1) for _ in range(75)]
    clip = write_clip(tmp_path / "clip.mp4", pictures, rate=50, gop=5)
    clock = Clock()
    camera = Camera(
        Source(address=clip, loop=False),
        monotonic_ms=clock.monotonic_ms,
        now_ms=clock.now_ms,
        on_fresh=lambda: camera.take(0),
    )
    camera.awake, camera.every_ms = awake, 200 if awake else 1000
    camera.start()
    wait_until(lambda: camera.state == "ended", "the clip's end")
    camera.stop()
    assert least_s <= max(pauses, default=0) <= most_s
    assert not any(untold), "a picture is told before the pause, not after it"


def test_a_film_behind_another_one_is_played_at_its_rate_too(tmp_path):
    film = Path(write_clip(tmp_path / "c.ts", [noisy(90, i) for i in range(10)], rate=10))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(film.read_bytes() * 2)
    times_ms, now_ms = [], 5_000

    def wait(pause_s):
        nonlocal now_ms
        now_ms += round(pause_s * 1000)

    camera = Camera(
        Source(address=str(joined), loop=False),
        monotonic_ms=lambda: now_ms,
        now_ms=lambda: now_ms,
        on_fresh=lambda: times_ms.append(frame.at_ms) if (frame := camera.take(0)) else None,
    )
    camera._stop.wait = wait
    camera.start()
    wait_until(lambda: camera.state == "ended", "the end of both")
    camera.stop()
    assert camera.counters.decoded == 20
    assert times_ms[-1] == 5_000 + 19 * 100
    assert set(np.diff(times_ms[:-1])) == {100}


def test_what_comes_before_a_new_beginning_and_nobody_looks_at_is_not_decoded(tmp_path):
    pictures = [noisy(90, i) for i in range(40)]
    clip = write_clip(tmp_path / "clip.mp4", pictures, codec="libx264", gop=4)
    clock, shown = Clock(), []

    def take():
        if frame := camera.take(0):
            shown.append(frame.number)

    camera = Camera(
        Source(address=clip, loop=False),
        monotonic_ms=clock.monotonic_ms,
        now_ms=clock.now_ms,
        on_fresh=take,
    )
    camera.every_ms = 200
    camera.start()
    wait_until(lambda: camera.state == "ended", "the clip's end")
    camera.stop()
    counters = camera.counters
    assert counters.decoded + counters.skipped == len(pictures)
    assert counters.skipped >= 15
    assert counters.taken == len(shown) >= 5
