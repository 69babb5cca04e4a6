"""The worker's loop over several cameras, with steered networks and real streams."""

import io
import json
import threading

import numpy as np
import pytest
from crew_kit import LEFT, Networks, in_step, noisy, play, settings, write_clip
from haidang_gateway.clock import Clock
from haidang_gateway.errors import CameraError
from haidang_gateway.vision import crew as crew_module
from haidang_gateway.vision.crew import Crew
from haidang_gateway.vision.evidence import read_event
from haidang_gateway.vision.lines import (
    AliveLine,
    CrowdLine,
    FaultLine,
    FlameLine,
    ZoneSettings,
)
from haidang_gateway.vision.masks import Masks, hidden_pixels
from haidang_gateway.vision.picture import Still
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from waiting import DEADLINE_S, wait_until

ZONE = ZoneSettings(id="square")


class Bright(Networks):
    """Burning wherever the middle is bright."""

    def fire(self, picture):
        middle = picture.sized(160, 96)[:, 76:84]
        return super().fire(Still(np.full((4, 4, 3), 200 if middle.mean() > 128 else 0, np.uint8)))


def test_masks_are_black_in_what_is_judged_and_in_what_is_stored(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [noisy(200, i) for i in range(20)])
    networks = Networks()
    kept = tmp_path / "evidence"
    lines = play(settings("east", clip, masks=(LEFT,), evidence_dir=str(kept)), networks=networks)
    fire = next(line for line in lines if isinstance(line, FlameLine) and line.active)
    assert fire.camera == "east"
    assert all(not rgb[:, : int(0.4 * rgb.shape[1])].any() for rgb in networks.shown)
    (folder,) = kept.glob("east/*")
    files = read_event(folder)
    pictures = [name for name in files if name.endswith(".jpg")]
    assert len(pictures) >= 2
    for name in set(pictures) - {"crop.jpg"}:
        shown = np.asarray(Image.open(io.BytesIO(files[name])).convert("L")).astype(int)
        # JPEG's blocks of 8 may bleed at the border.
        assert shown[:, : int(0.4 * shown.shape[1]) - 16].max() < 8, name
        assert shown[:, int(0.5 * shown.shape[1]) :].mean() > 150, name


def test_nothing_is_kept_without_an_alarm(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [noisy(60, i) for i in range(20)])
    play(settings("east", clip, evidence_dir=str(tmp_path / "evidence")))
    assert list((tmp_path / "evidence").glob("*/*")) == []


def test_an_alarm_keeps_the_seconds_before_and_after_with_their_masks(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [noisy(200, i) for i in range(60)])
    kept = tmp_path / "evidence"
    play(settings("east", clip, masks=(LEFT,), evidence_dir=str(kept)))
    (folder,) = kept.glob("east/*")
    files = read_event(folder)
    later = [name for name in files if name.startswith("after-")]
    assert len(later) >= 3
    for name in later:
        picture = np.asarray(Image.open(io.BytesIO(files[name])).convert("RGB")).astype(int)
        assert picture[:, : int(0.4 * picture.shape[1]) - 16].max() < 8, name
        assert picture[:, int(0.5 * picture.shape[1]) :].mean() > 150, name


def test_a_camera_that_goes_after_its_alarm_leaves_the_pictures_it_still_sent(
    tmp_path, monkeypatch
):
    # Longer than a busy machine holds one look up, and soon over.
    monkeypatch.setattr("haidang_gateway.vision.witness._AFTER_MS", 5000)
    burning = write_clip(tmp_path / "c.mp4", [noisy(200, i) for i in range(60)])
    calm = write_clip(tmp_path / "d.mp4", [noisy(60, i) for i in range(40)])
    kept = tmp_path / "evidence"
    cameras = [
        settings("east", burning, evidence_dir=str(kept)),
        settings("west", calm, loop=True),
    ]
    crew = in_step(Crew(cameras, Networks(), Clock(), lambda line: None))
    east = crew.lookouts["east"].camera
    running = threading.Thread(target=crew.run)
    running.start()
    try:
        wait_until(lambda: east.state == "ended", "the camera's end")
        later = wait_until(lambda: [*kept.glob("east/*/after-*.jpg")], "pictures after the alarm")
        shown = [Image.open(io.BytesIO(path.read_bytes())).convert("L") for path in later]
        assert min(float(np.asarray(picture).mean()) for picture in shown) > 150, "the burning one"
    finally:
        crew.stop()
        running.join(DEADLINE_S)


