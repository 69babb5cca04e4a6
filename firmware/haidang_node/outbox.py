"""Packs kept until the gateway's own acknowledgement names them: two lanes on flash.

Most packs are acknowledged while they are in RAM: what writes and reads flash is loaded when it
is needed.
"""

import sys

from micropython import const

from haidang_node import loading, log, numbers
from haidang_node.segments import Held, Lane, Place, Segment

ALARM = "a"
DATA = "d"

# Telemetry waits in RAM for this many packs or this long before a flush: a flush per pack would
# wear the hottest flash block out in 4 years, one per 10 packs in more than 20.
_BATCH_PACKS = const(10)
_BATCH_MS = const(60000)
# While packs are read from flash to be sent, those in RAM wait behind them for nothing: each takes
# a KB where the heap is fullest.
_BATCH_BEHIND_PACKS = const(4)
# More than `storing` leaves in RAM where flash refuses both lanes for good.
_WAITING_LIMIT = const(32)
# So many files make a full outbox. LittleFS reads a folder of 60 files up to 54,000 times to
# change one of them, several seconds on an ESP32; with 16 files it is 12,000 times.
_DATA_FILES = const(16)
_ALARM_FILES = const(32)
_BLOCK_BYTES = const(4096)
_READING = loading.READING[0]
# What the modules that are loaded for flash and for a status load besides.
_BROUGHT = loading.READING + (  # noqa: RUF005 - not in MicroPython
    "haidang_node.number_ranges", "haidang_node.accounts",
)  # fmt: skip


class Outbox:
    """Keeps packs through power cuts; frees them only when named by an acknowledgement.

    `limit_bytes`: what all files take at most; see `dropping` for what is dropped then. What is
    dropped is named in `ledger` first.
    """

    def __init__(self, folder: str, limit_bytes: int, ledger) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.ledger = ledger
        self.lanes = {
            ALARM: Lane(folder + "/a", max(_BLOCK_BYTES, limit_bytes // _ALARM_FILES)),
            DATA: Lane(folder + "/d", max(_BLOCK_BYTES, limit_bytes // _DATA_FILES)),
        }
        # (epoch, boot) by key
        self.boots: list[tuple[str, int]] = []
        # Held packs that are in RAM alone.
        self.waiting: list[Held] = []
        self.trouble = log.Trouble(log.Log("outbox"), "using flash")
        # Whether alarms were dropped for room and none was written since.
        self.gave_alarms = False
        # Damaged stretches and packs found in this boot.
        self.corrupt = 0
        self._batch_packs = _BATCH_PACKS

    def open(self, ended=None) -> None:
        """Finds what earlier boots left, and names in the ledger, which is open, what the boot
        that `ended` had in RAM alone and what flash has lost.
        """
        self.corrupt = self._call("recovery", "recover", ended)
        loading.forget(_READING)

    def put(self, lane: str, epoch: str, boot: int, seq: int, payload: bytes, now_ms: int) -> None:
        """Keeps a pack; an alarm is on flash when this returns, unless flash refuses."""
        self.waiting.append(Held(lane, self.key(epoch, boot), seq, payload, now_ms))
        if lane == ALARM or len(self._batch(DATA)) >= self._batch_packs:
            self._store(lane)

    def flush_due(self, now_ms: int) -> int:
        """Writes telemetry that has waited long and alarms that flash refused; how long (ms) the
        oldest pack that is still in RAM alone has been there.
        """
        data = self._batch(DATA)
        if data and now_ms - data[0].offset >= _BATCH_MS:
            self._store(DATA)
        self._store(ALARM)
        return now_ms - self.waiting[0].offset if self.waiting else 0

    def close(self) -> None:
        """Writes everything down, for an orderly restart."""
        for lane in (ALARM, DATA):
            self._store(lane)
            self.lanes[lane].close()

    def find(self, epoch: str, boot: int) -> int:
        """The number that stands for a boot while the program runs; -1 where it has none."""
        boots = self.boots
        return boots.index((epoch, boot)) if (epoch, boot) in boots else -1

    def key(self, epoch: str, boot: int) -> int:
        """The number that stands for a boot, given to it where it has none."""
        if self.find(epoch, boot) < 0:
            self.boots.append((epoch, boot))
        return self.find(epoch, boot)

    def lowest_loose(self) -> int | None:
        """The lowest number that is in RAM alone."""
        return min([held.seq for held in self.waiting], default=None)

    def acknowledge(self, epoch: str, boot: int, acked: list) -> int:
        """Frees exactly the named packs; how many were held."""
        key = self.find(epoch, boot)
        freed = 0
        for lo, hi in acked:
            for held in list(self.waiting):
                if held.key == key and lo <= held.seq <= hi:
                    self.waiting.remove(held)
                    freed += 1
        for lane in self.lanes.values():
            for segment in list(lane.all):
                for lo, hi in acked:
                    freed += numbers.take_out(segment.parts, key, lo, hi)
                if not segment.parts:
                    lane.remove(segment)
        if _READING in sys.modules and not any([lane.all for lane in self.lanes.values()]):
            loading.forget(*loading.READING)
        return freed

    def is_held(self, held: Held) -> bool:
        """Whether a pack still waits for its acknowledgement."""
        if isinstance(held.source, Segment):
            return numbers.holds(held.source.parts, held.key, held.seq)
        return held in self.waiting

    def count(self) -> int:
        """How many packs are held."""
        total = len(self.waiting)
        for lane in self.lanes.values():
            for segment in lane.all:
                total += numbers.count(segment.parts)
        return total

    def held(self, epoch: str) -> dict:
        """Held numbers of an epoch's newest boots as ranges by boot, both lanes together."""
        return self._call("accounts", "held", epoch)

    def next(self, lane: str, place: Place) -> Held | None:
        """The next held pack of a lane behind `place`, which moves on; None at the end."""
        if self.lanes[lane].all:
            found = self._reading().next_held(self, lane, place)
            if found:
                self._batch_packs = _BATCH_BEHIND_PACKS
                return found
        for held in self._batch(lane):
            if held.seq > place.loose:
                place.loose = held.seq
                return held
        return None

    def end(self, lane: str) -> Place:
        """The place behind everything that a lane holds now."""
        place = Place()
        for segment in self.lanes[lane].all:
            place.turn, place.offset = segment.turn, segment.size_bytes
        for held in self._batch(lane):
            place.loose = held.seq
        return place

    def payload(self, held: Held) -> bytes | bytearray | None:
        """The pack's bytes; None where flash has lost them (counted, named as dropped) or cannot
        be read now (still held).
        """
        if isinstance(held.source, Segment):
            return self._reading().payload(self, held)
        return held.source

    def _batch(self, lane: str) -> list:
        return [held for held in self.waiting if held.lane == lane]

    def _store(self, lane: str) -> None:
        batch = self._batch(lane)
        if not batch:
            return
        self._batch_packs = _BATCH_PACKS
        try:
            framed = self._call("recording", "framed", batch)
            self._call("storing", "store", lane, batch, framed)
        except (MemoryError, ImportError, OSError, ValueError) as error:
            # No memory, or a module that flash has lost: they are sent from RAM; the next turn
            # tries again.
            if len(self.waiting) > _WAITING_LIMIT:
                raise
            self.trouble.failed(error)

    def _reading(self):
        return sys.modules.get(_READING) or loading.load(_READING)

    def _call(self, module: str, function: str, *args):
        try:
            return loading.call("haidang_node." + module, function, self, *args)
        finally:
            loading.forget(*_BROUGHT)
