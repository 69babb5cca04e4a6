"""Evidence: kept with an alarm alone, sealed, bounded, deleted in time with a note."""

import argparse
import asyncio
import io
import json
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from haidang_gateway.errors import EvidenceError
from haidang_gateway.settings import EvidenceSettings
from haidang_gateway.vision import evidence, evidence_care, evidence_cli
from haidang_gateway.vision.camera import Frame, jpeg
from haidang_gateway.vision.evidence import Event, EvidenceFolder, Ring, read_event, read_key
from haidang_gateway.vision.evidence_care import EvidenceCare, Kept, doomed, look
from haidang_gateway.vision.lines import FlameLine
from haidang_gateway.vision.witness import Witness, cut_out
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from store_kit import open_store

NOW_MS = 1_764_000_000_000
DAY_MS = 86_400_000
KEY = bytes(range(32))


def event(at_ms=NOW_MS, picture=b"picture", camera="east"):
    return Event(
        camera=camera,
        kind="fire",
        score=0.91,
        box=(0.5, 0.5, 0.2, 0.2),
        at_ms=at_ms,
        picture=picture,
        crop=b"crop",
        ring=[(at_ms - 1500, b"before"), (at_ms - 1000, b"later")],
    )


def folders(where):
    return sorted(p for p in where.glob("*/*") if p.is_dir())


def test_an_event_is_a_folder_whose_index_names_every_file_by_its_digest(tmp_path):
    name = EvidenceFolder(tmp_path).keep(event())
    assert name == "sha256:" + sha256(b"picture").hexdigest()
    (folder,) = folders(tmp_path)
    files = read_event(folder)
    assert sorted(files) == [
        "before-01000-ms.jpg",
        "before-01500-ms.jpg",
        "crop.jpg",
        "index.json",
        "picture.jpg",
    ]
    index = json.loads(files["index.json"])
    assert (index["camera"], index["kind"], index["score"]) == ("east", "fire", 0.91)
    assert index["files"]["picture.jpg"] == name.removeprefix("sha256:")


def test_the_same_event_twice_is_one_folder(tmp_path):
    folder = EvidenceFolder(tmp_path)
    assert folder.keep(event()) == folder.keep(event())
    assert len(folders(tmp_path)) == 1


def test_sealed_evidence_shows_nothing_and_opens_with_its_key_alone(tmp_path):
    EvidenceFolder(tmp_path, KEY).keep(event())
    (folder,) = folders(tmp_path)
    assert all(b"picture" not in path.read_bytes() for path in folder.iterdir())
    assert read_event(folder, KEY)["picture.jpg"] == b"picture"
    with pytest.raises(EvidenceError, match="give the key"):
        read_event(folder)
    with pytest.raises(EvidenceError, match="does not fit"):
        read_event(folder, bytes(32))


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(1, 255))
def test_any_changed_byte_of_a_sealed_file_is_noticed(content, where, flip):
    sealed = bytearray(evidence.seal(content, "a.jpg", KEY))
    assert evidence.unseal(bytes(sealed), "a.jpg", KEY) == content
    sealed[where % len(sealed)] ^= flip
    with pytest.raises(EvidenceError):
        evidence.unseal(bytes(sealed), "a.jpg", KEY)


def test_a_file_that_was_changed_or_taken_away_is_named(tmp_path):
    EvidenceFolder(tmp_path).keep(event())
    (folder,) = folders(tmp_path)
    (folder / "crop.jpg").write_bytes(b"another")
    with pytest.raises(EvidenceError, match=r"crop\.jpg"):
        read_event(folder)


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 31])
def test_a_wrong_key_file_says_how_to_make_one(tmp_path, text):
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(EvidenceError, match="openssl rand -hex 32"):
        read_key(path)


