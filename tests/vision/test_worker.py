"""The worker: its loop with steered networks, and the real process at its edges."""

import json
import signal
import subprocess
import sys
import threading

import av
import msgspec
import numpy as np
import pytest
from crew_kit import fire_scores
from haidang_gateway.clock import Clock
from haidang_gateway.vision.crew import Crew
from haidang_gateway.vision.lines import (
    AliveLine,
    CrewSettings,
    CrowdLine,
    FaultLine,
    FlameLine,
    SmokeLine,
    WorkerSettings,
    ZoneSettings,
    encode,
)
from haidang_gateway.vision.picture import CrowdCount
from waiting import DEADLINE_S


class SteeredNetworks:
    """Answers like the real ones: burning where the picture is bright, one person per cell."""

    fire_threshold = 0.5
    smoke_threshold = 0.5

    def __init__(self):
        self.person_px = []

    def fire(self, picture):
        score = 0.9 if picture.sized(64, 48).mean() > 128 else 0.1
        cells = np.full((7, 7), score, dtype=np.float32)
        return fire_scores(score, cells)

    def crowd(self, picture, person_px):
        self.person_px.append(person_px)
        return CrowdCount(12.0, 6.0, 24.0, np.ones((3, 4), dtype=np.float32))


def write_clip(path, levels, rate=20, size=(96, 128)):
    """A clip of noisy grey pictures with these levels."""
    noise = np.random.default_rng(5)
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        for level in levels:
            grain = noise.integers(-20, 21, (*size, 3))
            rgb = np.clip(level + grain, 0, 255).astype(np.uint8)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        clip.mux(stream.encode())
    return str(path)


def settings(source, **changes):
    base = {
        "loop": False,
        "fps": 20.0,
        "idle_fps": 20.0,
        "alive_every_s": 0.3,
        "fault_every_s": 0.3,
    }
    base |= {"crowd_every_s": 0.3, "fire_need": 4, "fire_of": 8}
    return WorkerSettings(
        id="east", source=source, models_dir="none", clock_offset_ms=0, **base | changes
    )


def lines_of(wanted, networks=None):
    """All lines of a worker that looks at a source until its end."""
    lines = []
    networks = networks or SteeredNetworks()
    Crew([wanted], networks, Clock(), lines.append).run()
    return lines


def test_flames_in_the_picture_raise_and_end(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [60] * 10 + [200] * 20 + [60] * 20)
    told = [(x.active, x.box) for x in lines_of(settings(clip)) if isinstance(x, FlameLine)]
    assert told == [(False, None), (True, (0.5, 0.5, 1.0, 1.0)), (False, None)]


def test_the_alive_line_counts_and_smoke_stays_quiet(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [60] * 40)
    lines = lines_of(settings(clip, fps=5.0))
    alive = [x for x in lines if isinstance(x, AliveLine)]
    assert len(alive) >= 3
    assert 3 <= alive[-1].fps <= 6
    assert alive[-1].dropped > alive[-1].frames
    assert [x.active for x in lines if isinstance(x, SmokeLine)] == [False]


def test_people_are_counted_per_zone_every_so_often(tmp_path):
    left = ZoneSettings(id="left", polygon=((0, 0), (0.5, 0), (0.5, 1), (0, 1)), area_m2=3.0)
    networks = SteeredNetworks()
    clip = write_clip(tmp_path / "c.mp4", [60] * 20, size=(96, 1920))
    lines = lines_of(settings(clip, zones=(left,), person_px=150.0), networks)
    crowds = [x for x in lines if isinstance(x, CrowdLine)]
    assert 2 <= len(crowds) <= 5
    people = crowds[0]
    assert (people.count, people.low, people.high, people.density) == (6.0, 3.0, 12.0, 2.0)
    assert networks.person_px[0] == 150.0


def test_a_dark_picture_is_a_fault_and_no_sign_of_life(tmp_path):
    clip = write_clip(tmp_path / "c.mp4", [0] * 20)
    lines = lines_of(settings(clip, dark_after_s=0.2))
    told = [x.health for x in lines if isinstance(x, FaultLine)]
    assert set(told) == {"black"}
    assert len([x for x in lines if isinstance(x, AliveLine)]) <= 1


def test_a_frozen_picture_is_stuck(tmp_path):
    path = tmp_path / "c.ts"
    still = av.VideoFrame.from_ndarray(np.full((96, 128, 3), 90, dtype=np.uint8), format="rgb24")
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=20)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for number in range(24):
            still.pts = number
            clip.mux(stream.encode(still))
        clip.mux(stream.encode())
    lines = lines_of(settings(str(path), frozen_after_s=0.3, dark_after_s=60))
    assert {x.health for x in lines if isinstance(x, FaultLine)} == {"stuck"}


def test_a_camera_that_cannot_be_opened_is_told_until_stopped(tmp_path):
    wanted = settings(str(tmp_path / "absent.mp4"))
    told = threading.Event()
    lines = []

    def write(line):
        lines.append(line)
        told.set()

    worker = Crew([wanted], SteeredNetworks(), Clock(), write)
    looking = threading.Thread(target=worker.run)
    looking.start()
    assert told.wait(DEADLINE_S)
    worker.stop()
    looking.join(DEADLINE_S)
    assert isinstance(lines[0], FaultLine)
    assert "absent.mp4" in lines[0].error


@pytest.fixture
def process(tmp_path, root):
    """A real worker with the shipped models that looks at an endless clip and has spoken."""
    clip = write_clip(tmp_path / "c.mp4", [60] * 40)
    wanted = settings(clip, loop=True)
    wanted = msgspec.structs.replace(wanted, models_dir=str(root / "models"))
    command = [sys.executable, "-m", "haidang_gateway.vision.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        started.stdin.write(encode(CrewSettings(cameras=(wanted,))))
        started.stdin.flush()
        assert json.loads(started.stdout.readline())["t"] in {"alive", "fire", "smoke"}
        yield started
        started.kill()


def test_the_process_ends_with_the_gateway(process):
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 0


def test_the_process_ends_when_nobody_listens(process):
    process.stdout.close()
    assert process.wait(DEADLINE_S) == 0


def test_ctrl_c_in_the_terminal_is_left_to_the_gateway(process):
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline()
    assert process.stdout.readline()
    assert process.poll() is None


def run_process(stdin):
    command = [sys.executable, "-m", "haidang_gateway.vision.worker"]
    done = subprocess.run(
        command, input=stdin, capture_output=True, timeout=DEADLINE_S, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_missing_models_are_a_fault_line_with_the_folder_and_an_exit_status():
    status, lines = run_process(encode(CrewSettings(cameras=(settings("c.mp4"),))))
    assert status == 3
    assert lines[0]["t"] == "fault"
    assert "manifest.toml" in lines[0]["error"]


def test_a_fire_model_that_does_not_exist_is_a_fault_line_with_the_setting(root):
    wanted = msgspec.structs.replace(settings("c.mp4"), models_dir=str(root / "models"))
    status, lines = run_process(encode(CrewSettings(cameras=(wanted,), fire="fire-best")))
    assert status == 3
    assert "no fire model [fire-best]; set `fire` in [models]" in lines[0]["error"]


def test_wrong_settings_are_a_fault_line():
    status, lines = run_process(b'{"cameras": [{"id": "east"}]}\n')
    assert status == 3
    assert "source" in lines[0]["error"]
