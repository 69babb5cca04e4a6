"""The worker's loop over several cameras, with steered networks and real streams."""

import http.server
import io
import itertools
import json
import struct
import sys
import threading
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.errors import CameraError
from haidang_gateway.vision import crew as crew_module
from haidang_gateway.vision.camera import Source, frames
from haidang_gateway.vision.crew import Crew
from haidang_gateway.vision.evidence import read_event
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.lines import (
    AliveLine,
    CrowdLine,
    FaultLine,
    FlameLine,
    WorkerSettings,
    ZoneSettings,
)
from haidang_gateway.vision.masks import Masks, hidden_pixels
from haidang_gateway.vision.picture import CrowdCount, FireScores, Still
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from waiting import wait_until

DEADLINE_S = 30
NOTHING = np.zeros((7, 7), dtype=np.float32)
ZONE = ZoneSettings(id="square")
LEFT = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))


class Networks:
    """Burning where the picture is bright, but not white; remembers what it was shown."""

    fire_threshold = 0.5
    smoke_threshold = 0.5

    def __init__(self):
        self.shown = []

    def fire(self, picture):
        rgb = picture.sized(160, 96)
        self.shown.append(rgb)
        score = 0.9 if 128 < rgb[:, rgb.shape[1] // 2 :].mean() < 245 else 0.1
        cells = np.full((7, 7), score, dtype=np.float32)
        return FireScores(score, 0.0, cells, NOTHING, (0.5, 0.5, 1.0, 1.0), (0.5, 0.5, 1.0, 1.0))

    def crowd(self, picture, person_px):
        return CrowdCount(1.0, 0.0, 2.0, np.ones((3, 4), dtype=np.float32))


class Bright(Networks):
    """Burning wherever the middle is bright."""

    def fire(self, picture):
        middle = picture.sized(160, 96)[:, 76:84]
        return super().fire(Still(np.full((4, 4, 3), 200 if middle.mean() > 128 else 0, np.uint8)))


def noisy(level, seed, size=(96, 160)):
    grain = np.random.default_rng(seed).integers(-20, 21, (*size, 3))
    return np.clip(level + grain, 0, 255).astype(np.uint8)


def write_clip(path, pictures, *, rate=20, codec="mpeg4", gop=10):
    with av.open(str(path), "w") as clip:
        stream = None
        for rgb in pictures:
            if stream is None:
                stream = clip.add_stream(codec, rate=rate)
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", gop, 3_000_000
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        clip.mux(stream.encode())
    return str(path)


def settings(camera, source, **changes):
    base = {"loop": False, "fps": 20.0, "idle_fps": 20.0, "alive_every_s": 0.2}
    base |= {"fault_every_s": 0.3, "fire_need": 3, "fire_of": 5}
    return WorkerSettings(
        id=camera, source=str(source), models_dir="", clock_offset_ms=0, **base | changes
    )


def play(*cameras, networks=None):
    """All lines of a worker that looks until its files have ended."""
    lines = []
    Crew(cameras, networks or Networks(), Clock(), lines.append).run()
    return lines


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
    monkeypatch.setattr("haidang_gateway.vision.witness._AFTER_MS", 1000)
    burning = write_clip(tmp_path / "c.mp4", [noisy(200, i) for i in range(20)])
    calm = write_clip(tmp_path / "d.mp4", [noisy(60, i) for i in range(40)])
    kept = tmp_path / "evidence"
    cameras = [
        settings("east", burning, evidence_dir=str(kept)),
        settings("west", calm, loop=True),
    ]
    crew = Crew(cameras, Networks(), Clock(), lambda line: None)
    running = threading.Thread(target=crew.run)
    running.start()
    try:
        wait_until(lambda: list(kept.glob("east/*/after-*.jpg")), "pictures after the alarm")
        assert crew.lookouts["east"].camera.state == "ended"
    finally:
        crew.stop()
        running.join(DEADLINE_S)


def test_a_worker_that_ends_soon_after_an_alarm_writes_what_it_has_seen(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [noisy(200, i) for i in range(30)])
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
    crew = Crew([wanted], Networks(), Clock(), lines.append)
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


def take_all(path):
    return [frame.rgb.shape for frame in frames(str(path))]


def save(path, mode, size, form):
    Image.new(mode, size, color=None).save(path, form)
    return path


@pytest.mark.parametrize(
    ("name", "mode", "size", "form"),
    [
        ("one.png", "RGB", (1, 1), "PNG"),
        ("cmyk.jpg", "CMYK", (64, 48), "JPEG"),
        ("deep.png", "I;16", (64, 48), "PNG"),
        ("grey.png", "L", (64, 48), "PNG"),
        ("line.png", "RGB", (3000, 1), "PNG"),
    ],
)
def test_pictures_of_every_kind_become_rgb_or_a_clear_error(tmp_path, name, mode, size, form):
    path = save(tmp_path / name, mode, size, form)
    try:
        shapes = take_all(path)
    except CameraError:
        return
    assert all(len(shape) == 3 and shape[2] == 3 for shape in shapes)


def test_an_empty_file_and_a_cut_off_jpeg_are_errors_or_pictures_and_never_a_crash(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(CameraError):
        take_all(tmp_path / "empty.jpg")
    noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    for share in (0.01, 0.3, 0.9):
        (tmp_path / "cut.jpg").write_bytes(whole[: int(len(whole) * share)])
        try:
            assert set(take_all(tmp_path / "cut.jpg")) <= {(480, 640, 3)}
        except CameraError:
            continue


def png_of(width, height):
    """A PNG header that promises a picture of this size, with nothing in it."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


def test_a_picture_too_large_for_the_memory_is_refused(tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(png_of(30_000, 30_000))
    try:
        assert take_all(path) == []
    except CameraError:
        return


def test_a_stream_that_changes_its_size_goes_on(tmp_path):
    small = [noisy(60, i) for i in range(20)]
    large = [noisy(60, i, (192, 320)) for i in range(20)]
    parts = [
        write_clip(tmp_path / f"{i}.ts", pictures, codec="libx264")
        for i, pictures in enumerate((small, large))
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(Path(part).read_bytes() for part in parts))
    shapes = set(take_all(joined))
    assert shapes >= {(96, 160, 3), (192, 320, 3)}
    lines = play(settings("east", joined, masks=(LEFT,)))
    assert any(isinstance(line, AliveLine) for line in lines)


class Snapshots(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next picture; the third one fails."""

    count = itertools.count()

    def do_GET(self):
        number = next(self.count)
        if number == 2:
            self.send_error(503)
            return
        body = io.BytesIO()
        Image.fromarray(noisy(60 + 10 * (number % 9), number)).save(body, "JPEG")
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body.getvalue())))
        self.end_headers()
        self.wfile.write(body.getvalue())

    def log_message(self, *args):
        pass


