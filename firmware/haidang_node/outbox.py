"""Packs kept until the gateway's own acknowledgement names them: two lanes on flash."""

import os

from micropython import const

from haidang_node import log, records
from haidang_node.errors import StorageError
from haidang_node.numbers import clip, take_out
from haidang_node.segments import Segment, Segments, free_bytes, parse_name
from haidang_wire import ranges

ALARM = "a"
DATA = "d"

# Telemetry waits in RAM for this many packs or this long before a flush: a flush per pack would
# wear the hottest flash block out in 6 years, one per 10 packs in more than 30.
_BATCH_PACKS = const(10)
_BATCH_MS = const(60000)
# Alarm packs that flash refused stay in RAM so that they are sent at least.
_REFUSED_ALARMS = const(16)
# LittleFS needs free blocks to go on working: 8 blocks of 4096 bytes stay free.
_FREE_RESERVE_BYTES = const(32768)
_LOG = log.Log("outbox")


class Held:
    """One pack that is not acknowledged: in RAM (`payload`) or on flash (`segment`, `offset`)."""

    __slots__ = (
        "boot", "delay_ms", "due_ms", "epoch", "lane", "offset", "packet_id", "payload",
        "segment", "seq", "since_ms",
    )  # fmt: skip

    def __init__(self, lane: str, epoch: str, boot: int, seq: int) -> None:
        self.lane = lane
        self.epoch = epoch
        self.boot = boot
        self.seq = seq
        self.segment: Segment | None = None
        self.offset = 0
        self.payload: bytes | None = None
        self.since_ms = 0
        # Filled in by the window while the pack is on its way.
        self.packet_id = 0
        self.delay_ms = 0
        self.due_ms = 0


class Place:
    """How far a lane has been read: segment turn and offset, then the number in RAM."""

    def __init__(self) -> None:
        self.turn = 0
        self.offset = 0
        self.loose = -1


