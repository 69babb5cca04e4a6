"""A USB camera with raw pictures that is pulled out: what was taken of it can still be seen."""

import os
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crew_kit import noisy, write_clip
from haidang_gateway.errors import CameraError
from haidang_gateway.vision.camera import Decoder, _owned, opened
from haidang_gateway.vision.source import Source
from waiting import DEADLINE_S

_CAMERA = Path(__file__).with_name("usb_camera.c")


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that is /dev/video77 for whoever preloads it."""
    made = tmp_path_factory.mktemp("usb") / "camera.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(made), str(_CAMERA), "-ldl"]
    subprocess.run(command, check=True, timeout=DEADLINE_S)
    return made


def test_a_raw_picture_can_be_looked_at_when_its_camera_is_pulled_out(camera: Path) -> None:
    assert _seen(camera, _PULLED) == "after away: (240, 320, 3), grey\n"


def test_a_raw_picture_can_be_looked_at_when_its_camera_was_stopped(camera: Path) -> None:
    assert _seen(camera, _STOPPED) == "after open: (240, 320, 3), grey\n"


def test_a_packet_of_its_own_says_all_that_the_device_s_said(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [noisy(90, turn) for turn in range(4)], rate=10)
    source = Source(address=clip, loop=False)
    with opened(source) as container:
        for packet in Decoder(container, source).packets():
            own = _owned(packet)
            assert (own.pts, own.dts, own.time_base) == (packet.pts, packet.dts, packet.time_base)
            assert (own.is_keyframe, bytes(own)) == (packet.is_keyframe, bytes(packet))


class _Pulled:
    """A demuxer whose device is gone."""

    def __next__(self) -> None:
        raise OSError("no such device")

    def close(self) -> None:
        """Nothing is open."""


def test_an_error_that_is_kept_does_not_keep_what_read_the_device() -> None:
    codec = SimpleNamespace(canonical_name="rawvideo", intra_only=True)
    context = SimpleNamespace(thread_count=0, codec=codec, extradata=None)
    stream = SimpleNamespace(codec_context=context, time_base=None)
    readers = [_Pulled()]
    gone = weakref.ref(readers[0])
    container: Any = SimpleNamespace(
        streams=SimpleNamespace(video=[stream]), demux=lambda _: readers.pop()
    )
    decoder = Decoder(container, Source(address="/dev/video77"))
    with pytest.raises(CameraError) as kept:
        list(decoder.packets())
    cause = kept.value.__cause__
    assert cause is not None
    assert cause.__traceback__ is not None
    # FFmpeg's own frames hold nothing, those of this stand-in hold it.
    cause.__traceback__.tb_next = None
    assert gone() is None


def _seen(camera: Path, script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED + script],
        cwd=_CAMERA.parents[1],
        env=os.environ | {"LD_PRELOAD": str(camera), "PICTURES": "20"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_WATCHED = """
from haidang_gateway.clock import Clock
from haidang_gateway.vision.feed import Camera
from haidang_gateway.vision.source import Source
from waiting import DEADLINE_S, wait_until

def told(frame):
    colour = "grey" if abs(frame.rgb.astype(int) - 128).max() < 3 else "torn"
    print(f"after {camera.state}: {frame.rgb.shape}, {colour}", flush=True)

clock = Clock()
camera = Camera(
    Source(address="/dev/video77"), monotonic_ms=clock.monotonic_ms, now_ms=clock.now_ms
)
camera.start()
"""
_PULLED = """
wait_until(lambda: camera.state == "away", "the camera being away")
told(camera.take(0))
camera.stop()
"""
_STOPPED = """
wait_until(lambda: camera.waiting, "a picture")
frame = camera.take(0)
camera.stop()
told(frame)
"""
