"""One life of a board, from power to reset: its process, its wires, and their answers."""

import contextlib
import fcntl
import os
import pty
import socket
import struct
import subprocess
import termios
import tty
from dataclasses import dataclass, field

from haidang_board.rig_chip import Chip
from haidang_board.rig_process import Life, start

_READ_BYTES = 4096
_EDGE, _TIMER = 0, 1
_LFLAG = 3
_GARBLE = 0xA5  # what a wrong baud rate does to a byte, near enough


@dataclass(slots=True)
class LifeWires:
    """The rig's ends of what the interpreter is connected to."""

    process: subprocess.Popen[bytes]
    console_fd: int
    control: socket.socket
    events: socket.socket
    uarts: dict[int, socket.socket]
    board_uarts: dict[int, socket.socket]
    requests: bytearray = field(default_factory=bytearray)

    def close(self) -> None:
        """Cut the power and let go of every wire."""
        self.process.kill()
        self.process.wait()
        os.close(self.console_fd)
        for wire in (self.control, self.events, *self.uarts.values(), *self.board_uarts.values()):
            wire.close()

    def read_console(self) -> bytes:
        """What the board printed; empty when the process is gone."""
        try:
            return os.read(self.console_fd, _READ_BYTES)
        except OSError:
            return b""

    def last_words(self) -> bytes:
        """What the board printed just before its end."""
        words = b""
        while data := self.read_console():
            words += data
        return words

    def set_interruptible(self, on: bool) -> None:
        """Whether Ctrl-C is a signal or a key; NOFLSH, or the keys after it would be lost."""
        setting = termios.tcgetattr(self.console_fd)
        setting[_LFLAG] = termios.NOFLSH | (termios.ISIG if on else 0)
        termios.tcsetattr(self.console_fd, termios.TCSANOW, setting)

    def type(self, keys: bytearray) -> None:
        """Give the board as many key strokes as its terminal takes, and drop those."""
        with contextlib.suppress(OSError):
            done = os.write(self.console_fd, keys)
            del keys[:done]

    def answer(self, chip: Chip, now_s: float) -> bool:
        """Read requests and answer them; False when the process is gone."""
        try:
            data = self.control.recv(_READ_BYTES)
        except OSError:
            data = b""
        self.requests += data
        while (end := self.requests.find(b"\n")) >= 0:
            words = self.requests[:end].decode().split(" ")
            del self.requests[: end + 1]
            reply = chip.answer(words[1:], now_s)
            with contextlib.suppress(OSError):
                self.control.sendall(f"{words[0]} {reply}\n".encode())
        return bool(data)

    def edge(self, pin: int, level: int) -> None:
        """Tell the board of an edge on an input pin."""
        self._event(_EDGE, pin, level)

    def tick(self, timer: int) -> None:
        """Tell the board that a timer's period is over."""
        self._event(_TIMER, timer, 1)

    def waiting(self, uart: int) -> int:
        """Received bytes that the board has not read yet."""
        answer = fcntl.ioctl(self.board_uarts[uart], termios.FIONREAD, bytes(4))
        return int(struct.unpack("i", answer)[0])

    def receive(self, uart: int, data: bytes, room_bytes: int, readable: bool) -> None:
        """Put bytes on a UART's rx; what its buffer cannot hold is lost, as on the chip."""
        if not readable:
            data = bytes(byte ^ _GARBLE for byte in data)
        free = max(0, room_bytes - self.waiting(uart))
        if data[:free]:
            self.uarts[uart].sendall(data[:free])

    def _event(self, kind: int, number: int, value: int) -> None:
        with contextlib.suppress(OSError):
            self.events.send(bytes((kind, number, value)))


def begin(life: Life) -> LifeWires:
    """Start the interpreter with fresh wires."""
    console_fd, slave_fd = pty.openpty()
    tty.setraw(slave_fd)
    os.set_blocking(console_fd, False)
    control, board_control = socket.socketpair()
    events, board_events = socket.socketpair()
    pairs = {number: socket.socketpair() for number in (1, 2)}
    for end in (*pairs[1], *pairs[2]):
        end.setblocking(False)
    life.tty = os.ttyname(slave_fd)
    life.control_fd, life.events_fd = board_control.fileno(), board_events.fileno()
    life.uart_fds = {number: pair[1].fileno() for number, pair in pairs.items()}
    try:
        process = start(life, slave_fd, [life.control_fd, life.events_fd, *life.uart_fds.values()])
    finally:
        os.close(slave_fd)
        board_control.close()
        board_events.close()
    events.setblocking(False)
    return LifeWires(
        process,
        console_fd,
        control,
        events,
        {number: pair[0] for number, pair in pairs.items()},
        {number: pair[1] for number, pair in pairs.items()},
    )
