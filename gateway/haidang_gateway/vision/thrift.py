"""Which packets are worth decoding: key frames while nothing is up, all once something is."""

from collections import deque
from typing import Generic, TypeVar

Packet = TypeVar("Packet")

# Cameras that save band width send a key frame every 10 s or rarer: too seldom to look at.
_LONGEST_GAP_MS = 2500
_FORGET_MS = 60_000
_GAPS = 4


class Thrift:
    """Says for each packet in order of arrival whether it is to be decoded, and how.

    "no": throw it away. "alone": a key frame, decoded for itself. "all": in the row of the others,
    which begins at a key frame. A stream whose key frames come too seldom is decoded whole.
    """

    def __init__(self, idle_every_ms: int = 1000) -> None:
        """`idle_every_ms` is the least time between two pictures while nothing is up."""
        self._idle_every_ms = idle_every_ms
        self._last_key_ms: int | None = None
        self._decoded_ms = -_FORGET_MS
        self._seldom_ms: int | None = None
        self._gaps_ms: deque[int] = deque(maxlen=_GAPS)
        self._running = False

    def judge(self, is_key: bool, at_ms: int, *, awake: bool) -> str:
        """Judge one packet; `awake` asks for all pictures."""
        gap_ms = 0 if self._last_key_ms is None else at_ms - self._last_key_ms
        if gap_ms > _LONGEST_GAP_MS:
            self._seldom_ms = at_ms
        if is_key:
            self._gaps_ms.append(gap_ms)
            self._last_key_ms = at_ms
        wanted = awake or self._is_seldom(at_ms)
        if self._running and wanted:
            return self._take("all", at_ms)
        self._running = wanted and is_key
        if self._running:
            return self._take("all", at_ms)
        if is_key and at_ms >= self._due_ms():
            return self._take("alone", at_ms)
        return "no"

    def next_ms(self) -> int | None:
        """About when the next key frame comes that is decoded for itself; None: nobody knows.

        Of the last gaps between key frames the shortest counts: rather too early than too late.
        """
        gap_ms = min(self._gaps_ms, default=0)
        if self._last_key_ms is None or gap_ms <= 0 or len(self._gaps_ms) < _GAPS:
            return None
        gaps = max(1, -(-(self._due_ms() - self._last_key_ms) // gap_ms))
        return self._last_key_ms + gaps * gap_ms

    def _due_ms(self) -> int:
        """A key frame each second comes now 990 ms after the last one, now 1,010."""
        return self._decoded_ms + self._idle_every_ms * 9 // 10

    def _is_seldom(self, at_ms: int) -> bool:
        return self._seldom_ms is not None and at_ms - self._seldom_ms < _FORGET_MS

    def _take(self, how: str, at_ms: int) -> str:
        self._decoded_ms = at_ms
        return how


class Pile(Generic[Packet]):
    """Packets that wait until somebody looks: decoded in one go, they find their tables warm."""

    def __init__(self, now_ms: int) -> None:
        """Empty; the first packet is due at once."""
        self._packets: list[Packet] = []
        self._due_ms = now_ms
        self._anew_ms = now_ms

    def begin_anew(self, now_ms: int, every_ms: int) -> int:
        """The next packet needs none before it: forget them; how many there were.

        Where such packets come in step with the looks they are looked at, so that the most before
        them can be forgotten.
        """
        forgotten = len(self.take())
        past_ms, self._anew_ms = now_ms - self._anew_ms, now_ms
        if every_ms and self._in_step(past_ms, every_ms):
            just_looked = now_ms < self._due_ms - every_ms // 2
            self._due_ms = now_ms + (every_ms if just_looked else 0)
        return forgotten

    def add(self, packet: Packet, now_ms: int, every_ms: int) -> bool:
        """Put one packet on; whether it is time to decode them all, once in `every_ms`."""
        self._packets.append(packet)
        if now_ms < self.wanted_ms(every_ms):
            return False
        self._due_ms = max(self._due_ms + every_ms, now_ms)
        return True

    def wanted_ms(self, every_ms: int) -> int:
        """From when on a packet makes the pile due.

        A tenth too early is in time: packets and looks have different clocks.
        """
        return self._due_ms - every_ms // 10

    @staticmethod
    def _in_step(past_ms: int, every_ms: int) -> bool:
        beside_ms = past_ms % every_ms
        # A fiftieth at most: the looks' pace, from which flicker is told, stays what it is.
        return min(beside_ms, every_ms - beside_ms) <= past_ms // 50

    def take(self) -> list[Packet]:
        """All packets in their order; none is left."""
        packets, self._packets = self._packets, []
        return packets
