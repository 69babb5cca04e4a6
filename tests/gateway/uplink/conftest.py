"""Certificates and a broker for the tests of the uplink."""

from pathlib import Path

import pytest
from haidang_tools.brokers import Broker, certificates


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("uplink") / "ca"
    certificates(path, "gw-01", "gw-02", "centre-01", "broker-centre")
    return path


@pytest.fixture
def broker(ca: Path, tmp_path: Path) -> Broker:
    """Not started; a test that starts it also ends it."""
    return Broker("centre", ca, tmp_path / "broker")
