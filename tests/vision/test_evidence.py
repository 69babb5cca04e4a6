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
from haidang_gateway.store import age
from haidang_gateway.vision import evidence, evidence_care, evidence_cli
from haidang_gateway.vision.camera import Develop, jpeg, raw
from haidang_gateway.vision.evidence import Event, EvidenceFolder, read_event, read_key
from haidang_gateway.vision.evidence_care import EvidenceCare, Kept, doomed, look
from haidang_gateway.vision.lines import FlameLine
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.witness import Ring, Witness, cut_out
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
    )


def kept_with_seconds_before(where, key=None):
    """An event and two pictures from before it; its folder."""
    folder = EvidenceFolder(where, key)
    folder.keep(event())
    path = folder.where(event())
    folder.follow(path, NOW_MS, [(NOW_MS - 1500, b"before"), (NOW_MS - 1000, b"later")])
    return path


def shown(colour, at_ms=NOW_MS, size=(360, 640)):
    """A frame of one colour."""
    rgb = np.full((*size, 3), colour, np.uint8)
    return Develop(Masks())(raw(rgb), number=1, at_ms=at_ms)


def folders(where):
    return sorted(p for p in where.glob("*/*") if p.is_dir())


def test_an_event_is_a_folder_whose_index_names_every_file_by_its_digest(tmp_path):
    name = EvidenceFolder(tmp_path).keep(event())
    assert name == "sha256:" + sha256(b"picture").hexdigest()
    folder = kept_with_seconds_before(tmp_path)
    assert folders(tmp_path) == [folder]
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


def test_an_event_from_before_there_was_a_key_is_read_as_it_is(tmp_path):
    folder = kept_with_seconds_before(tmp_path)
    assert read_event(folder, KEY) == read_event(folder)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(1, 255))
def test_any_changed_byte_of_a_sealed_file_is_noticed(content, where, flip):
    sealed = bytearray(evidence.seal(content, "a.jpg", KEY))
    assert evidence.unseal(bytes(sealed), "a.jpg", KEY) == content
    sealed[where % len(sealed)] ^= flip
    with pytest.raises(EvidenceError):
        evidence.unseal(bytes(sealed), "a.jpg", KEY)


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("name", ["crop.jpg", "before-01500-ms.jpg", "index.json"])
def test_a_file_that_was_changed_or_taken_away_is_named(tmp_path, name, key):
    folder = kept_with_seconds_before(tmp_path, key)
    path = folder / (name if key is None else f"{name}.sealed")
    path.write_bytes(b'{"files": []}' if name == "index.json" else b"another")
    with pytest.raises(EvidenceError, match=re.escape(name)):
        read_event(folder, key)
    path.unlink()
    with pytest.raises(EvidenceError, match=re.escape(name)):
        read_event(folder, key)


@pytest.mark.parametrize("index", [b"", b"[]", b"{}", b'{"files": {"../crop.jpg": "00"}}'])
def test_an_index_that_is_none_or_names_what_lies_elsewhere_is_refused(tmp_path, index):
    folder = kept_with_seconds_before(tmp_path)
    (folder / "index.json").write_bytes(index)
    with pytest.raises(EvidenceError, match=r"index\.json: was changed"):
        read_event(folder)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_crash_between_pictures_and_index_leaves_the_event_as_it_was(tmp_path, monkeypatch, key):
    folder, writer = kept_with_seconds_before(tmp_path, key), EvidenceFolder(tmp_path, key)
    before = read_event(folder, key)

    class Crash(BaseException):
        pass

    def crash(index):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(evidence, "_text", crash)
        with pytest.raises(Crash):
            writer.follow(folder, NOW_MS, [(NOW_MS + 500, b"after")])
    assert len(list(folder.iterdir())) == len(before) + 1
    assert read_event(folder, key) == before
    writer.follow(folder, NOW_MS, [(NOW_MS + 500, b"again")])
    assert read_event(folder, key)["after-00500-ms.jpg"] == b"again"


def test_a_disk_that_fills_up_in_the_middle_keeps_no_half_file(tmp_path, monkeypatch):
    folder = kept_with_seconds_before(tmp_path)
    before = sorted(path.name for path in folder.iterdir())

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evidence.os, "fsync", full)
    with pytest.raises(EvidenceError, match="cannot be added"):
        EvidenceFolder(tmp_path).follow(folder, NOW_MS, [(NOW_MS + 500, b"after")])
    assert sorted(path.name for path in folder.iterdir()) == before


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
        newest = np.zeros((size, 1), np.uint8)
        ring.add(at_ms, newest)
        kept = ring.pictures()
        assert kept[-1][0] == at_ms
        assert kept[-1][1] is newest
        assert all(at_ms - at <= 10_000 for at, _ in kept)
        assert ring.used_bytes == sum(picture.nbytes for _, picture in kept) <= 4000


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


