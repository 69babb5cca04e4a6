"""The sniffer's C core on this machine: under the sanitizers, with frames built field by field."""

import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import DEADLINE_S

SNIFFER = Path(__file__).resolve().parents[2] / "firmware" / "sniffer"
CORE = sorted((SNIFFER / "core").glob("*.c"))
STRICT = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"]
MEMORY = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
KEY = bytes(range(16))
PHONE = bytes.fromhex("a4c3f0123456")
RANDOMISED = bytes.fromhex("a6c3f0123456")
RATES = (1, bytes.fromhex("02040b16"))
HT = (45, bytes(26))
SSID = (0, "Nhà Lan 5G".encode())
LINE = struct.Struct("<IBBHIbB")

Filter = Callable[..., list[tuple[int, ...]]]


def _compiled(target: Path, source: str, *flags: str) -> Path:
    command = ["gcc", *STRICT, *flags, f"-I{SNIFFER / 'core'}", "-o", str(target)]
    command += [str(SNIFFER / "host_tests" / source), *map(str, CORE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return target


@pytest.fixture(scope="module")
def sniff(tmp_path_factory: pytest.TempPathFactory) -> Filter:
    """Frames to the fields of their lines, by the C core under the sanitizers."""
    program = _compiled(tmp_path_factory.mktemp("c") / "filter", "probe_filter.c", *MEMORY)

    def run(*frames: bytes, key: bytes = KEY) -> list[tuple[int, ...]]:
        data = key + b"".join(struct.pack("<H", len(frame)) + frame for frame in frames)
        result = subprocess.run([program], input=data, capture_output=True, check=False)
        assert result.returncode == 0, result.stderr.decode()
        return [_fields(result.stdout[at : at + 17]) for at in range(0, len(result.stdout), 17)]

    return run


def _fields(line: bytes) -> tuple[int, ...]:
    assert line[:2] == b"\xa5\x5a"
    assert sum(line[2:16]) & 0xFF == line[16]
    return LINE.unpack(line[2:16])


def _probe(
    address: bytes = PHONE, *elements: tuple[int, bytes], sequence: int = 7, kind: int = 0x40
) -> bytes:
    header = bytes([kind, 0, 0, 0]) + b"\xff" * 6 + address + b"\xff" * 6
    header += struct.pack("<H", sequence << 4)
    return header + b"".join(bytes([n, len(body)]) + body for n, body in elements)


def test_hash_ring_and_window_hold(tmp_path: Path) -> None:
    program = _compiled(tmp_path / "check", "check_core.c", *MEMORY, "-pthread")
    subprocess.run([program], check=True, timeout=DEADLINE_S)


def test_ring_has_no_data_race(tmp_path: Path) -> None:
    program = _compiled(tmp_path / "race", "check_core.c", "-fsanitize=thread", "-pthread")
    subprocess.run([program], check=True, timeout=DEADLINE_S)


def test_sequence_and_hidden_address_are_told(sniff: Filter) -> None:
    own, hidden = sniff(_probe(PHONE, RATES, sequence=4095), _probe(RANDOMISED, RATES))
    assert (own[1], own[3]) == (0, 4095)
    assert (hidden[1], hidden[3]) == (1, 7)


def test_same_phone_same_value_until_the_key_turns(sniff: Filter) -> None:
    frame = _probe(PHONE, RATES, HT)
    first, second = sniff(frame, frame)
    (later,) = sniff(frame, key=bytes(16))
    assert first == second
    assert later[0] != first[0]
    assert later[4] != first[4]


def test_network_names_and_channels_change_nothing(sniff: Filter) -> None:
    plain = _probe(PHONE, (0, b""), RATES, HT)
    asking = _probe(PHONE, SSID, RATES, (3, b"\x06"), HT)
    assert sniff(plain) == sniff(asking)


def test_models_differ_by_their_elements(sniff: Filter) -> None:
    frames = [
        _probe(PHONE, RATES),
        _probe(PHONE, RATES, HT),
        _probe(PHONE, HT, RATES),
        _probe(PHONE, RATES, (221, bytes.fromhex("0050f208"))),
        _probe(PHONE, RATES, (221, bytes.fromhex("0050f204"))),
    ]
    assert len({fields[4] for fields in sniff(*frames)}) == len(frames)


def test_what_names_a_single_phone_in_a_vendor_element_is_not_hashed(sniff: Filter) -> None:
    wps = bytes.fromhex("0050f204")
    frames = [_probe(PHONE, (221, wps + uuid)) for uuid in (b"\x10\x47" + b"A" * 18, b"B" * 20)]
    first, second = sniff(*frames)
    assert first[4] == second[4]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        _probe(PHONE, RATES)[:23],
        _probe(PHONE, RATES)[:-1],
        _probe(PHONE, RATES) + b"\x01",
        _probe(PHONE, kind=0x80),
        _probe(PHONE, kind=0x48),
        _probe(b"\x01" + PHONE[1:], RATES),
        _probe(PHONE, *[(1, b"")] * 65),
    ],
    ids=["empty", "header", "cut", "half element", "beacon", "data", "group", "many elements"],
)
def test_what_is_no_whole_probe_request_is_left_out(sniff: Filter, frame: bytes) -> None:
    assert sniff(frame) == []


@settings(max_examples=30, deadline=None)
@given(frames=st.lists(st.binary(max_size=80).map(lambda tail: b"\x40" + tail), max_size=60))
def test_any_bytes_are_survived(sniff: Filter, frames: list[bytes]) -> None:
    assert len(sniff(*frames)) <= len(frames)


def test_glue_for_the_chip_fits_the_interfaces_it_calls() -> None:
    script = SNIFFER / "build_check.sh"
    environment = {"PATH": os.environ["PATH"], "RUNS": "20000"}
    result = subprocess.run(
        [script], capture_output=True, text=True, check=False, env=environment, timeout=DEADLINE_S
    )
    assert result.returncode == 0, result.stderr
    assert "glue: syntax and types hold" in result.stdout
