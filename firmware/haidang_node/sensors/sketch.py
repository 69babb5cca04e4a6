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
# A phone's next burst has a sequence number at most so far behind its last one.
NEAR = 64
_NEAR = const(64)
_SEQUENCES = const(0xFFF)
_LAST = const(1 << 15)
_OWN = const(80)
_CHAINS = const(48)


class Sketch:
    """Values are keyed hashes already, so nothing is mixed here; add() allocates nothing.

    registers: low nibble own addresses, high nibble hidden address and slot of time, which is
    how often hidden phones were active. own: addresses that stay; chains: hidden addresses
    that one phone may have had, one after the other.
    """

    def __init__(self) -> None:
        self.registers = bytearray(REGISTERS)
        self.own = Sample(_OWN)
        self.chains = Sample(_CHAINS)

    def clear(self) -> None:
        """Forgets everything."""
        for i in range(REGISTERS):
            self.registers[i] = 0
        self.own.clear()
        self.chains.clear()

    def add(self, address: int, slot: int, model: int, sequence: int) -> None:
        """A frame; slot: 0 to 255, some seconds each; sequence -1: the phone's own address.

        model: 15 bits or more of the signature, of an own address any.
        """
        address &= _MASK
        if sequence < 0:
            self._rank(address, 0)
            self.own.add(address, slot, address & 0xFFFF, sequence)
        else:
            self._rank((address + slot * _STRIDE) & _MASK, 4)
            self.chains.add(address, slot, model, sequence)

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


class Sample:
    """Phones of some groups, all of each: in how many slots active, over how many addresses.

    A full table is thinned to half of the groups, so what stays is a fair sample.
    """

    def __init__(self, size: int) -> None:
        self._address = array("I", bytes(4 * size))
        self.group = array("H", bytes(2 * size))
        self._sequence = array("H", bytes(2 * size))
        self._slot = bytearray(size)
        self.hits = bytearray(size)
        self.links = bytearray(size)
        self.count = self.mask = 0

    def clear(self) -> None:
        """Forgets everything."""
        for i in range(len(self.hits)):
            self._address[i] = 0
        self.count = self.mask = 0

    def add(self, address: int, slot: int, group: int, sequence: int) -> None:
        """A frame; one of an unknown address goes on where its sequence number follows."""
        # The highest bit goes last: then there is one group too large for the table.
        group |= _LAST
        if group & self.mask:
            return
        i = self._found(address, group, sequence)
        new = i < 0 or self._address[i] != address
        if i < 0:
            while self.count == len(self.hits):
                self._thin()
            if group & self.mask:
                return
            i = self.count
            self.count += 1
            self.group[i] = group
            self.hits[i] = self.links[i] = 0
        elif new:
            self.links[i] = min(self.links[i] + 1, 255)
        if new or self._slot[i] != slot:
            self.hits[i] = min(self.hits[i] + 1, 255)
        self._address[i] = address
        self._slot[i] = slot
        self._sequence[i] = sequence & _SEQUENCES

    def _found(self, address: int, group: int, sequence: int) -> int:
        found = -1
        gap = _NEAR + 1
        for i in range(self.count):
            if self._address[i] == address:
                return i
            if sequence >= 0 and self.group[i] == group:
                behind = (sequence - self._sequence[i]) & _SEQUENCES
                if 0 < behind < gap:
                    found = i
                    gap = behind
        return found

    def _thin(self) -> None:
        self.mask = self.mask << 1 | 1
        kept = 0
        for i in range(self.count):
            if not self.group[i] & self.mask:
                self._address[kept] = self._address[i]
                self.group[kept] = self.group[i]
                self._sequence[kept] = self._sequence[i]
                self._slot[kept] = self._slot[i]
                self.hits[kept] = self.hits[i]
                self.links[kept] = self.links[i]
                kept += 1
        self.count = kept