def test_a_camera_of_single_pictures_is_asked_again_and_again():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Snapshots) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        address = f"snapshot+http://127.0.0.1:{server.server_address[1]}/picture.jpg"
        clock = Clock()
        source = Source(address=address, snapshot_every_s=0.05)
        camera = Camera(source, monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms)
        camera.start()
        try:
            wait_until(lambda: camera.counters.decoded >= 4, "four pictures")
            assert camera.take(DEADLINE_S).rgb.shape == (96, 160, 3)
            assert camera.counters.reconnects >= 1
        finally:
            camera.stop()
            server.shutdown()
            serving.join()


def test_a_ribbon_cable_camera_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    clock = Clock()
    camera = Camera(
        Source(address="picamera2:0"), monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms
    )
    camera.start()
    wait_until(lambda: camera.state == "away", "the camera being away")
    camera.stop()
    assert "apt install python3-picamera2" in str(camera.error)


class FakePicamera2:
    """As much of picamera2 as we use; pictures are blue, green, red in memory."""

    def __init__(self, number):
        self.number = number

    def create_video_configuration(self, main):
        return main

    def configure(self, main):
        self.size = main["size"]

    def start(self):
        self.running = True

    def capture_array(self, name):
        picture = np.zeros((self.size[1], self.size[0], 3), np.uint8)
        picture[..., 2] = 200
        return picture

    def stop(self):
        self.running = False

    def close(self):
        pass


def test_a_ribbon_cable_camera_gives_pictures_in_their_colours(monkeypatch):
    library = type(sys)("picamera2")
    library.Picamera2 = FakePicamera2
    monkeypatch.setitem(sys.modules, "picamera2", library)
    clock = Clock()
    camera = Camera(
        Source(address="picamera2:0"), monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms
    )
    camera.start()
    try:
        rgb = camera.take(DEADLINE_S).rgb
    finally:
        camera.stop()
    assert rgb[..., 0].min() > 190
    assert rgb[..., 1:].max() < 10
