"""A real gateway's world: two brokers and all certificates, which are drawn once; orders."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_kit import World, issue_all
from order_desk import OrderDesk
from redial_kit import noted_pauses


@pytest.fixture(scope="session")
def ca_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as `World.open` wants them."""
    folder = tmp_path_factory.mktemp("authority")
    issue_all(folder)
    return folder


@pytest.fixture
def world(tmp_path: Path, ca_dir: Path) -> Iterator[World]:
    """Both brokers running, the gateway not started."""
    with World.open(tmp_path, ca_dir) as world:
        yield world


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between dials that lines have decided on; each lasts no time."""
    return noted_pauses(monkeypatch)


@pytest.fixture
def desk() -> OrderDesk:
    """Orders for two nodes, none given yet."""
    return OrderDesk()
