"""What a camera keeps of an alarm: the picture, ten seconds before it and ten after."""

import io
import json

import numpy as np
import pytest
from evidence_kit import KEY, NOW_MS, burning, folders, kept_with_seconds_before, shown, watch
from haidang_gateway.vision import evidence, evidence_care
from haidang_gateway.vision.camera import Develop, jpeg, planes_jpeg, raw
from haidang_gateway.vision.evidence import EvidenceFolder, read_event
from haidang_gateway.vision.lines import FlameLine
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.witness import Ring, Witness, cut_out
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 900)), max_size=60))
def test_the_ring_keeps_ten_seconds_and_never_more_than_its_bytes(steps):
    ring, at_ms = Ring(max_bytes=4000), 0
    for step_ms, size in steps:
        at_ms += step_ms
        newest = np.zeros((size, 1), np.uint8)
        ring.add(at_ms, newest)
        kept = ring.pictures()
        assert kept[-1][0] == at_ms
        assert kept[-1][1] is newest
        assert all(at_ms - at <= 10_000 for at, _ in kept)
        assert ring.used_bytes == sum(picture.nbytes for _, picture in kept) <= 4000


def test_a_cameras_ring_takes_eight_megabytes_at_most_however_tall_its_pictures_are():
    ring = Ring()
    for number in range(5):
        ring.add(number * 500, np.zeros((3_000_000, 1), np.uint8))
    assert ring.used_bytes <= 8_000_000
    assert ring.crowded_out == 3


