"""Which nodes the broker refuses, told from a copy of the authority's index, by name."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from haidang_gateway.batch import Batch
from haidang_gateway.errors import StoreError
from haidang_gateway.fleet.identities import troubles, unheard
from haidang_gateway.fleet.pki import Authority
from haidang_gateway.settings import NodeSettings, SerialSettings, Settings
from node_packs import START_MS
from pipeline_kit import city_settings
from store_kit import NO_BROKER, open_store, packs, row

_NOW = datetime.now(UTC)
_NOW_MS = time.time_ns() // 1_000_000
_LINE = b'{"name": "gw-01", "role": "gateway", "serial": "1", "hosts": [], %s}\n'
_GOOD, _OLD, _SOON, _GONE, _NONE, _WIRED = (f"n-240ac400000{n}" for n in range(1, 7))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    authority = Authority(tmp_path)
    authority.create("Test CA")
    authority.issue("gw-01", _NOW)
    authority.issue(_GOOD, _NOW - timedelta(days=400), 30)
    authority.issue(_GOOD, _NOW)
    authority.issue(_OLD, _NOW - timedelta(days=400), 30)
    authority.issue(_SOON, _NOW, 20)
    authority.issue(_GONE, _NOW - timedelta(days=400), 30)
    authority.issue(_GONE, _NOW)
    authority.revoke(_GONE, _NOW)
    names = (_GOOD, _OLD, _SOON, _GONE, _NONE, _WIRED)
    return replace(
        city_settings(),
        data_dir=tmp_path,
        broker=replace(NO_BROKER, ca=tmp_path / "ca.pem", cert=tmp_path / "gw-01.pem"),
        nodes=tuple(NodeSettings(id=name, place="m") for name in names),
        serial=(SerialSettings(device="/dev/null", baud=9600, nodes=(_WIRED,), keys=tmp_path),),
    )


def test_each_node_that_the_broker_refuses_is_named_with_the_reason(settings: Settings) -> None:
    told = dict(line.split(": ", 1) for line in troubles(settings, _NOW_MS))
    assert set(told) == {_OLD, _SOON, _GONE, _NONE}
    assert f"valid until {(_NOW - timedelta(days=370)).date()}, the broker refuses" in told[_OLD]
    assert f"valid until {(_NOW + timedelta(days=20)).date()}; `haidang pro" in told[_SOON]
    assert f"revoked on {_NOW.date()}" in told[_GONE]
    assert "names no certificate of it" in told[_NONE]


def test_without_the_index_nothing_is_claimed(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "index").unlink()
    assert list(troubles(settings, _NOW_MS)) == []


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]\n",
        b"SQLite format 3\0\xff\xfe",
        b"V\t271122000000Z\t\t01\tunknown\t/CN=n-240ac4000001\n",
        _LINE % b'"not_after": 5',
        _LINE % b'"not_after": "2031-11-23"',
        _LINE % b'"not_after": "soon"',
        _LINE % b'"not_after": "2031-11-23T00:00:00+00:00", "revoked": true',
    ],
)
def test_a_torn_or_foreign_file_in_the_place_of_the_index_is_told_in_one_line(
    settings: Settings, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "index").write_bytes(content)
    (damaged,) = troubles(settings, _NOW_MS)
    assert damaged.startswith(f"{tmp_path / 'index'} is damaged (")
    assert damaged.endswith("; copy it anew from the authority, or from its backup")


def test_an_index_that_cannot_be_read_is_told_in_one_line(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "index").unlink()
    # A file whose first byte no process may read, root neither.
    (tmp_path / "index").symlink_to("/proc/self/mem")
    (told,) = troubles(settings, _NOW_MS)
    assert told.startswith(f"{tmp_path / 'index'}: Input/output error; ")


def test_the_index_of_another_authority_accuses_no_node(
    settings: Settings, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    other.create("Other CA")
    other.issue("gw-01", _NOW)
    (tmp_path / "other/index").replace(tmp_path / "index")
    (told,) = troubles(settings, _NOW_MS)
    assert "does not name this gateway's own certificate" in told
    assert "copy it anew" in told


def test_a_node_that_never_spoke_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        list(unheard(settings))

    async def speak() -> None:
        async with open_store(tmp_path) as store:
            heard = {name: {"heartbeat_s": 30} for name in (_OLD, _SOON, _GONE)}
            await store.commit(Batch(now_ms=START_MS, nodes=heard))
            # Of this one no status could be read.
            assert row(1).node == _GOOD
            await store.commit(packs(row(1)))

    asyncio.run(speak())
    by_radio, wired = unheard(settings)
    assert by_radio.startswith(f"{_NONE} has never been heard here")
    assert "whether its certificate is good" in by_radio
    assert wired.startswith(f"{_WIRED} has never been heard here")
    assert "whether its line and key are good" in wired
