"""What is kept of a window's phones: two HyperLogLogs, samples of phones that can be linked."""

from array import array

from micropython import const

# Flajolet et al. 2007: standard error 1.04 / sqrt(1024) = 3.25 %.
REGISTERS = 1 << 10
_INDEX_BITS = const(10)
_INDEX = const((1 << 10) - 1)
_RANKS = const(1 << 14)
_STRIDE = const(0x1F35B1)
# 29 bits of a value: with the slot's stride still a small integer on a 32-bit board.
_MASK = const((1 << 29) - 1)
_SEQUENCES = const(0xFFF)
_OWN = const(96)
_CHAINS = const(112)
# A chain: model, 16 bits of the address, sequence and links << 12, slot and hits << 8.
FIELDS = 4
_FIELDS = const(4)
_BUCKETS = const(64)
_DROPPED = const(255)
HITS = 127
_HITS = const(127)
_REACHED = const(1 << 15)
_HINTS = const(63)


class Sketch:
    """Values are keyed hashes already, so nothing is mixed here; add() allocates nothing.

    registers: low nibble own addresses, high nibble hidden address and four slots of time,
    which is how often hidden phones were active. own: addresses that stay; chains: hidden
    addresses that one phone may have had, one after the other.
    """

    def __init__(self) -> None:
        self.registers = bytearray(REGISTERS)
        self.own = Own()
        self.chains = Chains()

    def clear(self) -> None:
        """Forgets everything."""
        for i in range(REGISTERS):
            self.registers[i] = 0
        self.own.clear()
        self.chains.clear()

    def add(self, address: int, slot: int, model: int, sequence: int) -> None:
        """A frame; slot: 0 to 255, a second each; sequence -1: the phone's own address.

        model: 16 bits of the signature, of an own address any.
        """
        address &= _MASK
        if sequence < 0:
            self._rank(address, 0)
            self.own.add(address, slot)
        else:
            self._rank((address + (slot >> 2) * _STRIDE) & _MASK, 4)
            self.chains.add(address & 0xFFFF, slot, model, sequence & _SEQUENCES)

    def _rank(self, value: int, shift: int) -> None:
        rest = value >> _INDEX_BITS | _RANKS
        rank = 1
        while not rest & 1:
            rest >>= 1
            rank += 1
        value &= _INDEX
        both = self.registers[value]
        if both >> shift & 15 < rank:
            self.registers[value] = both & 240 >> shift | rank << shift


class Own:
    """How often phones with an address of their own scanned: a fair sample of them.

    A full table is thinned to half, by bits of the address.
    """

    def __init__(self) -> None:
        self._address = array("I", bytes(4 * _OWN))
        self._seen = array("H", bytes(2 * _OWN))  # slot and hits << 8
        self._hints = bytearray(_HINTS + 1)
        self.count = self.mask = 0

    def clear(self) -> None:
        """Forgets everything."""
        for i in range(_OWN):
            self._address[i] = 0
        self.count = self.mask = 0

    def hits(self) -> list:
        """In how many scans each was heard."""
        return [seen >> 8 & _HITS for seen in self._seen[: self.count]]

    def add(self, address: int, slot: int) -> None:
        """A frame."""
        if address & self.mask:
            return
        i = self._found(address)
        if i == self.count:
            while self.count == _OWN:
                self._thin()
            if address & self.mask:
                return
            i = self.count
            self.count += 1
            self._address[i] = address
            self._seen[i] = slot | 256
        else:
            self._seen[i] = again(self._seen[i], slot)
        self._hints[address & _HINTS] = i

    def _found(self, address: int) -> int:
        i = self._hints[address & _HINTS]
        if i < self.count and self._address[i] == address:
            return i
        for i in range(self.count):
            if self._address[i] == address:
                return i
        return self.count

    def _thin(self) -> None:
        self.mask = self.mask << 1 | 1
        kept = 0
        for i in range(self.count):
            if not self._address[i] & self.mask:
                self._address[kept] = self._address[i]
                self._seen[kept] = self._seen[i]
                kept += 1
        self.count = kept