class Outbox:
    """Keeps packs through power cuts; frees them only when named by an acknowledgement.

    Alarms are flushed at once and never dropped while flash works. Telemetry is flushed in
    batches; when `limit_bytes` or the flash is full the oldest segment is dropped and its numbers
    are named in `ledger` as dropped.
    """

    def __init__(self, folder: str, limit_bytes: int, ledger) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._ledger = ledger
        self._lanes = {ALARM: Segments(folder, ALARM), DATA: Segments(folder, DATA)}
        self._loose: list[Held] = []
        self._held: dict[tuple, list] = {}
        self._trouble = log.Trouble(_LOG, "writing to flash")
        self.corrupt = 0

    def open(self, epoch: str) -> None:
        """Finds what earlier boots left; `epoch` is the present one, its packs come last."""
        try:
            os.mkdir(self._folder)
        except OSError:
            # It is there already, or the first write will say what is wrong.
            _LOG.debug("folder %s is there", self._folder)
        found = []
        try:
            for entry in os.ilistdir(self._folder):
                segment = parse_name(entry[0])
                if segment:
                    found.append(segment)
        except OSError as error:
            # A node whose flash is gone still watches, sounds and sends from RAM.
            _LOG.error("%s cannot be read: %s", self._folder, error)
        found.sort(key=lambda s: (s.epoch == epoch, s.boot, s.first))
        for segment in found:
            self._adopt(segment)

    def put(self, lane: str, epoch: str, boot: int, seq: int, payload: bytes, now_ms: int) -> None:
        """Keeps a pack; an alarm is on flash when this returns, unless flash refuses."""
        held = Held(lane, epoch, boot, seq)
        held.payload = payload
        held.since_ms = now_ms
        ranges.add(self._numbers(lane, epoch, boot), seq)
        self._loose.append(held)
        if lane == ALARM:
            self._store(ALARM)
        else:
            self.flush_due(now_ms)

    def flush_due(self, now_ms: int) -> None:
        """Writes waiting telemetry to flash once there is enough of it or it has waited long."""
        waiting = [held for held in self._loose if held.lane == DATA]
        if waiting and (len(waiting) >= _BATCH_PACKS or now_ms - waiting[0].since_ms >= _BATCH_MS):
            self._store(DATA)
        if any(held.lane == ALARM for held in self._loose):
            self._store(ALARM)

    def close(self) -> None:
        """Writes everything down, for an orderly restart."""
        for lane in (ALARM, DATA):
            self._store(lane)
            self._lanes[lane].close()

    def lowest_loose(self) -> int | None:
        """The lowest number of this boot that is in RAM alone."""
        return min([held.seq for held in self._loose], default=None)

    def acknowledge(self, epoch: str, boot: int, acked: list) -> int:
        """Frees exactly the named packs; how many were held."""
        freed = 0
        for lane in (ALARM, DATA):
            numbers = self._held.get((lane, epoch, boot))
            if numbers:
                for lo, hi in acked:
                    freed += take_out(numbers, lo, hi)
                self._tidy(lane, epoch, boot)
        return freed

    def is_held(self, held: Held) -> bool:
        """Whether a pack still waits for its acknowledgement."""
        numbers = self._held.get((held.lane, held.epoch, held.boot))
        return numbers is not None and ranges.contains(numbers, held.seq)

    def count(self) -> int:
        """How many packs are held."""
        return sum([ranges.count(numbers) for numbers in self._held.values()])

    def held(self, epoch: str) -> dict:
        """Held numbers of an epoch as ranges by boot, both lanes together."""
        boots: dict = {}
        for (_, of_epoch, boot), numbers in self._held.items():
            if of_epoch == epoch and numbers:
                together = boots.setdefault(boot, [])
                for lo, hi in numbers:
                    ranges.add_range(together, lo, hi)
        return boots

    def next(self, lane: str, place: Place) -> Held | None:
        """The next held pack of a lane behind `place`, which moves on; None at the end."""
        for segment in self._lanes[lane].all:
            if segment.turn > place.turn:
                place.turn, place.offset = segment.turn, 0
            if segment.turn == place.turn:
                held = self._next_in(segment, place)
                if held:
                    return held
        for held in self._loose:
            if held.lane == lane and held.seq > place.loose:
                place.loose = held.seq
                return held
        return None

    def payload(self, held: Held) -> bytes | None:
        """The pack's bytes; None where flash has lost them (counted, named as dropped) or cannot
        be read now (still held).
        """
        if held.payload is not None:
            return held.payload
        if held.segment is not None:
            try:
                found = self._lanes[held.lane].read_from(held.segment, held.offset)
            except StorageError as error:
                self._trouble.failed(error)
                return None
            if found and found[1] == held.seq:
                return found[2]
        self.corrupt += 1
        self._drop(held.lane, held.epoch, held.boot, held.seq, held.seq, "corrupt")
        return None

    def _adopt(self, segment) -> None:
        lane = self._lanes[segment.lane]
        try:
            numbers = lane.scan(segment)
        except OSError as error:
            _LOG.error("%s cannot be read and stays as it is: %s", segment.name(), error)
            return
        lane.adopt(segment)
        if not numbers:
            # Torn by a power cut before its first flush: nothing in it was ever promised.
            lane.remove(segment)
            return
        held = self._numbers(segment.lane, segment.epoch, segment.boot)
        for seq in numbers:
            ranges.add(held, seq)

    def _numbers(self, lane: str, epoch: str, boot: int) -> list:
        return self._held.setdefault((lane, epoch, boot), [])

    def _next_in(self, segment, place: Place) -> Held | None:
        numbers = self._numbers(segment.lane, segment.epoch, segment.boot)
        while place.offset < segment.size_bytes:
            try:
                found = self._lanes[segment.lane].read_from(segment, place.offset)
            except StorageError as error:
                self._trouble.failed(error)
                found = None
            if not found:
                place.offset = segment.size_bytes
                break
            offset, seq, payload = found
            place.offset = offset + records.HEADER_BYTES + len(payload)
            if ranges.contains(numbers, seq):
                held = Held(segment.lane, segment.epoch, segment.boot, seq)
                held.segment, held.offset = segment, offset
                return held
        return None

    def _store(self, lane: str) -> None:
        batch = [held for held in self._loose if held.lane == lane]
        if not batch:
            return
        self._make_room(sum([len(held.payload or b"") + records.HEADER_BYTES for held in batch]))
        while True:
            try:
                self._write(lane, batch)
            except StorageError as error:
                self._trouble.failed(error)
                if not self._drop_oldest():
                    self._bound_loose(lane)
                    return
            else:
                self._trouble.over()
                self._loose = [held for held in self._loose if held.payload is not None]
                return

    def _write(self, lane: str, batch: list) -> None:
        segments = self._lanes[lane]
        placed = []
        for held in batch:
            segment, offset = segments.append(held.epoch, held.boot, held.seq, held.payload)
            placed.append((segment, offset))
        segments.flush()
        for held, (segment, offset) in zip(batch, placed):  # noqa: B905 - no strict= on the node
            held.segment, held.offset, held.payload = segment, offset, None

    def _make_room(self, needed_bytes: int) -> None:
        while self._used() + needed_bytes > self._limit_bytes or (
            free_bytes(self._folder, _FREE_RESERVE_BYTES) < _FREE_RESERVE_BYTES
        ):
            if not self._drop_oldest():
                return

    def _used(self) -> int:
        return sum([s.size_bytes for lane in self._lanes.values() for s in lane.all])

    def _drop_oldest(self) -> bool:
        lane = self._lanes[DATA]
        if not lane.all:
            return False
        segment = lane.all[0]
        numbers = self._numbers(DATA, segment.epoch, segment.boot)
        for lo, hi in clip(numbers, segment.first, segment.last):
            self._drop(DATA, segment.epoch, segment.boot, lo, hi, "full")
        lane.remove(segment)
        return True

    def _bound_loose(self, lane: str) -> None:
        limit = _REFUSED_ALARMS if lane == ALARM else _BATCH_PACKS
        waiting = [held for held in self._loose if held.lane == lane]
        for held in waiting[: max(0, len(waiting) - limit)]:
            self._loose.remove(held)
            self._drop(lane, held.epoch, held.boot, held.seq, held.seq, "flash")

    def _drop(self, lane: str, epoch: str, boot: int, lo: int, hi: int, cause: str) -> None:
        # Named before the file goes: a power cut in between leaves both names, never none.
        self._ledger.drop(epoch, boot, lo, hi, cause)
        take_out(self._numbers(lane, epoch, boot), lo, hi)

    def _tidy(self, lane: str, epoch: str, boot: int) -> None:
        numbers = self._held[lane, epoch, boot]
        self._loose = [held for held in self._loose if self.is_held(held)]
        segments = self._lanes[lane]
        for segment in list(segments.all):
            mine = segment.epoch == epoch and segment.boot == boot
            if mine and not clip(numbers, segment.first, segment.last):
                segments.remove(segment)
        if not numbers:
            del self._held[lane, epoch, boot]
