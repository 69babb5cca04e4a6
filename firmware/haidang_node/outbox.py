"""Packs kept until the gateway's own acknowledgement names them: two lanes on flash."""

from micropython import const

from haidang_node import loading, log, numbers
from haidang_node.errors import FlashFull, StorageError
from haidang_node.segments import Held, Place, Segment, Segments, free_bytes, size

ALARM = "a"
DATA = "d"

# Telemetry waits in RAM for this many packs or this long before a flush: a flush per pack would
# wear the hottest flash block out in 4 years, one per 10 packs in more than 20.
_BATCH_PACKS = const(10)
_BATCH_MS = const(60000)
# Alarm packs that flash refused stay in RAM so that they are sent at least.
_REFUSED_ALARMS = const(16)
# So many files make a full outbox. LittleFS reads a folder of 60 files up to 54,000 times to
# change one of them, several seconds on an ESP32; with 16 files it is 12,000 times.
_DATA_FILES = const(16)
_ALARM_FILES = const(32)
_BLOCK_BYTES = const(4096)
# LittleFS needs free blocks to go on working: 8 blocks of 4096 bytes stay free.
_FREE_RESERVE_BYTES = const(32768)
# Ranges of held numbers take 4 bytes of heap each: 2,000 alarms scattered in telemetry.
_RANGES = const(4096)
# Ranges told per boot; the newest boots of a status.
_TOLD_RANGES = const(16)
_TOLD_BOOTS = const(5)
_LOG = log.Log("outbox")


