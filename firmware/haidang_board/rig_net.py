"""The board's network: relays its TCP connections, so that Wi-Fi and power cuts look real.

Without Wi-Fi a connection stalls and nobody is told; a board without power leaves its peer with a
half-open connection, as a real one does: only keep-alive notices.
"""

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial

_CHUNK_BYTES = 16_384
_HELD_BYTES = 65_536  # what the radio and the stacks hold in flight, about
# Quiet for longer, and what comes is no answer; an old answer counts for less than a new one.
_ANSWER_MOST_S = 1.0
_OLDER = 0.9
_NOT_YET_CONNECTED = errno.ENOTCONN  # the handshake with the peer is not over


class Relay:
    """All connections of one board; every method runs in the rig's loop thread."""

    def __init__(self, selector: Callable[[], selectors.BaseSelector]) -> None:
        self._selector = selector
        self._listeners: dict[tuple[str, int], socket.socket] = {}
        self._pairs: list[_Pair] = []
        self._ghosts: list[socket.socket] = []
        self._up = True
        self.moved_at_s = 0.0
        # How long the slowest answer of late let the board wait.
        self.answer_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether the board has a connection over which something can come."""
        return self._up and bool(self._pairs)

    def route(self, host: str, port: int) -> int | None:
        """The local port that leads to the host; None for an unknown name."""
        self._lay_ghosts()
        if (host, port) not in self._listeners:
            try:
                address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
            except OSError:
                return None
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
            self._listeners[host, port] = listener
            accept = partial(self._accept, listener, address)
            self._selector().register(listener, selectors.EVENT_READ, accept)
        return int(self._listeners[host, port].getsockname()[1])

    def set_up(self, up: bool) -> None:
        """Wi-Fi came or went."""
        if up != self._up:
            self._up = up
            for pair in self._pairs:
                self._refresh(pair)

    def power_cut(self) -> None:
        """The board is gone without a word; its peers keep their ends.

        What it had given to its TCP stack before counts as sent.
        """
        for pair in self._pairs:
            if self._up:
                pair.move()
            self._forget(pair.board)
            self._forget(pair.peer)
            pair.board.close()
            self._ghosts.append(pair.peer)
        self._pairs = []

    def close(self) -> None:
        """End every connection and listener."""
        self.power_cut()
        self._lay_ghosts()
        for listener in self._listeners.values():
            self._forget(listener)
            listener.close()
        self._listeners = {}

    def _accept(self, listener: socket.socket, address: object) -> None:
        try:
            board, _ = listener.accept()
        except OSError:
            return
        peer = socket.socket()
        for end in (board, peer):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.connect_ex(address)  # type: ignore[arg-type]
        pair = _Pair(board, peer)
        self._pairs.append(pair)
        self._refresh(pair)

    def _refresh(self, pair: "_Pair") -> None:
        self._interest(pair, pair.board, pair.to_board, pair.to_peer)
        self._interest(pair, pair.peer, pair.to_peer, pair.to_board)

    def _interest(
        self, pair: "_Pair", end: socket.socket, outgoing: bytearray, incoming: bytearray
    ) -> None:
        events = 0
        if self._up and len(incoming) < _HELD_BYTES:
            events |= selectors.EVENT_READ
        if self._up and outgoing:
            events |= selectors.EVENT_WRITE
        self._forget(end)
        if events:
            self._selector().register(end, events, partial(self._serve, pair))

    def _serve(self, pair: "_Pair") -> None:
        if pair not in self._pairs:
            return
        alive = pair.move()
        if pair.sent or pair.came:
            self._note_move(pair.came)
        if alive:
            self._refresh(pair)
            return
        self._pairs.remove(pair)
        for end in (pair.board, pair.peer):
            self._forget(end)
            end.close()

    def _note_move(self, came: bool) -> None:
        now_s = time.monotonic()
        quiet_s = now_s - self.moved_at_s
        if came and quiet_s < _ANSWER_MOST_S:
            self.answer_s = max(quiet_s, self.answer_s * _OLDER)
        self.moved_at_s = now_s

    def _forget(self, end: socket.socket) -> None:
        with contextlib.suppress(KeyError):
            self._selector().unregister(end)

    def _lay_ghosts(self) -> None:
        for ghost in self._ghosts:
            ghost.close()
        self._ghosts = []


class _Pair:
    """The two ends of one connection and the bytes between them."""

    def __init__(self, board: socket.socket, peer: socket.socket) -> None:
        self.board = board
        self.peer = peer
        self.to_peer = bytearray()
        self.to_board = bytearray()
        # Whether the last move took something from the board, and from the peer.
        self.sent = self.came = False

    def move(self) -> bool:
        """Move what can be moved; False once either side has ended."""
        to_peer, to_board = len(self.to_peer), len(self.to_board)
        ended = not _read(self.board, self.to_peer) or not _read(self.peer, self.to_board)
        self.sent, self.came = len(self.to_peer) > to_peer, len(self.to_board) > to_board
        return _write(self.peer, self.to_peer) and _write(self.board, self.to_board) and not ended


def _read(end: socket.socket, held: bytearray) -> bool:
    if len(held) >= _HELD_BYTES:
        return True
    try:
        data = end.recv(_CHUNK_BYTES)
    except BlockingIOError:
        return True
    except OSError as error:
        return error.errno == _NOT_YET_CONNECTED
    held += data
    return bool(data)


def _write(end: socket.socket, held: bytearray) -> bool:
    if not held:
        return True
    try:
        done = end.send(held)
    except BlockingIOError:
        return True
    except OSError as error:
        return error.errno == _NOT_YET_CONNECTED
    del held[:done]
    return True