def test_a_worker_that_ends_soon_after_an_alarm_writes_what_it_has_seen(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [noisy(200, i) for i in range(60)])
    play(settings("east", clip, evidence_dir=str(tmp_path / "evidence")))
    assert list((tmp_path / "evidence").glob("east/*/after-*.jpg"))


def test_two_cameras_that_burn_at_once_keep_their_own_pictures_with_their_own_masks(tmp_path):
    kept = tmp_path / "evidence"
    right = tuple((1 - x, y) for x, y in LEFT)
    cameras = [
        settings(
            name,
            write_clip(tmp_path / f"{name}.mp4", [noisy(level, i) for i in range(60)]),
            masks=(mask,),
            evidence_dir=str(kept),
        )
        for name, level, mask in (("east", 200, LEFT), ("west", 220, right))
    ]
    play(*cameras, networks=Bright())
    for name, level, hidden in (("east", 200, slice(0, 40)), ("west", 220, slice(120, 160))):
        (folder,) = kept.glob(f"{name}/*")
        files = read_event(folder)
        assert json.loads(files["index.json"])["camera"] == name
        later = [x for x in files if x.startswith("after-")]
        assert len(later) >= 3
        for picture in (np.asarray(Image.open(io.BytesIO(files[x])).convert("L")) for x in later):
            assert picture[:, hidden].max() < 8
            assert abs(float(picture[:, 76:84].mean()) - level) < 6


unit = st.floats(0, 1)


