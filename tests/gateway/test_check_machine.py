"""What `check` says of disk, clock and ports."""

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from haidang_gateway import check_machine
from haidang_gateway.settings import SerialSettings, StoreSettings
from pipeline_kit import city_settings


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that is mounted read-only, as a worn card ends."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,ro", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_disk_that_works_and_one_that_is_not_there_yet_are_no_problem(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        assert list(check_machine.problems(replace(city_settings(), data_dir=folder))) == []
    assert not (tmp_path / "absent").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_mounted_read_only_is_a_problem_with_a_remedy(read_only: Path) -> None:
    (said,) = check_machine.problems(replace(city_settings(), data_dir=read_only))
    assert "cannot be written: Read-only file system" in said
    assert "`dmesg`" in said


@pytest.mark.parametrize("behind", ["", "below", "below/that"])
def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path, behind: str) -> None:
    file = tmp_path / "haidang"
    file.touch()
    (said,) = check_machine.problems(replace(city_settings(), data_dir=file / behind))
    assert said == f"[gateway] data_dir: {file} is a file; name a folder"


def test_too_little_free_disk_is_a_problem(tmp_path: Path) -> None:
    store = StoreSettings(reserve_mb=10**9)
    (said,) = check_machine.problems(replace(city_settings(), data_dir=tmp_path, store=store))
    assert "1000000064 MB are needed" in said


def test_a_slow_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_machine, "_SLOW_S", -1.0)
    (said,) = check_machine.problems(replace(city_settings(), data_dir=tmp_path))
    assert "an alarm waits as long" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_root_and_a_limit_beyond_the_disk_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_machine, "silent_ports", lambda _places: [])
    monkeypatch.setattr(check_machine, "clock_is_synchronised", lambda: False)
    store = StoreSettings(max_mb=10**9)
    settings = replace(city_settings(), data_dir=tmp_path, store=store)
    root, limit, clock = check_machine.warnings(settings)
    assert "belongs to root" in root
    assert "max_mb is 1000000000" in limit
    assert "not synchronised" in clock
    os.chown(tmp_path, 4711, 4712)
    assert len(list(check_machine.warnings(settings))) == 2


def test_a_memory_card_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path.stat().st_dev
    disk = tmp_path / "sys" / "mmcblk0"
    (disk / "device").mkdir(parents=True)
    (disk / "device" / "type").write_text("SD\n")
    (disk / "device" / "name").write_text("SC32G\n")
    (disk / "mmcblk0p2").mkdir()
    block = tmp_path / "block"
    block.mkdir()
    (block / f"{os.major(device)}:{os.minor(device)}").symlink_to(disk / "mmcblk0p2")
    monkeypatch.setattr(check_machine, "_BLOCK", block)
    assert check_machine._card(tmp_path) == "a memory card (SD SC32G)"
    (disk / "device" / "type").write_text("MMC\n")
    assert check_machine._card(tmp_path) == ""


def test_ports_where_nobody_answers_are_named() -> None:
    with socket.socket() as open_port, socket.socket() as closed_port:
        open_port.bind(("127.0.0.1", 0))
        open_port.listen()
        closed_port.bind(("127.0.0.1", 0))
        ports = [s.getsockname()[1] for s in (open_port, closed_port)]
        places = [("broker", "127.0.0.1", ports[0]), ("centre", "127.0.0.1", ports[1])]
        (said,) = check_machine.silent_ports(places)
    assert said.startswith(f"[centre] nobody answers at 127.0.0.1 port {ports[1]}")
    assert isinstance(check_machine.clock_is_synchronised(), bool)


def test_a_serial_device_that_is_not_there_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_machine, "silent_ports", lambda _places: [])
    monkeypatch.setattr(check_machine, "clock_is_synchronised", lambda: True)
    there, away = (
        SerialSettings(device=device, baud=9600, nodes=(), keys=tmp_path)
        for device in ("/dev/null", str(tmp_path / "usb"))
    )
    settings = replace(city_settings(), data_dir=tmp_path / "absent", serial=(there, away))
    (said,) = check_machine.warnings(settings)
    assert f"{tmp_path}/usb is not there or closed" in said