def test_a_folder_that_cannot_be_written_or_a_full_disk_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EvidenceError, match="cannot be written"):
        EvidenceFolder(tmp_path / "file").keep(event())
    monkeypatch.setattr(evidence, "_LEAST_FREE_BYTES", 1 << 60)
    with pytest.raises(EvidenceError, match="nearly full"):
        EvidenceFolder(tmp_path / "kept").keep(event())
    assert folders(tmp_path / "kept") == []


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 900)), max_size=60))
def test_the_ring_keeps_ten_seconds_and_never_more_than_its_bytes(steps):
    ring, at_ms = Ring(max_bytes=4000), 0
    for step_ms, size in steps:
        at_ms += step_ms
        ring.add(at_ms, bytes(size))
        frames = ring.frames()
        assert frames[-1] == (at_ms, bytes(size))
        assert all(at_ms - at <= 10_000 for at, _ in frames)
        assert ring.used_bytes == sum(len(picture) for _, picture in frames) <= 4000


def test_a_picture_is_kept_once_for_a_vote_and_named_with_each_repeat(tmp_path):
    witness = Witness("east", EvidenceFolder(tmp_path))
    frame = Frame(
        number=1,
        at_ms=NOW_MS,
        luma=np.zeros((90, 160), np.uint8),
        rgb=np.full((360, 640, 3), 90, np.uint8),
    )
    witness.see(frame, awake=True)
    burning = FlameLine(active=True, score=0.9, box=(0.5, 0.5, 0.2, 0.2), at_ms=NOW_MS)
    first, again = witness.sign(burning, frame), witness.sign(burning, frame)
    assert first.snapshot is not None
    assert again.snapshot == first.snapshot
    assert len(folders(tmp_path)) == 1
    quiet = FlameLine(active=False, score=0.1, box=None, at_ms=NOW_MS)
    assert witness.sign(quiet, frame).snapshot is None
    (folder,) = folders(tmp_path)
    files = read_event(folder)
    assert Image.open(io.BytesIO(files["picture.jpg"])).size == (640, 360)
    assert Image.open(io.BytesIO(files["crop.jpg"])).size[0] < 640
    assert "before-00000-ms.jpg" in files


