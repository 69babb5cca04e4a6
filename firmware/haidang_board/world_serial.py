"""What speaks to a UART: ultrasonic level meter, Wi-Fi sniffer, and lines to the outside."""

import os
import pty
import struct
import tty
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from haidang_board.world import SNIFFER_RX_PIN, ULTRASONIC_RX_PIN, World

_SYNC = b"\xa5\x5a"
_RECORD = struct.Struct("<6sHIbB")
_BURST_FRAMES = 4
_CHANNELS = (1, 6, 11)
_LOCAL_BIT = 0x02
_MULTICAST_BIT = 0x01


class Ultrasonic:
    """An A02YYUW: every 100 ms `FF hi lo sum`, the distance to the water in millimetres."""

    rx_pin = ULTRASONIC_RX_PIN
    baud = 9600
    period_s = 0.1

    def __init__(self, world: World) -> None:
        self._world = world

    def due(self, now_s: float) -> bytes:
        """The bytes of one period."""
        if self._world.ultrasonic_silent:
            return b""
        noise_mm = self._world.random.randint(-2, 2)
        distance_mm = self._world.mount_mm - int(self._world.water_mm) + noise_mm
        return ultrasonic_frame(min(max(distance_mm, 0), 0xFFFF))


class Sniffer:
    """The companion ESP32: a 17-byte frame per probe request, and one of zeros each second."""

    rx_pin = SNIFFER_RX_PIN
    baud = 115200
    period_s = 0.05

    def __init__(self, world: World) -> None:
        self._world = world
        self._phones: list[_Phone] = []
        self._heartbeat_at_s = 0.0

    def due(self, now_s: float) -> bytes:
        """The bytes of one period."""
        if self._world.sniffer_silent:
            return b""
        self._follow_crowd(now_s)
        frames = []
        if now_s >= self._heartbeat_at_s:
            self._heartbeat_at_s = now_s + 1.0
            frames.append(sniffer_frame(bytes(6), 0, 0, 0, 0))
        for phone in self._phones:
            if now_s >= phone.burst_at_s:
                frames += self._burst(phone)
                jitter = self._world.random.uniform(0.7, 1.3)
                phone.burst_at_s = now_s + self._world.probe_period_s * jitter
        return b"".join(frames)

    def _follow_crowd(self, now_s: float) -> None:
        del self._phones[max(0, self._world.phones) :]
        random = self._world.random
        while len(self._phones) < self._world.phones:
            first_s = now_s + random.uniform(0, self._world.probe_period_s)
            self._phones.append(_Phone(random.getrandbits(32), first_s, random.getrandbits(12)))

    def _burst(self, phone: "_Phone") -> list[bytes]:
        random = self._world.random
        mac = bytearray(random.randbytes(6))
        mac[0] = mac[0] & ~_MULTICAST_BIT | _LOCAL_BIT
        rssi_dbm = random.randint(-88, -45)
        frames = []
        for number in range(_BURST_FRAMES):
            phone.sequence = (phone.sequence + 1) & 0x0FFF
            channel = _CHANNELS[number % len(_CHANNELS)]
            frames.append(
                sniffer_frame(bytes(mac), phone.sequence, phone.ie_hash, rssi_dbm, channel)
            )
        return frames


@dataclass(slots=True)
class _Phone:
    ie_hash: int
    burst_at_s: float
    sequence: int


class Line:
    """A serial line from the UART whose rx is `rx_pin` to a pseudo-terminal, `port`.

    Put it into `world.lines` before the board starts. Bytes pass at once, in both directions; a
    board with another baud rate hears and says garbage.
    """

    def __init__(self, rx_pin: int, baud: int = 115200) -> None:
        self.rx_pin = rx_pin
        self.baud = baud
        self.port = ""
        self.fd = -1
        self._port_fd = -1

    def __enter__(self) -> Self:
        """Lay it: from now on `port` exists."""
        self.fd, self._port_fd = pty.openpty()
        tty.setraw(self._port_fd)
        os.set_blocking(self.fd, False)
        self.port = os.ttyname(self._port_fd)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away; the board must be closed."""
        os.close(self.fd)
        os.close(self._port_fd)


def ultrasonic_frame(distance_mm: int) -> bytes:
    """One A02YYUW frame (A02YYUW data sheet, UART automatic output)."""
    head = bytes([0xFF, distance_mm >> 8, distance_mm & 0xFF])
    return head + bytes([sum(head) & 0xFF])


def sniffer_frame(mac: bytes, sequence: int, ie_hash: int, rssi_dbm: int, channel: int) -> bytes:
    """One frame of the sniffer's serial format: sync, 14-byte record, sum of the record."""
    record = _RECORD.pack(mac, sequence, ie_hash, rssi_dbm, channel)
    return _SYNC + record + bytes([sum(record) & 0xFF])
