"""A whole city of real parts for one test; a failing test shows the gateway's log."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import stand
from haidang_tools import flash
from haidang_tools.demo.city import City

MakeCity = Callable[..., City]


@pytest.fixture(scope="session")
def flashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city's folder with certificates and flashed boards, to be copied by each test."""
    city = City(tmp_path_factory.mktemp("flashed") / "city")
    city.issue_certificates()
    image = city.folder / "application.flash"
    stand.write_image(image, stand.application(flash.SOURCE), "")
    for node in city.nodes:
        shutil.copy(image, city.folder / f"{node.id}.flash")
    image.unlink()
    return city.folder


@pytest.fixture
def make_city(flashed: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakeCity]:
    """Starts a `City` with the given arguments; it is stopped after the test."""
    cities: list[City] = []

    def make(**settings: Any) -> City:
        shutil.copytree(flashed, tmp_path / "city")
        city = City(tmp_path / "city", **settings)
        cities.append(city)
        city.start()
        return city

    yield make
    for city in cities:
        city.stop()
        print(f"--- gateway log of {request.node.name}\n{city.gateway.log[-6000:]}")  # noqa: T201
        for board in city.boards.values():
            print(f"--- console of {board.mac}\n{board.console[-2000:]!r}")  # noqa: T201
