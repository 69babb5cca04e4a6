"""`haidang-gateway camera`: one look at a picture source, answered in one sentence."""

import socket
from pathlib import Path

import av
import numpy as np
import pytest
from haidang_gateway.__main__ import main


def _clip(path: Path) -> Path:
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for level in range(5):
            picture = np.full((240, 320, 3), 40 * level, np.uint8)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        clip.mux(stream.encode(None))
    return path


def test_a_source_that_plays_is_told_with_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["camera", str(_clip(tmp_path / "clip.mp4"))]) == 0
    assert capsys.readouterr().out == "a picture came, 320 x 240\n"


def test_a_source_that_cannot_play_is_told_in_one_line_without_the_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        (tmp_path / "notes.txt").write_text("no video")
        port = closed.getsockname()[1]
        for source in (
            str(tmp_path / "absent.avi"),
            str(tmp_path / "notes.txt"),
            f"rtsp://bob:secret@127.0.0.1:{port}/x",
        ):
            assert main(["camera", source]) == 1
            (line,) = capsys.readouterr().err.splitlines()
            assert "cannot be opened" in line
            assert "secret" not in line


def test_an_unknown_log_level_is_told_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAIDANG_LOG", "loud")
    assert main(["run", "--config", "/absent.toml"]) == 2
    assert "HAIDANG_LOG=LOUD: write one of" in capsys.readouterr().err