def burning(witness, *, at_ms=NOW_MS, colour=(90, 90, 90)):
    """The line of flames that begin in a picture of that colour, signed."""
    line = FlameLine(active=True, score=0.9, box=(0.5, 0.5, 0.2, 0.2), at_ms=at_ms)
    return witness.sign(line, shown(colour, at_ms))


def watch(witness, seconds, *, since_s=0.0):
    """Two pictures a second, brighter each second, after `since_s`."""
    for i in range(int(2 * since_s), int(2 * seconds)):
        at_ms = NOW_MS + i * 500 + 100
        witness.see(shown((100 + i, 80, 60), at_ms), awake=True)


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


def test_what_power_failure_left_half_written_does_not_spoil_an_event(tmp_path):
    EvidenceFolder(tmp_path).keep(event())
    (folder,) = folders(tmp_path)
    (folder / ".after-00500-ms.jpg").write_bytes(b"hal")
    assert ".after-00500-ms.jpg" not in read_event(folder)


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


def kept(tmp_path, days, size=1000):
    return Kept(tmp_path / f"{NOW_MS - int(days * DAY_MS)}-aa", NOW_MS - int(days * DAY_MS), size)


def test_old_events_expire_and_the_oldest_overflow_first(tmp_path):
    events = [kept(tmp_path, days, size=4_000_000) for days in (31, 5, 1, 3)]
    gone = doomed(events, EvidenceSettings(keep_days=30, max_mb=10), NOW_MS)
    assert [e.at_ms for e in gone["expired"]] == [events[0].at_ms]
    assert [e.at_ms for e in gone["overflow"]] == [events[1].at_ms]


def test_what_followed_an_alarm_is_counted_and_deleted_with_it(tmp_path):
    class At:
        def now_ms(self):
            return NOW_MS + 31 * DAY_MS

    data = tmp_path / "evidence"
    witness = Witness("east", EvidenceFolder(data))
    burning(witness)
    (folder,) = folders(data)
    (before,) = look(data, NOW_MS)
    watch(witness, 12)
    (kept,) = look(data, NOW_MS)
    assert kept.size_bytes > before.size_bytes

    async def clear():
        async with open_store(tmp_path / "store") as store:
            care = EvidenceCare(data, EvidenceSettings(), store, At())
            await care.step()
            return await store.read(lambda c: c.execute("SELECT subject FROM audit").fetchall())

    assert [tuple(row) for row in asyncio.run(clear())] == [(kept.subject,)]
    assert not folder.exists()


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


def test_a_clock_that_is_years_ahead_deletes_no_picture(tmp_path):
    class At:
        def now_ms(self):
            return NOW_MS + 14 * 365 * DAY_MS

    data = tmp_path / "evidence"
    EvidenceFolder(data).keep(event(NOW_MS - 31 * DAY_MS))
    EvidenceFolder(data).keep(event(NOW_MS - DAY_MS))

    async def clear():
        async with open_store(tmp_path / "store") as store:
            await store.care(lambda c: age.note(c, NOW_MS))
            await EvidenceCare(data, EvidenceSettings(), store, At()).step()

    asyncio.run(clear())
    assert [e.at_ms for e in look(data, NOW_MS)] == [NOW_MS - DAY_MS]


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


def test_files_that_go_while_they_are_counted_are_not_counted(tmp_path):
    folder = kept_with_seconds_before(tmp_path)
    (before,) = look(tmp_path, NOW_MS)
    for gone in (folder / ".after-00500-ms.jpg", folder.parent / ".gone"):
        gone.symlink_to(tmp_path / "nowhere")
    assert look(tmp_path, NOW_MS) == [before]


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
    kept_with_seconds_before(tmp_path / "evidence", KEY)
    gateway(tmp_path, root, "list", key=str(key))
    first, last = capsys.readouterr().out.splitlines()
    assert last == "1 events"
    subject = first.split()[1]
    out = tmp_path / "out"
    gateway(tmp_path, root, "export", subject, str(out), key=str(key))
    exported, warning = capsys.readouterr().out.splitlines()
    assert "5 files" in exported
    assert warning == (
        f"not sealed: whoever can read {out} sees these pictures; keep it where only who needs "
        "them can read it, and delete it once they are handed over"
    )
    assert (out / "picture.jpg").read_bytes() == b"picture"
    with pytest.raises(EvidenceError, match="no event"):
        gateway(tmp_path, root, "export", "east/none", str(out), key=str(key))


def test_a_camera_moved_on_purpose_is_learnt_anew(tmp_path, root, capsys):
    view = tmp_path / "views" / "market-3-east.view"
    view.parent.mkdir()
    view.write_bytes(b"old")
    gateway(tmp_path, root, "relearn", "market-3-east")
    assert not view.exists()
    with pytest.raises(EvidenceError, match=r"no \[\[camera"):
        gateway(tmp_path, root, "relearn", "elsewhere")
