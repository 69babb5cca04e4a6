"""Official flood levels: only what is signed by a trusted key counts, from its day on."""

import json
import subprocess
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from haidang_gateway.__main__ import main
from haidang_gateway.errors import LevelsError
from haidang_gateway.installed_levels import editions_by_source, folder_of
from haidang_gateway.official_levels import editions, key_id, signed, verified
from haidang_gateway.settings import NodeSettings, Settings
from hypothesis import given
from hypothesis import strategies as st
from pipeline_kit import city_settings

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
GIANG = {
    "id": "giang",
    "name": "Giàng",
    "datum": "hệ cao độ quốc gia",
    "levels_mm": [4000, 5500, 6500],
}
LEVELS = {
    "haidang_levels": 1,
    "document": "05/2020/QĐ-TTg",
    "valid_from": "2020-03-15",
    "stations": [GIANG],
}
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def _text(**changes: object) -> bytes:
    return json.dumps(LEVELS | changes, ensure_ascii=False, indent=1).encode()


def test_what_was_signed_is_read_back() -> None:
    data = signed(_text(), KEY)
    assert data.startswith(_text()), "the signed text stays readable as it was"
    decision = verified(data, [OTHER.public_key(), KEY.public_key()])
    assert (decision.document, decision.valid_from) == ("05/2020/QĐ-TTg", date(2020, 3, 15))
    assert decision.stations[0].levels_mm == (4000, 5500, 6500)


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_byte_can_be_changed(position: int, bit: int) -> None:
    data = bytearray(signed(_text(), KEY))
    position %= len(data) - 1
    data[position] ^= 1 << bit
    with pytest.raises(LevelsError):
        verified(bytes(data), [KEY.public_key()])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_text(), "not signed; sign it with"),
        (b"", "not signed"),
        (signed(_text(), OTHER), f"key {key_id(OTHER.public_key())}, which is not trusted here"),
        (signed(_text(), KEY).replace(b"4000", b"9000"), "signature is wrong"),
        (signed(_text(), KEY).replace(b"4000", b"4001"), "signature is wrong"),
        (signed(_text(), KEY)[:-4] + b"!!!\n", "signature is wrong"),
        (b"x" * 2_000_000, "larger than 1 MB"),
    ],
)
def test_a_file_that_is_not_genuine_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(LevelsError, match=reason):
        verified(data, [KEY.public_key()])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[", "not readable JSON"),
        (_text(haidang_levels=2), '"haidang_levels" must be 1'),
        (_text(document=""), '"document" must be a text'),
        (_text(valid_from="soon"), '"valid_from" must be a day'),
        (_text(stations=[]), '"stations" must be a list'),
        (_text(stations=[GIANG, GIANG]), "given twice"),
        (_text(stations=[GIANG | {"levels_mm": [4000, 4000, 6500]}]), "station 1: .*three rising"),
        (_text(stations=[GIANG | {"levels_mm": [True, 2, 3]}]), "three rising"),
        (_text(stations=[GIANG | {"datum": 7}]), '"datum" must be a text'),
    ],
)
def test_nothing_unreadable_is_signed(text: bytes, reason: str) -> None:
    with pytest.raises(LevelsError, match=reason):
        signed(text, KEY)


def test_levels_are_told_above_the_gauges_own_zero_from_midnight_of_their_day() -> None:
    later = _text(valid_from="2026-01-01", stations=[GIANG | {"levels_mm": [4100, 5600, 6600]}])
    decisions = [verified(signed(text, KEY), [KEY.public_key()]) for text in (_text(), later)]
    first, second = editions(decisions, "giang", 1500, ZONE)
    assert [level.mm for level in first.levels] == [2500, 4000, 5000]
    assert [level.severity for level in first.levels] == ["Moderate", "Severe", "Extreme"]
    assert second.from_ms == 1_767_200_400_000, "2026-01-01T00:00+07:00"
    assert editions(decisions, "elsewhere", 0, ZONE) == ()


def _settings(folder: Path) -> Settings:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "levels.pub").write_bytes(public)
    base = city_settings()
    node = NodeSettings(id=base.nodes[0].id, place="m", gauge_station="giang")
    fields = {name: getattr(base, name) for name in base.__slots__}  # type: ignore[attr-defined]
    mine = {"data_dir": folder, "nodes": (node,), "level_keys": (folder / "levels.pub",)}
    return Settings(**fields | mine)


def test_only_genuine_files_give_a_gauge_its_levels_and_the_others_are_named(
    tmp_path: Path,
) -> None:
    settings = _settings(tmp_path)
    folder = folder_of(settings)
    folder.mkdir()
    (folder / "a.levels").write_bytes(signed(_text(), OTHER))
    found, problems = editions_by_source(settings)
    assert found == {}
    assert "a.levels: the file is signed with key" in problems[0]
    assert "no installed decision has levels of station giang" in problems[1]
    (folder / "b.levels").write_bytes(signed(_text(), KEY))
    found, problems = editions_by_source(settings)
    (edition,) = settings.site(found).gauges[settings.nodes[0].source]
    assert edition.document == "05/2020/QĐ-TTg"
    assert len(problems) == 1
    (tmp_path / "levels.pub").write_bytes(b"rubbish")
    found, problems = editions_by_source(settings)
    assert found == {}
    assert "is not a public key in PEM" in problems[0]


def test_the_command_makes_keys_signs_and_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, key, out = tmp_path / "levels.json", tmp_path / "office", tmp_path / "giang.levels"
    plain.write_bytes(_text())
    assert main(["levels", "keygen", str(key)]) == 0
    assert key.stat().st_mode & 0o077 == 0
    assert main(["levels", "keygen", str(key)]) == 1, "a key is never overwritten"
    assert main(["levels", "sign", str(plain), "--key", str(key), "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["levels", "verify", str(out), "--key", f"{key}.pub"]) == 0
    said = capsys.readouterr().out
    assert "05/2020/QĐ-TTg, in force from 2020-03-15" in said
    assert "giang: Giàng, 4.00 / 5.50 / 6.50 m (hệ cao độ quốc gia)" in said
    assert main(["levels", "verify", str(plain), "--key", f"{key}.pub"]) == 1
    assert "levels.json: the file is not signed" in capsys.readouterr().err
    openssl = ["openssl", "pkey", "-pubin", "-in", f"{key}.pub", "-noout"]
    assert subprocess.run(openssl, check=False).returncode == 0


def test_a_key_of_another_kind_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "ec").write_bytes(pem)
    (tmp_path / "f").write_bytes(_text())
    arguments = ["--key", str(tmp_path / "ec"), "--out", str(tmp_path / "g")]
    assert main(["levels", "sign", str(tmp_path / "f"), *arguments]) == 1
    assert "is not an Ed25519 key" in capsys.readouterr().err
