"""`check --connect` tells a broker that can be used from one that cannot, and why."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway import check_connect
from haidang_tools.brokers import Broker, certificates, free_port
from pipeline_kit import city_settings
from running_uplink import destination_at


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("connect") / "ca"
    certificates(path, "gw-01", "broker-centre")
    certificates(path.parent / "foreign", "gw-01")
    return path


def _told(folder: Path, port: int, **more: Any) -> list[str]:
    one = destination_at(folder, port, **more)
    return list(check_connect.problems(dataclasses.replace(city_settings(), centre=one)))


def test_each_way_to_fail_has_its_sentence(ca: Path, tmp_path: Path) -> None:
    foreign = ca.parent / "foreign"
    with Broker("centre", ca, tmp_path) as broker:
        assert _told(ca, broker.port) == []
        (wrong_name,) = _told(ca, broker.port, server_name="ioc.example.vn")
        (wrong_authority,) = _told(ca, broker.port, ca=foreign / "ca.pem")
        (wrong_identity,) = _told(
            ca, broker.port, cert=foreign / "gw-01.pem", key=foreign / "gw-01.key"
        )
    (nobody,) = _told(ca, free_port())
    assert "server_name" in wrong_name
    assert "not accepted" in wrong_authority
    assert "refuses us" in wrong_identity or "hangs up" in wrong_identity
    assert nobody.startswith("[centre] 127.0.0.1:")
    assert "refused" in nobody
