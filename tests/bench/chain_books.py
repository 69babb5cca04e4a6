"""What nodes promised to keep, read from outside at every power cut, against what came."""

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.fast_gateway import Key

# How haidang_node/identity.py lays out a boot's number in NVS: the next number, and below it in
# six bits how many of the newest numbers may live in RAM alone.
_LOOSE_BITS = 6
_SPACE = "haidang"
_DECISION = re.compile(
    rb"^ *(\d+) I report: smoke: \w+, health (\w+), pack (\d+)\r?\n", re.MULTILINE
)
_BOOT_LINE = rb" n-%s, epoch "


@dataclass(frozen=True, slots=True)
class Life:
    """The numbers of one boot: below `safe` they were on flash, from there to `end` in RAM."""

    node: str
    epoch: str
    boot: int
    safe: int
    end: int

    def kept(self) -> set[Key]:
        """What no power cut may lose."""
        return {(self.node, self.epoch, self.boot, seq) for seq in range(self.safe)}

    def loose(self) -> set[Key]:
        """What may go with the power, but must be named by the node's own ledger."""
        return {(self.node, self.epoch, self.boot, seq) for seq in range(self.safe, self.end)}


@dataclass(frozen=True, slots=True)
class Decision:
    """A change of state or health that a node told on its console; `key` names its pack."""

    key: Key
    at_ms: int
    health: str


@dataclass(slots=True)
class Books:
    """All lives of all nodes; filled by the threads that cut the power."""

    lives: dict[tuple[str, str, int], Life] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close_life(self, node: str, nvs: Path, console: bytes) -> None:
        """After a power cut: the numbers in NVS, and the decisions that the console told."""
        life = life_of(node, nvs)
        if life is None:
            return
        with self._lock:
            fresh = (node, life.epoch, life.boot) not in self.lives
            self.lives[node, life.epoch, life.boot] = life
            if fresh:
                self.decisions += _decisions(life, console)

    def kept(self) -> set[Key]:
        """All that was promised."""
        with self._lock:
            return {key for life in self.lives.values() for key in life.kept()}

    def loose(self) -> set[Key]:
        """All that lived in RAM alone when the power went."""
        with self._lock:
            return {key for life in self.lives.values() for key in life.loose()}

    def untold(self, told: Iterable[tuple[Key, str]]) -> list[Decision]:
        """Decisions whose pack is not among `told`: its name, the sensor's health in it."""
        came = set(told)
        return [one for one in self.decisions if (one.key, one.health) not in came]


def life_of(node: str, nvs: Path) -> Life | None:
    """The newest boot in a board's NVS; None before its first."""
    values = json.loads(nvs.read_text()).get(_SPACE, {}) if nvs.exists() else {}
    if "boot" not in values or "epoch" not in values:
        return None
    boot = int(values["boot"][1:])
    state = int(values.get(f"numbers{boot & 1}", "i0")[1:])
    end = state >> _LOOSE_BITS
    loose = state & ((1 << _LOOSE_BITS) - 1)
    epoch = f"{int(values['epoch'][1:]) & 0xFFFFFFFF:08x}"
    return Life(node, epoch, boot, end - loose, end)


def _decisions(life: Life, console: bytes) -> list[Decision]:
    start = console.rfind(_BOOT_LINE % life.node.removeprefix("n-").encode())
    told = console[start:] if start >= 0 else b""
    if f"boot {life.boot},".encode() not in told.split(b"\n", 1)[0]:
        return []
    return [
        Decision((life.node, life.epoch, life.boot, int(seq)), int(at), health.decode())
        for at, health, seq in _DECISION.findall(told)
    ]
