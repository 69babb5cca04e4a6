"""Nodes on a pseudo-terminal that speak the node's own side of the serial link."""

import asyncio
import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Self

from haidang_wire.frames import Deframer
from haidang_wire.serial_frames import Key, address_of
from haidang_wire.serial_lanes import ORDINARY, URGENT
from haidang_wire.serial_session import GREETED, NOTHING, STARTED, NodeSession

Spoil = Callable[[bytes], bytes]


class WiredNode:
    """One node: answers its polls; what it is told to send goes again with each new session."""

    def __init__(self, node: str, key: bytes, epoch: int = 0x9F3C01AA, boot: int = 7) -> None:
        self.received: list[tuple[int, bytes]] = []
        self.sessions = 0
        self._keep: list[tuple[int, bytes, int]] = []
        self._fresh = 0
        self._deframer = Deframer()
        self.session = NodeSession(address_of(node), Key(key), epoch, boot, os.urandom, 2048)

    def send(self, kind: int, data: bytes, *, urgent: bool = False) -> None:
        """Put a message on its way."""
        self._keep.append((kind, data, URGENT if urgent else ORDINARY))

    def hear(self, data: bytes) -> bytes:
        """What it answers to bytes from the line."""
        outcome = NOTHING
        for body in self._deframer.feed(data):
            found = self.session.receive(body)
            if found == STARTED:
                self._fresh = 0
                self.sessions += 1
            outcome = found or outcome
        if outcome == GREETED:
            return self.session.greeting()
        if outcome == NOTHING:
            return b""
        self.received += self.session.inbox
        self.session.inbox.clear()
        for kind, message, lane in self._keep[self._fresh :]:
            self.session.send(kind, message, lane)
        self._fresh = len(self._keep)
        return b"".join(self.session.answer())


class Wire:
    """A line at `path` (a link, as udev makes one) with nodes on it; use it inside a loop.

    `spoil` changes what the nodes say; `said` is all that they said.
    """

    def __init__(self, path: Path, *nodes: WiredNode) -> None:
        self.path = path
        self.nodes = nodes
        self.spoil: Spoil = lambda data: data
        self.said = b""
        self._fds = (-1, -1)

    def __enter__(self) -> Self:
        """Plug it in."""
        self._fds = pty.openpty()
        tty.setraw(self._fds[1])
        os.set_blocking(self._fds[0], False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._fds[1]))
        asyncio.get_running_loop().add_reader(self._fds[0], self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        """Pull it out."""
        asyncio.get_running_loop().remove_reader(self._fds[0])
        self.path.unlink(missing_ok=True)
        for fd in self._fds:
            os.close(fd)

    def say(self, data: bytes) -> None:
        """Put bytes on the line, as much as it takes now."""
        try:
            os.write(self._fds[0], data)
        except BlockingIOError:
            return

    def _hear(self) -> None:
        try:
            data = os.read(self._fds[0], 4096)
        except OSError:
            return
        for node in self.nodes:
            if answer := node.hear(data):
                self.said += answer
                self.say(self.spoil(answer))