def test_an_alarm_goes_out_without_its_picture_when_the_disk_fails(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    witness = Witness("east", EvidenceFolder(tmp_path / "file"))
    frame = Frame(
        number=1,
        at_ms=NOW_MS,
        luma=np.zeros((9, 16), np.uint8),
        rgb=np.zeros((90, 160, 3), np.uint8),
    )
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


def kept(tmp_path, days, size=1000):
    return Kept(tmp_path / f"{NOW_MS - int(days * DAY_MS)}-aa", NOW_MS - int(days * DAY_MS), size)


def test_old_events_expire_and_the_oldest_overflow_first(tmp_path):
    events = [kept(tmp_path, days, size=4_000_000) for days in (31, 5, 1, 3)]
    gone = doomed(events, EvidenceSettings(keep_days=30, max_mb=10), NOW_MS)
    assert [e.at_ms for e in gone["expired"]] == [events[0].at_ms]
    assert [e.at_ms for e in gone["overflow"]] == [events[1].at_ms]


def test_what_is_deleted_is_in_the_audit_chain_and_the_rest_stays(tmp_path):
    class At:
        def now_ms(self):
            return NOW_MS

    data = tmp_path / "evidence"
    EvidenceFolder(data).keep(event(NOW_MS - 31 * DAY_MS, picture=b"old"))
    EvidenceFolder(data).keep(event(NOW_MS - DAY_MS))

    async def clear():
        async with open_store(tmp_path / "store") as store:
            care = EvidenceCare(data, EvidenceSettings(), store, At())
            await care.step()
            rows = await store.read(
                lambda c: c.execute("SELECT kind, subject, digest FROM audit").fetchall()
            )
            return care, rows

    care, rows = asyncio.run(clear())
    old = sha256(b"old").hexdigest()[:16]
    subject = f"east/{NOW_MS - 31 * DAY_MS}-{old}"
    assert ("evidence_expired", subject, old) in [tuple(row) for row in rows]
    assert [e.at_ms for e in look(data, NOW_MS)] == [NOW_MS - DAY_MS]
    assert care.deleted == {"expired": 1, "overflow": 0}


def test_an_event_that_cannot_be_deleted_is_noted_once_and_keeps_no_other(tmp_path, monkeypatch):
    class At:
        def now_ms(self):
            return NOW_MS

    data = tmp_path / "evidence"
    for at_ms in (1, 2, 3):
        EvidenceFolder(data).keep(event(at_ms, picture=b"%d" % at_ms))
    held, *_ = folders(data)
    remove = evidence_care.shutil.rmtree

    def rmtree(path, **options):
        if path == held:
            raise PermissionError(13, "Permission denied", str(path))
        remove(path, **options)

    monkeypatch.setattr(evidence_care.shutil, "rmtree", rmtree)

    async def clear():
        async with open_store(tmp_path / "store") as store:
            care = EvidenceCare(data, EvidenceSettings(), store, At())
            for _ in range(3):
                await care.step()
            return care, await store.read(
                lambda c: c.execute("SELECT subject FROM audit").fetchall()
            )

    care, rows = asyncio.run(clear())
    assert folders(data) == [held]
    assert len(rows) == 3
    assert (care.kept, care.deleted["expired"]) == (1, 2)
    assert care.kept_bytes > 0


def test_what_a_crash_left_half_written_is_cleared_up_later(tmp_path):
    half = tmp_path / "east" / ".1764000000000-aa-bb"
    half.mkdir(parents=True)
    now_ms = int(half.stat().st_mtime * 1000)
    assert look(tmp_path, now_ms + 60_000) == []
    assert half.exists()
    look(tmp_path, now_ms + 2 * 3_600_000)
    assert not half.exists()


def gateway(tmp_path, root, *words, key=""):
    """What `haidang-gateway evidence ...` prints with the example's configuration."""
    text = (root / "gateway/deploy/gateway.example.toml").read_text(encoding="utf-8")
    text = text.replace('# data_dir = "/var/lib/haidang"', f'data_dir = "{tmp_path}"')
    assert str(tmp_path) in text
    if key:
        text = text.replace("[evidence]\n", f'[evidence]\nkey = "{key}"\n')
    for name in re.findall(r'"(/etc/haidang/[^"]+)"', text):
        path = tmp_path / "etc" / Path(name).name
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        text = text.replace(name, str(path))
    config = tmp_path / "gateway.toml"
    config.write_text(text, encoding="utf-8")
    parser = argparse.ArgumentParser()
    evidence_cli.add_arguments(parser, config)
    assert evidence_cli.run(parser.parse_args(words)) == 0


def test_evidence_is_listed_and_exported_unsealed(tmp_path, root, capsys):
    key = tmp_path / "evidence.key"
    key.write_text(KEY.hex())
    key.chmod(0o600)
    EvidenceFolder(tmp_path / "evidence", KEY).keep(event())
    gateway(tmp_path, root, "list", key=str(key))
    first, last = capsys.readouterr().out.splitlines()
    assert last == "1 events"
    subject = first.split()[1]
    gateway(tmp_path, root, "export", subject, str(tmp_path / "out"), key=str(key))
    assert "5 files" in capsys.readouterr().out
    assert (tmp_path / "out" / "picture.jpg").read_bytes() == b"picture"
    with pytest.raises(EvidenceError, match="no event"):
        gateway(tmp_path, root, "export", "east/none", str(tmp_path / "out"), key=str(key))


def test_a_camera_moved_on_purpose_is_learnt_anew(tmp_path, root, capsys):
    view = tmp_path / "views" / "market-3-east.view"
    view.parent.mkdir()
    view.write_bytes(b"old")
    gateway(tmp_path, root, "relearn", "market-3-east")
    assert not view.exists()
    with pytest.raises(EvidenceError, match=r"no \[\[camera"):
        gateway(tmp_path, root, "relearn", "elsewhere")
