"""The board's companion sniffer in Python and the C core say the same of the same frames."""

import random
import struct
import subprocess
from pathlib import Path

import pytest
from haidang_board.companion import Companion, line, read_probe, siphash, tuned
from haidang_board.physics_phones import Crowd, random_habits

SNIFFER = Path(__file__).resolve().parents[2] / "firmware" / "sniffer"
# Aumasson and Bernstein's test vectors: key and message are 0, 1, 2, ...
VECTORS = {0: 0x726FDB47DD0E0E31, 1: 0x74F839C593DC67FD, 8: 0x93F5F5799A932462}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("c") / "filter"
    sources = [SNIFFER / "host_tests" / "probe_filter.c", *sorted((SNIFFER / "core").glob("*.c"))]
    command = ["gcc", "-std=c11", "-O1", f"-I{SNIFFER / 'core'}", "-o", target, *sources]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return target


def by_c(program: Path, key: bytes, frames: list[bytes]) -> bytes:
    data = key + b"".join(struct.pack("<H", len(frame)) + frame for frame in frames)
    return subprocess.run([program], input=data, capture_output=True, check=True).stdout


def by_python(key: bytes, frames: list[bytes]) -> bytes:
    lines = []
    for frame in frames:
        fields = read_probe(frame, lambda data: siphash(key, data))
        if fields is not None:
            address, flags, sequence, signature = fields
            lines.append(line(address, flags, 0, sequence, signature, 0, 0))
    return b"".join(lines)


def of_the_air(seed: int) -> list[bytes]:
    crowd = Crowd(seed, random_habits(seed))
    for _ in range(20):
        crowd.enter(0.0)
    return [frame.data for frame in crowd.until(180.0, tuned)]


@pytest.mark.parametrize("length", VECTORS)
def test_siphash_gives_the_published_values(length: int) -> None:
    assert siphash(bytes(range(16)), bytes(range(length))) == VECTORS[length]


def test_both_say_the_same_of_a_crowd(program: Path) -> None:
    key = random.Random(1).randbytes(16)
    for seed in range(5):
        frames = of_the_air(seed)
        assert len(frames) > 10
        assert by_python(key, frames) == by_c(program, key, frames)


def test_both_say_the_same_of_broken_and_foreign_frames(program: Path) -> None:
    chance = random.Random(2)
    frames = []
    for frame in of_the_air(7)[:200]:
        broken = bytearray(frame[: chance.randrange(len(frame) + 1)])
        for _ in range(chance.randrange(4)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        frames.append(bytes(broken))
    many = of_the_air(8)[0][:24] + b"\x01\x00" * 64
    frames += [many, many + b"\x01\x00", many[:-1]]
    key = chance.randbytes(16)
    assert by_python(key, frames) == by_c(program, key, frames)
    assert by_python(key, frames)


def test_a_new_key_comes_with_a_new_window_and_nothing_is_alike() -> None:
    frame = of_the_air(3)[0]
    companion = Companion(random.Random(4), 10.0)
    lines = []
    for second in (0.0, 10.0):
        assert companion.due(second)[6] == 0x80
        companion.hear(frame, -60, 6)
        lines.append(companion.due(second + 0.5))
    assert [sent[7] for sent in lines] == [0, 1]
    assert lines[0][2:6] != lines[1][2:6]
    assert lines[0][10:14] != lines[1][10:14]


def test_more_than_the_line_carries_is_dropped_and_told() -> None:
    frame = of_the_air(3)[0]
    companion = Companion(random.Random(4), 10.0)
    companion.due(0.0)
    for _ in range(500):
        companion.hear(frame, -60, 6)
    sent = companion.due(0.1)
    assert len(sent) == 68 * 17
    beat = companion.due(1.0)[:17]
    assert int.from_bytes(beat[2:6], "little") == 500
    assert int.from_bytes(beat[8:10], "little") == 500 - 128
