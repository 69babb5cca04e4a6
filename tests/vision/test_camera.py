"""The camera against real encoded video: files, streams, silence, damage."""

import socket
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.errors import CameraError
from haidang_gateway.vision.camera import frames
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.source import Source
from redial_kit import noted_pauses
from rtsp_peer import RtspCamera
from waiting import DEADLINE_S, wait_until


def picture(number, size=(96, 128)):
    """A flat grey that tells its number: frame n has the level 10 + 5n (mod 200)."""
    return np.full((*size, 3), 10 + 5 * number % 200, dtype=np.uint8)


def write_clip(path: Path, count=20, rate=20, codec="mpeg4", size=(96, 128)) -> Path:
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream(codec, rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 5
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, size), format="rgb24")
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode())
    return path


@pytest.fixture
def camera_of():
    """Makes started cameras and stops them at the end."""
    cameras = []

    def make(address, **settings):
        clock = Clock()
        source = Source(address=str(address), **settings)
        camera = Camera(source, monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms)
        cameras.append(camera)
        camera.start()
        return camera

    yield make
    for camera in cameras:
        camera.stop()


class StreamServer:
    """Sends one MPEG-TS clip to each client, then keeps the line open and says nothing."""

    def __init__(self, clip: bytes) -> None:
        self._clip = clip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.clients.append(client)
            client.sendall(self._clip)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for client in self.clients:
            client.close()


@pytest.fixture
def stream(tmp_path):
    server = StreamServer(write_clip(tmp_path / "s.ts", count=60).read_bytes())
    yield server
    server.close()


def test_a_file_gives_all_its_frames_in_order(tmp_path):
    seen = list(frames(str(write_clip(tmp_path / "c.mp4"))))
    assert [f.number for f in seen] == list(range(1, 21))
    assert [f.at_ms for f in seen][:3] == [0, 50, 100]
    assert seen[0].rgb.shape == (96, 128, 3)
    levels = [float(f.rgb.mean()) for f in seen]
    assert np.allclose(levels, [10 + 5 * n for n in range(20)], atol=4)


def test_a_file_can_be_looked_at_now_and_then(tmp_path):
    clip = write_clip(tmp_path / "c.mp4")
    assert [f.at_ms for f in frames(str(clip), every_ms=200)] == [0, 200, 400, 600, 800]