def test_a_picture_is_kept_once_for_a_vote_and_named_with_each_repeat(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    frame = shown((90, 90, 90))
    witness.see(frame, awake=True)
    burning = FlameLine(active=True, score=0.9, box=(0.5, 0.5, 0.2, 0.2), at_ms=NOW_MS)
    first, again = witness.sign(burning, frame), witness.sign(burning, frame)
    assert first.snapshot is not None
    assert again.snapshot == first.snapshot
    assert len(folders(tmp_path)) == 1
    quiet = FlameLine(active=False, score=0.1, box=None, at_ms=NOW_MS)
    assert witness.sign(quiet, frame).snapshot is None
    witness.finish()
    (folder,) = folders(tmp_path)
    files = read_event(folder)
    assert Image.open(io.BytesIO(files["picture.jpg"])).size == (640, 360)
    assert Image.open(io.BytesIO(files["crop.jpg"])).size[0] < 640
    assert "before-00000-ms.jpg" in files


@pytest.mark.parametrize(
    ("size", "kept"),
    [((640, 360), (640, 360)), ((1280, 720), (480, 270)), ((704, 576), (480, 392))],
)
def test_the_seconds_around_an_alarm_are_whole_where_the_stream_is_small(tmp_path, size, kept):
    witness = Witness("east", EvidenceFolder(tmp_path))
    grey = raw(np.full((*size[::-1], 3), 90, np.uint8)).reformat(format="yuv420p")
    for number in range(21):
        witness.see(Develop(Masks())(grey, number=number, at_ms=number * 500), awake=True)
    assert len(witness._ring.pictures()) == 21, "ten seconds"
    (_, planes), *_ = witness._ring.pictures()
    assert Image.open(io.BytesIO(planes_jpeg(planes))).size == kept


def after(folder, key=None):
    return [name for name in read_event(folder, key) if name.startswith("after-")]


def test_an_alarm_waits_for_no_more_files_than_it_needs(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    watch(witness, 10, since_s=0)
    burning(witness, at_ms=NOW_MS + 10_000)
    (folder,) = folders(tmp_path)
    assert sorted(read_event(folder)) == ["crop.jpg", "index.json", "picture.jpg"]
    witness.mind(NOW_MS + 10_001)
    before = [name for name in read_event(folder) if name.startswith("before-")]
    assert before == [f"before-{9900 - 500 * i:05d}-ms.jpg" for i in range(20)]


@pytest.mark.parametrize("key", [None, KEY])
def test_pictures_go_on_being_kept_for_ten_seconds_after_an_alarm_began(tmp_path, key):
    witness = Witness("east", EvidenceFolder(tmp_path, key))
    burning(witness)
    watch(witness, 30)
    (folder,) = folders(tmp_path)
    kept = after(folder, key)
    assert kept == [f"after-{100 + 500 * i:05d}-ms.jpg" for i in range(20)]
    files = read_event(folder, key)
    assert set(kept) <= set(json.loads(files["index.json"])["files"])
    colour = np.asarray(Image.open(io.BytesIO(files["after-05100-ms.jpg"]))).mean(axis=(0, 1))
    assert np.abs(colour - (110, 80, 60)).max() < 5
    if key is not None:
        assert all(path.suffix == ".sealed" for path in folder.iterdir())
    assert not list(folder.glob(".*"))


def test_what_follows_is_written_every_few_seconds_and_when_no_picture_comes_any_more(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    burning(witness)
    watch(witness, 3)
    (folder,) = folders(tmp_path)
    assert len(after(folder)) == 5
    witness.mind(NOW_MS + 9_000)
    assert len(after(folder)) == 5
    witness.mind(NOW_MS + 10_001)
    assert len(after(folder)) == 6
    watch(witness, 9, since_s=8)
    assert len(after(folder)) == 6


def test_a_worker_that_ends_writes_what_it_has_seen_since_the_alarm(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    burning(witness)
    watch(witness, 1)
    witness.finish()
    (folder,) = folders(tmp_path)
    assert len(after(folder)) == 2


def test_votes_that_come_and_go_are_each_followed_but_never_more_than_four(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    for i in range(6):
        burning(witness, at_ms=NOW_MS + i, colour=(90 + i, 90, 90))
        witness.sign(FlameLine(active=False, score=0.1, box=None, at_ms=NOW_MS + i), None)
    watch(witness, 12)
    assert [len(after(folder)) for folder in folders(tmp_path)] == [0, 0, 20, 20, 20, 20]


def test_the_seconds_before_an_event_are_kept_though_four_others_begin_at_once(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    watch(witness, 2)
    for i in range(5):
        burning(witness, at_ms=NOW_MS + 2000 + i, colour=(90 + i, 90, 90))
        witness.sign(FlameLine(active=False, score=0.1, box=None, at_ms=NOW_MS), None)
    oldest, *others = folders(tmp_path)
    assert len(read_event(oldest)) == 3, "the fifth alarm goes out before the first one's pictures"
    witness.mind(NOW_MS + 2010)
    assert len([name for name in read_event(oldest) if name.startswith("before-")]) == 4
    witness.finish()
    assert [len(read_event(folder)) for folder in others] == [7] * 4


@pytest.mark.parametrize("size", [(97, 333), (360, 639), (35, 2), (2, 35)])
def test_pictures_of_odd_sizes_are_kept_before_and_after_an_alarm(tmp_path, size):
    witness = Witness("east", EvidenceFolder(tmp_path))
    for i in range(4):
        witness.see(shown((90, 90, 90), NOW_MS + i * 500, size), awake=True)
        if i == 1:
            line = FlameLine(active=True, score=0.9, box=None, at_ms=NOW_MS + 500)
            witness.sign(line, shown((90, 90, 90), NOW_MS + 500, size))
    witness.finish()
    (folder,) = folders(tmp_path)
    files = read_event(folder)
    assert len(files) == 6
    for name in files.keys() - {"index.json"}:
        wide, high = Image.open(io.BytesIO(files[name])).size
        assert 0 <= size[1] - wide <= 1 or wide == 480
        assert 0 <= size[0] - high <= 1 or wide == 480


def test_a_folder_is_synced_when_something_was_added_to_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(evidence, "_sync", synced.append)
    folder = kept_with_seconds_before(tmp_path)
    assert synced == [folder.parent, folder]


def test_an_event_deleted_meanwhile_stays_deleted(tmp_path, monkeypatch):
    witness = Witness("east", EvidenceFolder(tmp_path))
    burning(witness)
    (folder,) = folders(tmp_path)
    evidence_care.shutil.rmtree(folder)
    watch(witness, 12)
    assert folders(tmp_path) == []
    assert witness.failed >= 1


def test_a_full_disk_ends_what_follows_and_leaves_the_event_whole(tmp_path, monkeypatch):
    witness = Witness("east", EvidenceFolder(tmp_path))
    burning(witness)
    monkeypatch.setattr(evidence, "_LEAST_FREE_BYTES", 1 << 60)
    watch(witness, 12)
    (folder,) = folders(tmp_path)
    assert after(folder) == []
    assert witness.failed >= 1


def test_an_alarm_goes_out_without_its_picture_when_the_disk_fails(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    witness = Witness("east", EvidenceFolder(tmp_path / "file"))
    frame = shown((0, 0, 0))
    burning = FlameLine(active=True, score=0.9, box=None, at_ms=NOW_MS)
    assert witness.sign(burning, frame) == burning
    assert witness.failed == 1


@given(st.tuples(*[st.floats(0, 1)] * 4), st.integers(2, 60), st.integers(2, 60))
def test_a_cut_out_lies_inside_the_picture_or_is_none(box, high, wide):
    crop = cut_out(np.zeros((high, wide, 3), np.uint8), box)
    assert crop is None or (16 <= crop.shape[0] <= high and 16 <= crop.shape[1] <= wide)


@pytest.mark.parametrize("size", [(2, 2), (2, 640), (97, 333), (576, 1024)])
def test_a_picture_of_any_size_becomes_a_jpeg(size):
    rgb = np.full((*size, 3), 130, np.uint8)
    shown = np.asarray(Image.open(io.BytesIO(jpeg(rgb, width=480))).convert("RGB"))
    assert shown.shape[1] <= 480
    assert abs(float(shown.mean()) - 130) < 3


@pytest.mark.parametrize("size", [(1, 1), (640, 1), (1, 480), (70_000, 2)])
def test_an_alarm_goes_out_whatever_size_its_picture_has(tmp_path, size):
    witness = Witness("east", EvidenceFolder(tmp_path))
    strange = raw(np.full((*size[::-1], 3), 90, np.uint8)).reformat(format="yuv444p")
    frame = Develop(Masks())(strange, number=1, at_ms=NOW_MS)
    witness.see(frame, awake=True)
    line = FlameLine(active=True, score=0.9, box=(0.5, 0.5, 1.0, 1.0), at_ms=NOW_MS)
    assert witness.sign(line, frame).active
    witness.finish()
    assert (witness.failed == 0) == (size[0] < 70_000)
    (folder,) = folders(tmp_path)
    assert "picture.jpg" in read_event(folder)


def test_an_alarm_goes_out_without_its_picture_when_none_can_be_made_of_it(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    tall = raw(np.full((70_000, 2, 3), 90, np.uint8)).reformat(format="yuv444p")
    line = FlameLine(active=True, score=0.9, box=None, at_ms=NOW_MS)
    assert witness.sign(line, Develop(Masks())(tall, number=1, at_ms=NOW_MS)) == line
    assert witness.failed == 1
