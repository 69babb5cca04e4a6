"""What `check` finds in the files that a correct configuration names."""

import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from haidang_gateway.config import load
from haidang_gateway.config_files import about_models, expiring, problems
from haidang_gateway.fleet.pki import Authority
from haidang_gateway.settings import EvidenceSettings, SerialSettings, Settings, VisionSettings

_NOW_MS = time.time_ns() // 1_000_000


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> Settings:
    authority = Authority(tmp_path)
    authority.create("Test CA")
    for name in ("gw-01", "gw-01-alarm"):
        authority.issue(name, datetime.now(UTC), days=10)
    shutil.copy(tmp_path / "ca.pem", tmp_path / "centre-ca.pem")
    text = (root / "gateway/deploy/gateway.example.toml").read_text(encoding="utf-8")
    path = tmp_path / "gateway.toml"
    path.write_text(text.replace("/etc/haidang", str(tmp_path)), encoding="utf-8")
    return replace(load(path), models_dir=root / "models")


def test_certificates_that_fit_and_the_released_models_have_no_problem(settings: Settings) -> None:
    assert problems(settings, _NOW_MS) == ()


def test_every_file_that_will_not_work_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "centre-ca.pem").write_text("no certificate")
    shutil.copy(tmp_path / "gw-01.key", tmp_path / "gw-01-alarm.key")
    changed = replace(settings, models_dir=tmp_path)
    broker, centre, models = problems(changed, _NOW_MS)
    assert f"gw-01-alarm.key is not the key of {tmp_path}/gw-01-alarm.pem" in broker
    assert centre.startswith("[centre] ca: ")
    assert models.startswith("[models] ")
    assert "manifest.toml" in models


def test_a_fire_model_that_is_not_there_is_named(settings: Settings) -> None:
    (told,) = problems(replace(settings, vision=VisionSettings(fire="fire-best")), _NOW_MS)
    assert told.startswith("[models] ")
    assert "there is no fire model [fire-best]" in told


def test_another_gateways_certificate_and_an_expired_one_are_named(settings: Settings) -> None:
    other = problems(replace(settings, id="gw-02"), _NOW_MS)
    assert "the certificate of gw-01, not of gw-02" in other[0]
    later_ms = _NOW_MS + timedelta(days=11) // timedelta(milliseconds=1)
    assert ["was valid until" in text for text in problems(settings, later_ms)] == [True] * 3


def test_a_machine_that_wakes_up_in_1970_is_told_to_set_its_clock(settings: Settings) -> None:
    found = problems(settings, 86_400_000)
    assert len(found) == 5, found
    for text in found:
        assert "clock says 1970-01-02: set the clock (`timedatectl`)" in text


def test_a_key_for_evidence_that_is_none_is_told_with_its_remedy(
    settings: Settings, tmp_path: Path
) -> None:
    key = tmp_path / "evidence.key"
    key.write_text("not a key")
    (problem,) = problems(replace(settings, evidence=EvidenceSettings(key=key)), _NOW_MS)
    assert "openssl rand -hex 32" in problem


def test_what_ends_within_a_month_is_told_before_it_does(settings: Settings) -> None:
    soon = expiring(settings, _NOW_MS)
    assert [text.split(" ")[0].split("/")[-1] for text in soon] == ["gw-01.pem", "gw-01-alarm.pem"]
    assert all("is valid until" in text for text in soon)
    earlier_ms = _NOW_MS - timedelta(days=25) // timedelta(milliseconds=1)
    assert expiring(settings, earlier_ms) == ()


def test_a_certificate_of_another_authority_is_named(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other"
    authority = Authority(other)
    authority.create("Another CA")
    shutil.copy(other / "ca.pem", tmp_path / "other.pem")
    changed = replace(settings, broker=replace(settings.broker, ca=tmp_path / "other.pem"))
    found = problems(changed, _NOW_MS)
    assert ["was not issued by the authority" in text for text in found] == [True, True]


def test_a_model_is_not_missed_where_there_is_no_camera(settings: Settings) -> None:
    assert problems(replace(settings, cameras=(), models_dir=Path("/none")), _NOW_MS) == ()


def test_a_wired_node_without_its_key_is_named(settings: Settings, tmp_path: Path) -> None:
    nodes = ("n-240ac4000001", "n-240ac4000002")
    line = SerialSettings(device="/dev/ttyUSB0", baud=9600, nodes=nodes, keys=tmp_path)
    key = tmp_path / "n-240ac4000001.serial.key"
    key.write_bytes(bytes(32))
    key.chmod(0o644)
    open_to_all, absent = problems(replace(settings, serial=(line,)), _NOW_MS)
    assert "n-240ac4000001: others may read" in open_to_all
    assert "n-240ac4000002.serial.key: No such file" in absent


def test_a_research_variant_of_a_model_is_told_where_cameras_are(
    settings: Settings, tmp_path: Path
) -> None:
    (said,) = about_models(settings)
    assert "people are counted by crowd-research.tflite, a research variant" in said
    assert "train it on pictures of your own cameras" in said
    assert about_models(replace(settings, cameras=(), models_dir=Path("/none"))) == ()
    manifest = settings.models_dir / "manifest.toml"
    free = manifest.read_text(encoding="utf-8").replace('variant = "research"', 'variant = ""')
    (tmp_path / "manifest.toml").write_text(free, encoding="utf-8")
    assert about_models(replace(settings, models_dir=tmp_path)) == ()
    own = free.replace("[fire]", "[fire-own]")
    (tmp_path / "manifest.toml").write_text(own, encoding="utf-8")
    vision = VisionSettings(fire="fire-own")
    assert about_models(replace(settings, models_dir=tmp_path, vision=vision)) == ()
