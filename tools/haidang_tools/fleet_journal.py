"""The flash of a simulated node: a file that survives the death of its process."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

Lane = Literal["alarm", "data"]


@dataclass(slots=True)
class Before:
    """What earlier boots left: their next numbers, and the packs nobody acknowledged."""

    epoch: str
    boot: int = 0
    nexts: dict[int, int] = field(default_factory=dict)
    held: list[tuple[Lane, tuple[int, int], bytes]] = field(default_factory=list)


class Journal:
    """One line for each boot, kept pack and acknowledgement; a torn last line never was."""

    def __init__(self, path: Path) -> None:
        """Keep the path; `read` opens it."""
        self._path = path
        self._file = -1

    def read(self, epoch: str) -> Before:
        """What is in the file; `epoch` is that of a node without one."""
        before = Before(epoch)
        kept: dict[tuple[int, int], tuple[Lane, bytes]] = {}
        lines = self._path.read_bytes().split(b"\n")[:-1] if self._path.exists() else []
        for line in lines:
            word, first, second, rest = line.split(b" ", 3)
            if word == b"boot":
                before.epoch, before.boot = first.decode(), int(second)
                before.nexts[before.boot] = 0
            elif word == b"keep":
                name = int(first), int(second)
                lane, payload = rest.split(b" ", 1)
                kept[name] = cast("Lane", lane.decode()), payload
                before.nexts[name[0]] = name[1] + 1
            else:
                for seq in range(int(second), int(rest) + 1):
                    kept.pop((int(first), seq), None)
        before.held = [(lane, name, payload) for name, (lane, payload) in kept.items()]
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # A torn last line would swallow the next one.
        os.ftruncate(self._file, sum(len(line) + 1 for line in lines))
        return before

    def begin(self, epoch: str, boot: int) -> None:
        """Note the start of a boot."""
        self._write(f"boot {epoch} {boot} -\n".encode())

    def keep(self, lane: Lane, name: tuple[int, int], payload: bytes) -> None:
        """Note a pack before it is sent."""
        self._write(b"keep %d %d %s %s\n" % (*name, lane.encode(), payload))

    def free(self, boot: int, acked: Sequence[Sequence[int]]) -> None:
        """Note what was acknowledged."""
        self._write(b"".join(b"free %d %d %d\n" % (boot, low, high) for low, high in acked))

    def _write(self, line: bytes) -> None:
        os.write(self._file, line)