class Chains:
    """Hidden addresses by model; one whose sequence number follows goes on with the one before.

    Models lie in buckets. A full table loses its fullest bucket for the rest of the window:
    models whose addresses cannot be joined, which need a row for each scan, or very common ones.
    """

    def __init__(self) -> None:
        self.rows = array("H", bytes(2 * _FIELDS * _CHAINS))
        self.buckets = bytearray(_BUCKETS)
        self._hints = bytearray(_HINTS + 1)
        self.end = self.scans = self.slots = 0

    def clear(self) -> None:
        """Forgets everything."""
        for i in range(_FIELDS * _CHAINS):
            self.rows[i] = 0
        for i in range(_BUCKETS):
            self.buckets[i] = 0
        self.end = self.scans = self.slots = 0

    def add(self, tag: int, slot: int, model: int, sequence: int) -> None:
        """A frame under a hidden address, of which `tag` is a part."""
        rows = self.rows
        bucket = model & (_BUCKETS - 1)
        if self.buckets[bucket] == _DROPPED:
            return
        i = self._hints[tag & _HINTS] * _FIELDS
        if i >= self.end or rows[i + 1] != tag or rows[i] != model:
            i = self._found(tag, model)
        if i < self.end:
            seen = rows[i + 3]
            told = again(seen, slot)
            if told != seen:
                if told & _REACHED:
                    self.slots += 1
                else:
                    self.scans += 1
                    counted = (seen >> 2) + (seen >> 15) & 63
                    self.slots += slot >> 2 != counted
            rows[i + 3] = told
            rows[i + 2] = rows[i + 2] & 0xF000 | sequence
        else:
            self.scans += 1
            self.slots += 1
            i = self._following(model, sequence)
            if i == self.end:
                i = self._new(model, bucket)
                if i < 0:
                    return
                rows[i + 2] = sequence
                rows[i + 3] = slot | 256
            else:
                links = min((rows[i + 2] >> 12) + 1, 15)
                rows[i + 2] = links << 12 | sequence
                rows[i + 3] = slot | min((rows[i + 3] >> 8 & _HITS) + 1, _HITS) << 8
            rows[i + 1] = tag
        self._hints[tag & _HINTS] = i // _FIELDS

    def _found(self, tag: int, model: int) -> int:
        rows = self.rows
        for i in range(0, self.end, _FIELDS):
            if rows[i + 1] == tag and rows[i] == model:
                return i
        return self.end

    def _following(self, model: int, sequence: int) -> int:
        # The chain whose number this one follows most closely.
        rows = self.rows
        found = self.end
        least = near(0) + 1
        members = 0
        for i in range(0, self.end, _FIELDS):
            if rows[i] == model:
                members += 1
                gap = (sequence - rows[i + 2]) & _SEQUENCES
                if 0 < gap < least:
                    found = i
                    least = gap
        return found if least <= near(members) else self.end

    def _new(self, model: int, bucket: int) -> int:
        while self.end == _FIELDS * _CHAINS:
            self._drop()
            if self.buckets[bucket] == _DROPPED:
                return -1
        i = self.end
        self.end += _FIELDS
        self.rows[i] = model
        self.buckets[bucket] += 1
        return i

    def _drop(self) -> None:
        fullest = 0
        most = -1
        for bucket in range(_BUCKETS):
            if most < self.buckets[bucket] < _DROPPED:
                fullest = bucket
                most = self.buckets[bucket]
        self.buckets[fullest] = _DROPPED
        rows = self.rows
        kept = 0
        for i in range(0, self.end, _FIELDS):
            if rows[i] & (_BUCKETS - 1) != fullest:
                for field in range(_FIELDS):
                    rows[kept + field] = rows[i + field]
                kept += _FIELDS
        self.end = kept


def again(seen: int, slot: int) -> int:
    """A row's slot, hits << 8 and _REACHED after a frame in `slot`.

    A scan lasts up to 1.5 s, so it may reach two slots on, and into the next four.
    """
    if (slot - seen) & 255 > 2:
        return slot | min((seen >> 8 & _HITS) + 1, _HITS) << 8
    return seen | _REACHED if (slot ^ seen) & 252 else seen


def near(members: int) -> int:
    """So far may a sequence number follow, where a model has so many chains.

    By chance one follows in a share near / 4096 of them: the fewer, the wider.
    """
    if members <= 8:
        return 128
    return 64 if members <= 32 else 32
