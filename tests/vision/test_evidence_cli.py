"""`haidang-gateway evidence`: listed, exported, a view learnt anew."""

import argparse
import re
from pathlib import Path

import pytest
from evidence_kit import (
    KEY,
    kept_with_seconds_before,
)
from haidang_gateway.errors import EvidenceError
from haidang_gateway.vision import evidence_cli


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