class Outbox:
    """Keeps packs through power cuts; frees them only when named by an acknowledgement.

    Alarms are flushed at once, telemetry in batches. When `limit_bytes` or the flash is full the
    oldest telemetry is dropped. Where alarms alone fill it, an alarm drops the oldest segment of
    alarms, because the newest tell what is; telemetry never drops an alarm. What is dropped is
    named in `ledger` first.
    """

    def __init__(self, folder: str, limit_bytes: int, ledger) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._ledger = ledger
        self._lanes = {
            ALARM: Segments(folder, ALARM, max(_BLOCK_BYTES, limit_bytes // _ALARM_FILES)),
            DATA: Segments(folder, DATA, max(_BLOCK_BYTES, limit_bytes // _DATA_FILES)),
        }
        # (epoch, boot) by key
        self._boots: list[tuple[str, int]] = []
        self._loose: list[Held] = []
        self._trouble = log.Trouble(_LOG, "writing to flash")
        # Whether alarms were dropped for room and none was written since.
        self._gave_alarms = False
        # Damaged stretches and packs found in this boot.
        self.corrupt = 0

    def open(self, ended=None) -> None:
        """Finds what earlier boots left, and names in the ledger, which is open, what the boot
        that `ended` had in RAM alone and what flash has lost.
        """
        found = (self._folder, self._lanes, self.key, self._ledger, ended)
        self.corrupt = loading.call("haidang_node.recovery", "recover", *found)

    def put(self, lane: str, epoch: str, boot: int, seq: int, payload: bytes, now_ms: int) -> None:
        """Keeps a pack; an alarm is on flash when this returns, unless flash refuses."""
        self._loose.append(Held(lane, self.key(epoch, boot), seq, payload, now_ms))
        if lane == ALARM or sum([held.lane == DATA for held in self._loose]) >= _BATCH_PACKS:
            self._store(lane)

    def flush_due(self, now_ms: int) -> int:
        """Writes telemetry that has waited long and alarms that flash refused; how long (ms) the
        oldest pack that is still in RAM alone has been there.
        """
        for held in self._loose:
            if held.lane == DATA:
                if now_ms - held.offset >= _BATCH_MS:
                    self._store(DATA)
                break
        self._store(ALARM)
        return now_ms - self._loose[0].offset if self._loose else 0

    def close(self) -> None:
        """Writes everything down, for an orderly restart."""
        for lane in (ALARM, DATA):
            self._store(lane)
            self._lanes[lane].close()

    def key(self, epoch: str, boot: int) -> int:
        """The number that stands for a boot while the program runs."""
        key = self._find(epoch, boot)
        if key < 0:
            key = len(self._boots)
            self._boots.append((epoch, boot))
        return key

    def loose(self) -> list[tuple]:
        """What is in RAM alone, as the arguments of put()."""
        rows = []
        for held in self._loose:
            epoch, boot = self._boots[held.key]
            rows.append((held.lane, epoch, boot, held.seq, held.source, held.offset))
        return rows

    def lowest_loose(self) -> int | None:
        """The lowest number that is in RAM alone."""
        return min([held.seq for held in self._loose], default=None)

    def acknowledge(self, epoch: str, boot: int, acked: list) -> int:
        """Frees exactly the named packs; how many were held."""
        key = self._find(epoch, boot)
        before = len(self._loose)
        for lo, hi in acked:
            self._loose = [
                held for held in self._loose if held.key != key or not lo <= held.seq <= hi
            ]
        freed = before - len(self._loose)
        for segments in self._lanes.values():
            for segment in list(segments.all):
                for lo, hi in acked:
                    freed += numbers.take_out(segment.parts, key, lo, hi)
                if not segment.parts:
                    segments.remove(segment)
        return freed

    def is_held(self, held: Held) -> bool:
        """Whether a pack still waits for its acknowledgement."""
        if isinstance(held.source, Segment):
            return numbers.holds(held.source.parts, held.key, held.seq)
        return held in self._loose

    def count(self) -> int:
        """How many packs are held."""
        total = len(self._loose)
        for segments in self._lanes.values():
            for segment in segments.all:
                total += numbers.count(segment.parts)
        return total

    def held(self, epoch: str) -> dict:
        """Held numbers of an epoch's newest boots as ranges by boot, both lanes together.

        Of many ranges the newest are told as one: what was received counts before this.
        """
        boots = {}
        told = [key for key in range(len(self._boots)) if self._boots[key][0] == epoch]
        for key in told[-_TOLD_BOOTS:]:
            lanes = [self._pieces(lane, key) for lane in (ALARM, DATA)]
            pieces = numbers.together(lanes[0], lanes[1], _TOLD_RANGES)
            if pieces:
                boots[self._boots[key][1]] = pieces
        return boots

    def next(self, lane: str, place: Place) -> Held | None:
        """The next held pack of a lane behind `place`, which moves on; None at the end."""
        for segment in self._lanes[lane].all:
            if segment.turn > place.turn:
                place.turn, place.offset = segment.turn, 0
            if segment.turn == place.turn:
                held = self._next_in(lane, segment, place)
                if held:
                    return held
        for held in self._loose:
            if held.lane == lane and held.seq > place.loose:
                place.loose = held.seq
                return held
        return None

    def end(self, lane: str) -> Place:
        """The place behind everything that a lane holds now."""
        place = self._lanes[lane].end()
        for held in self._loose:
            if held.lane == lane:
                place.loose = held.seq
        return place

    def payload(self, held: Held) -> bytes | None:
        """The pack's bytes; None where flash has lost them (counted, named as dropped) or cannot
        be read now (still held).
        """
        source = held.source
        if not isinstance(source, Segment):
            return source
        epoch, boot = self._boots[held.key]
        try:
            found = self._lanes[held.lane].read(source, held.offset)
        except StorageError as error:
            self._trouble.failed(error)
            return None
        if found and found[:3] == (epoch, boot, held.seq):
            return found[3]
        self.corrupt += 1
        self._ledger.drop(epoch, boot, [(held.seq, held.seq)], "corrupt")
        numbers.take_out(source.parts, held.key, held.seq, held.seq)
        return None

    def _find(self, epoch: str, boot: int) -> int:
        for key in range(len(self._boots) - 1, -1, -1):
            if self._boots[key] == (epoch, boot):
                return key
        return -1

    def _pieces(self, lane: str, key: int):
        for segment in self._lanes[lane].all:
            yield from numbers.each(segment.parts, key)
        for held in self._loose:
            if held.lane == lane and held.key == key:
                yield held.seq, held.seq

    def _next_in(self, lane: str, segment: Segment, place: Place) -> Held | None:
        if place.offset >= segment.size_bytes:
            return None
        try:
            found = self._lanes[lane].next_held(segment, place.offset, self._find)
        except StorageError as error:
            self._trouble.failed(error)
            found = None
        if found is None:
            place.offset = segment.size_bytes
            return None
        key, seq, offset, place.offset = found
        return Held(lane, key, seq, segment, offset)

    def _store(self, lane: str) -> None:
        batch = [held for held in self._loose if held.lane == lane]
        if not batch:
            return
        cause = self._make_room(lane, sum([len(held.source or b"") for held in batch]))
        while cause is None:
            try:
                self._write(lane, batch)
            except FlashFull as error:
                self._trouble.failed(error)
                if self._drop_oldest(DATA):
                    continue
                # Once: where that gives no room, dropping more alarms would not either.
                if lane == DATA or self._gave_alarms or not self._drop_oldest(ALARM):
                    cause = "full"
                self._gave_alarms = lane == ALARM
            except StorageError as error:
                # Room would not help: a broken flash must lose no more than it has.
                self._trouble.failed(error)
                cause = "flash"
            else:
                self._trouble.over()
                self._gave_alarms = False
                self._loose = [held for held in self._loose if held.lane != lane]
                return
        limit = _REFUSED_ALARMS if lane == ALARM else _BATCH_PACKS
        for held in batch[: max(0, len(batch) - limit)]:
            self._loose.remove(held)
            self._ledger.drop(*self._boots[held.key], [(held.seq, held.seq)], cause)

    def _write(self, lane: str, batch: list) -> None:
        segments = self._lanes[lane]
        placed = []
        for held in batch:
            epoch, boot = self._boots[held.key]
            placed.append(segments.append(epoch, boot, held.seq, held.source))
        segments.flush()
        for held, (segment, offset) in zip(batch, placed):  # noqa: B905 - no strict= on the node
            numbers.add(segment.parts, held.key, held.seq)
            held.source, held.offset = segment, offset

    def _make_room(self, lane: str, needed_bytes: int) -> str | None:
        while True:
            used_bytes, ranges = size(self._lanes.values())
            beyond = used_bytes + needed_bytes > self._limit_bytes or ranges > _RANGES
            # Asked now and then only: LittleFS counts by reading what every file uses.
            if not beyond and not (
                self._lanes[lane].starts_anew
                and free_bytes(self._folder, _FREE_RESERVE_BYTES) < _FREE_RESERVE_BYTES
            ):
                return None
            if self._drop_oldest(DATA):
                continue
            if lane == DATA:
                return "full"
            if not beyond or not self._drop_oldest(ALARM):
                # The reserve is for alarms.
                return None

    def _drop_oldest(self, lane: str) -> bool:
        segments = self._lanes[lane]
        if not segments.all:
            return False
        if lane == ALARM:
            _LOG.error("flash is full of alarms: the oldest go, the newest tell what is")
        segment = segments.all[0]
        for key in range(len(self._boots)):
            lost = list(numbers.each(segment.parts, key))
            if lost:
                # Named before the file goes: a power cut in between leaves both names, never none.
                cause = "alarm_full" if lane == ALARM else "full"
                self._ledger.drop(*self._boots[key], lost, cause)
        segments.remove(segment)
        segment.parts = []
        return True