@given(
    st.lists(st.lists(st.tuples(unit, unit), min_size=3, max_size=6), max_size=3),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_a_mask_of_any_form_and_size_hides_pixels_and_nothing_beyond(polygons, high, wide):
    hidden = hidden_pixels(polygons, high, wide)
    assert hidden.shape == (high, wide)
    rgb = np.full((high, wide, 3), 200, np.uint8)
    Masks(polygons).burn(rgb)
    assert not rgb[hidden].any() or not polygons
    assert (rgb[~hidden] == 200).all()


@given(
    st.lists(st.lists(st.tuples(unit, unit), min_size=3, max_size=6), max_size=3),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_a_mask_hides_brightness_and_colour_in_a_decoders_planes(polygons, half_high, half_wide):
    high, wide = 2 * half_high, 2 * half_wide
    hidden = hidden_pixels(polygons, high, wide)
    planes = np.full((high * 3 // 2, wide), 200, np.uint8)
    Masks(polygons).burn_planes(planes)
    assert not planes[:high][hidden].any()
    assert (planes[:high][~hidden] == 200).all()
    for colour in planes[high:].reshape(2, half_high, half_wide):
        assert (colour[hidden_pixels(polygons, half_high, half_wide)] == 128).all()
        large = colour.repeat(2, axis=0).repeat(2, axis=1)
        if polygons:
            inner = hidden_pixels(polygons, half_high, half_wide)
            assert (large[~inner.repeat(2, axis=0).repeat(2, axis=1)] == 200).all()


def test_cameras_share_a_worker_fairly_and_each_line_has_its_name(tmp_path):
    sources = [
        write_clip(tmp_path / f"{name}.mp4", [noisy(60, i) for i in range(30)]) for name in "abc"
    ]
    lines = play(*[settings(name, clip) for name, clip in zip("abc", sources, strict=True)])
    alive = {
        name: [x for x in lines if isinstance(x, AliveLine) and x.camera == name] for name in "abc"
    }
    assert all(len(own) >= 3 for own in alive.values())
    looked = [own[-1].frames for own in alive.values()]
    assert max(looked) - min(looked) <= max(6, 0.4 * max(looked))
    assert {line.camera for line in lines} == {"a", "b", "c"}


def test_a_camera_that_cannot_be_opened_leaves_the_others_alone(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [noisy(60, i) for i in range(40)])
    lines = []
    crew = Crew(
        [settings("gone", tmp_path / "absent.mp4"), settings("east", clip, loop=True)],
        Networks(),
        Clock(),
        lines.append,
    )
    running = threading.Thread(target=crew.run)
    running.start()
    try:
        wait_until(
            lambda: (
                {(type(x), x.camera) for x in list(lines)}
                >= {(FaultLine, "gone"), (AliveLine, "east")}
            ),
            "a fault of one and life of the other",
        )
    finally:
        crew.stop()
        running.join(DEADLINE_S)
    assert not any(isinstance(x, FaultLine) and x.camera == "east" for x in lines)


def test_while_nothing_moves_only_key_frames_are_decoded_and_a_fire_wakes_the_camera(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("haidang_gateway.vision.lookout._AWAKE_MS", 300)
    calm, burning = [noisy(60, 1)] * 40, [noisy(200, i) for i in range(40)]
    clip = write_clip(tmp_path / "c.ts", calm + burning, gop=10)
    lines = []
    wanted = settings("east", clip, idle_fps=2.0, fps=10.0)
    crew = in_step(Crew([wanted], Networks(), Clock(), lines.append))
    crew.run()
    counters = crew.lookouts["east"].camera.counters
    assert counters.skipped >= 15
    assert counters.decoded >= 20
    assert [x.active for x in lines if isinstance(x, FlameLine)][-1] is True


class Late(Networks):
    """Burning from the thirtieth look on, whatever the picture."""

    def fire(self, picture):
        burns = len(self.shown) >= 30
        return super().fire(Still(np.full((4, 4, 3), 200 if burns else 0, np.uint8)))


def test_a_fire_before_a_camera_that_is_called_stuck_alarms_and_nobody_is_counted(tmp_path):
    clip = write_clip(tmp_path / "still.mp4", [noisy(100, 1)] * 80)
    camera = settings(
        "east", clip, dark_after_s=0.4, frozen_after_s=0.3, crowd_every_s=0.1, zones=(ZONE,)
    )
    lines = play(camera, networks=Late())
    stuck = next(i for i, x in enumerate(lines) if isinstance(x, FaultLine))
    assert lines[stuck].health == "stuck"
    assert any(isinstance(x, CrowdLine) for x in lines[:stuck])
    assert not any(isinstance(x, CrowdLine) for x in lines[stuck:])
    assert any(isinstance(x, FlameLine) and x.active for x in lines[stuck:])


@pytest.mark.parametrize("level", [0, 100, 255])
def test_a_picture_that_shows_nothing_ends_no_fire(tmp_path, level):
    burning = [noisy(200, seed) for seed in range(20)]
    nothing = [np.full((96, 160, 3), level, np.uint8)] * 40
    clip = write_clip(tmp_path / "c.mp4", burning + nothing)
    told = [x.active for x in play(settings("east", clip)) if isinstance(x, FlameLine)]
    assert told
    assert all(told)


def test_a_worker_that_outgrows_its_memory_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(crew_module, "_MEMORY_EVERY_MS", 0)
    clip = write_clip(tmp_path / "c.mp4", [noisy(60, i) for i in range(10)])
    crew = Crew([settings("east", clip)], Networks(), Clock(), lambda line: None, memory_mb=1)
    with pytest.raises(CameraError, match="of at most 1 and starts anew"):
        crew.run()
