"""The demo's camera: what it shows for which order, and its stream as the gateway sees it."""

import json
import subprocess
import sys
import time
from itertools import islice

import numpy as np
import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.motion import Stillness
from haidang_gateway.vision.source import Source
from haidang_tools import street as street_module
from haidang_tools.scene import Orders, Scene, SceneError, compose
from haidang_tools.street import DrawnStreet, FilmedStreet, street, street_video
from waiting import DEADLINE_S

LABEL = (slice(8, 30), slice(8, 60))


@pytest.fixture
def filmed():
    return np.full((576, 768, 3), 120, dtype=np.uint8)


@pytest.fixture
def plate():
    return np.full((576, 768, 3), 90, dtype=np.uint8)


def show(picture, plate, *, filmed=True, **orders):
    return compose(picture, plate, Orders(**orders), t_s=0.0, filmed=filmed)


def test_without_orders_the_street_is_shown_exactly_as_filmed(filmed, plate):
    assert (show(filmed, plate) == filmed).all()


def test_flames_are_rendered_and_labelled(filmed, plate):
    shown = show(filmed, plate, fire=0.8)
    flames = shown[200:345, 400:560]
    assert flames[..., 0].max() > 230
    assert (shown[LABEL] != filmed[LABEL]).any()


def test_the_empty_part_of_the_street_is_labelled(filmed, plate):
    shown = show(filmed, plate, people=0.25)
    assert (shown[100:, :192] == 120).all()
    assert (shown[100:, 192:] == 90).all()
    assert (shown[LABEL] != filmed[LABEL]).any()


def test_a_drawn_street_is_always_labelled():
    view = DrawnStreet()
    first, second = islice(view.pictures(), 2)
    assert (first != second).any()
    assert (show(first, view.empty(), filmed=False)[LABEL] != first[LABEL]).any()


def test_an_empty_street_is_not_taken_for_a_frozen_picture(filmed, plate):
    judge = Stillness(after_ms=20_000)
    plate[::2] = 180
    for second in range(90):
        empty = compose(filmed, plate, Orders(people=0), t_s=float(second), filmed=True)
        assert not judge.see(empty[::4, ::4, 1], second * 1000)


def test_a_covered_lens_shows_nothing(filmed, plate):
    assert not show(filmed, plate, black=True).any()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("fire", "not JSON"),
        ('{"smoke": 1}', "fields of fire"),
        ("[]", "fields of fire"),
        ('{"people": 3}', "people: 3 is not a number from 0 to 1"),
        ('{"freeze": 1}', "freeze: 1 is not true or false"),
        ('{"fire": true}', "fire: True is not a number"),
    ],
)
def test_a_wrong_order_is_refused_with_its_reason(line, reason):
    with pytest.raises(SceneError, match=reason):
        Orders().changed(line)


def test_orders_add_up():
    orders = Orders().changed('{"fire": 0.5}').changed('{"people": 0}')
    assert (orders.fire, orders.people) == (0.5, 0)


def watch(url, until):
    """Takes frames of a stream until one satisfies `until`."""
    clock = Clock()
    camera = Camera(Source(address=url), monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms)
    camera.start()
    deadline = time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < deadline:
            frame = camera.take(1)
            if frame is not None and until(frame):
                return frame
    finally:
        camera.stop()
    pytest.fail("the picture did not come in time")


def test_the_gateways_camera_sees_the_scene_and_its_orders():
    scene = Scene(DrawnStreet())
    scene.start()
    try:
        frame = watch(scene.url, lambda f: f.rgb.mean() > 60)
        assert frame.rgb.shape == (576, 768, 3)
        scene.order(Orders(black=True))
        watch(scene.url, lambda f: f.rgb.mean() < 10)
    finally:
        scene.stop()


def test_as_a_command_it_tells_its_address_obeys_and_ends_with_its_input(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    command = [sys.executable, "-m", "haidang_tools.scene", "--cache", str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        ready = json.loads(process.stdout.readline())
        assert ready["source"].startswith("drawn street")
        process.stdin.write(b'{"black": true}\n{"flood": 1}\n')
        process.stdin.flush()
        assert "fields of" in json.loads(process.stdout.readline())["error"]
        watch(ready["url"], lambda f: f.rgb.mean() < 10)
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0


def package(folder, content):
    """A real Debian package that holds one file named like the clip."""
    root = folder / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: opencv-doc\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\n"
        "Description: test\n"
    )
    (root / "usr").mkdir()
    (root / "usr" / "vtest.avi").write_bytes(content)
    made = folder / "opencv-doc_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(made)], check=True, capture_output=True)
    return made


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """An `apt-get` that copies a local package; the network has no place in a test."""
    made = package(tmp_path, b"a clip")
    tool = tmp_path / "bin" / "apt-get"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ncp {made} .\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")


@pytest.mark.usefixtures("apt")
def test_the_clip_is_taken_out_of_the_package_and_the_package_thrown_away(tmp_path, monkeypatch):
    digest = street_module.hashlib.sha256(b"a clip").hexdigest()
    monkeypatch.setattr(street_module, "_CLIP_SHA256", digest)
    cache = tmp_path / "cache"
    clip = street_video(cache)
    assert clip is not None
    assert clip.read_bytes() == b"a clip"
    assert list(cache.iterdir()) == [clip]
    assert isinstance(street(cache), FilmedStreet)


@pytest.mark.usefixtures("apt")
def test_another_clip_than_the_known_one_is_not_used(tmp_path, caplog):
    assert street_video(tmp_path / "cache") is None
    assert "another clip" in caplog.text


def test_without_apt_the_drawn_street_is_shown_and_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert isinstance(street(tmp_path / "cache"), DrawnStreet)
    assert "drawn street" in caplog.text
