"""Footfall's sources without a companion, on MicroPython: what of a phone is in their memory."""

import random
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from leak_search import found, memory_of
from run_upy import interpreter

SOURCES = ("stations", "ble", "module")
_SCRIPT = Path(__file__).resolve().parents[1] / "node" / "on_node_phones.py"
_FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
_MASK = 0x5A
_PHONES = 12
_NAME = b"May cua ba Hoa 7"


class Source(NamedTuple):
    """`leaks` must be 0; `told` are the packs and `devices` the counts in them."""

    leaks: int
    controls: int
    told: str
    devices: list[int]


def run(source: str, *, firmware: Path = _FIRMWARE, seed: int = 1) -> Source:
    """Two windows of known phones, then the search through the process and what it told."""
    chance = random.Random(seed)
    addresses = [chance.randbytes(6) for _ in range(_PHONES)]
    masked = bytes(byte ^ _MASK for byte in b"".join([_NAME, *addresses]))
    program = interpreter()
    assert program is not None
    with subprocess.Popen(
        [program, "-X", "heapsize=320K", str(_SCRIPT), source, masked.hex()],
        env={"MICROPYPATH": f"{firmware}:.frozen"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        told = ""
        while not told.endswith("READY\n"):
            line = node.stdout.readline()
            assert line, told
            told += line
        memory = memory_of(node.pid)
        node.stdin.write("\n")
        node.stdin.close()
    leaks = found({"memory": memory, "told": told.encode()}, addresses, [_NAME])
    counts = re.findall(r'"footfall/devices","u":"count","v":([0-9]+)', told)
    return Source(leaks, memory.count(b"footfall/devices"), told, [int(count) for count in counts])