def test_a_large_picture_is_made_smaller_in_its_proportions(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", count=2, size=(1080, 1920))
    assert next(frames(str(clip))).rgb.shape == (576, 1024, 3)


def test_a_file_is_played_at_its_own_rate_and_the_newest_frame_wins(tmp_path, camera_of):
    camera = camera_of(write_clip(tmp_path / "c.mp4", count=20, rate=10), loop=False)
    first = camera.take(DEADLINE_S)
    wait_until(lambda: camera.state == "ended", "the camera being ended")
    last = camera.take(DEADLINE_S)
    assert last.number == 20
    # A busy machine's first look is late, at a later picture.
    assert last.at_ms - first.at_ms > 75 * (last.number - first.number) > 0
    assert camera.counters.dropped == 18


def test_after_the_end_of_a_file_nothing_comes(tmp_path, camera_of):
    camera = camera_of(write_clip(tmp_path / "c.mp4", count=2), loop=False)
    wait_until(lambda: camera.state == "ended", "the camera being ended")
    assert camera.take(1) is not None
    assert camera.take(60) is None


def test_a_looped_file_goes_on(tmp_path, camera_of):
    camera = camera_of(write_clip(tmp_path / "c.mp4", count=4, rate=40))
    wait_until(lambda: camera.counters.decoded > 12, "twelve pictures")
    assert camera.state == "open"


def test_a_frame_is_taken_once(tmp_path, camera_of):
    camera = camera_of(write_clip(tmp_path / "c.mp4", count=2, rate=1))
    assert camera.take(DEADLINE_S) is not None
    assert camera.take(0.05) is None


def test_a_missing_file_is_told_with_its_name_and_tried_again(tmp_path, camera_of):
    path = tmp_path / "c.mp4"
    camera = camera_of(path)
    wait_until(lambda: camera.state == "away", "the camera being away")
    assert str(path) in str(camera.error)
    write_clip(path)
    assert camera.take(DEADLINE_S) is not None
    assert camera.error is None


def test_a_file_that_is_no_video_is_an_error(tmp_path):
    path = tmp_path / "c.mp4"
    path.write_bytes(b"not a video" * 1000)
    with pytest.raises(CameraError, match="cannot be opened"):
        next(frames(str(path)))


def test_a_file_that_ends_before_its_first_picture_is_an_error(tmp_path, camera_of):
    path = write_clip(tmp_path / "c.mkv", count=2, size=(480, 640))
    path.write_bytes(path.read_bytes()[:1000])
    camera = camera_of(path)
    wait_until(lambda: camera.state == "away", "the camera being away")
    assert "holds no pictures" in str(camera.error)


def test_damage_in_the_middle_loses_some_frames_only(tmp_path):
    path = write_clip(tmp_path / "c.ts", count=60, codec="libx264")
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(3)
    for at in noise.integers(2000, len(data), 40):
        data[at] ^= 0xFF
    path.write_bytes(data)
    assert len(list(frames(str(path)))) > 20


def test_a_stream_that_stalls_is_opened_again(stream, camera_of):
    camera = camera_of(f"tcp://127.0.0.1:{stream.port}", read_timeout_s=0.5, open_timeout_s=3)
    assert camera.take(DEADLINE_S) is not None
    wait_until(lambda: "no answer in time" in str(camera.error), "the camera being away")
    before = camera.counters.decoded
    wait_until(lambda: camera.counters.decoded > before, "new pictures")
    assert len(stream.clients) >= 2


def test_a_stream_that_is_cut_is_opened_again(stream, camera_of):
    camera = camera_of(f"tcp://127.0.0.1:{stream.port}", read_timeout_s=1, open_timeout_s=3)
    assert camera.take(DEADLINE_S) is not None
    stream.clients[0].close()
    wait_until(lambda: len(stream.clients) == 2 and camera.state == "open", "the second try")


@pytest.fixture
def rtsp(tmp_path):
    clip = write_clip(tmp_path / "s.ts", count=60, codec="libx264").read_bytes()
    camera = RtspCamera(clip)
    yield camera
    camera.close()


def test_an_rtsp_camera_is_read_over_tcp_and_again_after_a_power_failure(rtsp, camera_of):
    camera = camera_of(f"rtsp://admin:sesame@127.0.0.1:{rtsp.port}/cam", read_timeout_s=2)
    assert camera.take(DEADLINE_S).rgb.shape == (96, 128, 3)
    rtsp.hang_up()
    wait_until(lambda: camera.state == "away", "the camera being away")
    before = camera.counters.decoded
    wait_until(lambda: camera.counters.decoded > before, "new pictures")
    assert len(rtsp.transports) >= 2
    assert all("TCP" in transport for transport in rtsp.transports)


@pytest.mark.parametrize("refuses", [True, False])
def test_a_camera_that_refuses_the_account_is_asked_again_slowly_one_that_is_away_soon(
    rtsp, camera_of, monkeypatch, refuses
):
    pauses = noted_pauses(monkeypatch)
    camera = camera_of(f"rtsp://127.0.0.1:{rtsp.port if refuses else 1}/cam", open_timeout_s=5)
    wait_until(lambda: len(pauses) > 1, "two dials")
    least_s, most_s = (30, 60) if refuses else (0.5, 1)
    assert all(least_s <= pause_s <= most_s for pause_s in pauses[:2])
    assert ("account and password" in str(camera.error)) is refuses


@pytest.mark.parametrize("trouble", ["frozen", "corrupt"])
def test_an_rtsp_camera_that_freezes_or_sends_noise_is_left_and_seen_again(
    rtsp, camera_of, trouble
):
    camera = camera_of(f"rtsp://a:b@127.0.0.1:{rtsp.port}/cam", read_timeout_s=1, open_timeout_s=2)
    assert camera.take(DEADLINE_S) is not None
    getattr(rtsp, trouble).set()
    wait_until(lambda: camera.state == "away", "the camera being away")
    getattr(rtsp, trouble).clear()
    rtsp.hang_up()
    before = camera.counters.decoded
    wait_until(lambda: camera.counters.decoded > before, "new pictures")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:p@ses@ame@10.0.0.9/cam", "rtsp://10.0.0.9/cam"),
        ("rtsp://admin:ses/ame@10.0.0.9:554/cam", "rtsp://10.0.0.9:554/cam"),
        ("rtsp://10.0.0.9:554/user=admin&password=sesame&channel=1", "rtsp://10.0.0.9:554"),
        ("http://10.0.0.9/shot.jpg?usr=admin&pwd=sesame", "http://10.0.0.9/shot.jpg"),
        ("snapshot+http://a:ses/ame@10.0.0.9/p", "snapshot+http://10.0.0.9/p"),
        ("rtsp:/admin:sesame@10.0.0.9/cam", "rtsp:/10.0.0.9/cam"),
        ("films/odd=name?.mp4", "films/odd=name?.mp4"),
        ("picamera2:0", "picamera2:0"),
    ],
)
def test_no_form_of_a_password_is_shown(address, shown):
    assert Source(address=address).shown == shown


def test_passwords_are_not_shown(camera_of):
    camera = camera_of("rtsp://admin:sesame@127.0.0.1:1/cam", open_timeout_s=2)
    wait_until(lambda: camera.state == "away", "the camera being away")
    assert "127.0.0.1:1/cam" in str(camera.error)
    assert "sesame" not in str(camera.error)
