"""The example configuration as text, and what becomes of a changed one."""

from pathlib import Path

import pytest
from haidang_gateway.config import load
from haidang_gateway.errors import ConfigError
from haidang_gateway.settings import Settings

_FILES = (
    "ca.pem",
    "gw-01.pem",
    "gw-01.key",
    "gw-01-alarm.pem",
    "gw-01-alarm.key",
    "centre-ca.pem",
)


def example(root: Path, tmp_path: Path) -> str:
    """The example with its files in `tmp_path`."""
    for name in _FILES:
        (tmp_path / name).touch(mode=0o600)
    text = (root / "gateway/deploy/gateway.example.toml").read_text(encoding="utf-8")
    return text.replace("/etc/haidang", str(tmp_path))


def loaded(tmp_path: Path, text: str) -> Settings:
    """What a text means."""
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def problems_of(tmp_path: Path, text: str) -> tuple[str, ...]:
    """The sentences that a wrong text gets."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return caught.value.problems
