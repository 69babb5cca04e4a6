"""Evidence on the disk: a folder for each event, whole or not at all, sealed with a key."""

import json
import re
from hashlib import sha256

import pytest
from evidence_kit import KEY, NOW_MS, event, folders, kept_with_seconds_before
from haidang_gateway.errors import EvidenceError
from haidang_gateway.vision import evidence
from haidang_gateway.vision.evidence import EvidenceFolder, read_event, read_key
from hypothesis import given
from hypothesis import strategies as st


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


def test_what_power_failure_left_half_written_does_not_spoil_an_event(tmp_path):
    EvidenceFolder(tmp_path).keep(event())
    (folder,) = folders(tmp_path)
    (folder / ".after-00500-ms.jpg").write_bytes(b"hal")
    assert ".after-00500-ms.jpg" not in read_event(folder)
