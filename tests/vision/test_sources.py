"""Where pictures come from: files of every kind, single pictures, the ribbon cable."""

import http.server
import io
import itertools
import struct
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from crew_kit import LEFT, noisy, play, settings, write_clip
from haidang_gateway.clock import Clock
from haidang_gateway.errors import CameraError, CameraRefused
from haidang_gateway.vision.camera import frames, opened
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.lines import (
    AliveLine,
)
from haidang_gateway.vision.source import Source
from PIL import Image
from waiting import DEADLINE_S, wait_until


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


@pytest.mark.parametrize(
    ("code", "refuses"), [(401, True), (403, True), (404, False), (503, False)]
)
def test_what_a_camera_answers_tells_a_wrong_account_from_what_passes(code, refuses):
    class Answers(Snapshots):
        def do_GET(self):
            self.send_error(code)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        address = f"snapshot+http://127.0.0.1:{server.server_port}/picture"
        with pytest.raises(CameraError) as told:
            opened(Source(address=address))
        server.shutdown()
        serving.join()
    assert isinstance(told.value, CameraRefused) is refuses


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
