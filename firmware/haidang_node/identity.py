"""What names a pack: epoch, boot and sequence, kept in the board's non-volatile storage."""

from micropython import const

# One 32-bit value per boot: next number (25 bits: ten years at one pack per 10 s) and, below it,
# how many of the newest numbers may exist in RAM alone. One small write per pack.
_LOOSE_BITS = const(6)
_LOOSE_LIMIT = const((1 << _LOOSE_BITS) - 1)
_NUMBER_LIMIT = const(1 << (31 - _LOOSE_BITS))


class Ended:
    """The numbers of the boot before: below `following`, and the newest `loose` of them unsure."""

    def __init__(self, epoch: str, boot: int, following: int, loose: int) -> None:
        self.epoch = epoch
        self.boot = boot
        self.following = following
        self.loose = loose


class Identity:
    """Draws the epoch, counts boots and gives out sequence numbers without ever repeating one.

    `storage` has get(key) -> int | None, put(key, value) and commit(); `random_32` returns a fresh
    32-bit number.
    """

    def __init__(self, storage, random_32) -> None:
        self._storage = storage
        self._random_32 = random_32
        self.epoch = ""
        self.boot = 0
        self.following = 0

    def ended(self) -> Ended | None:
        """The boot before this one, to be asked before begin(); None on a new or erased board."""
        epoch = self._storage.get("epoch")
        boot = self._storage.get("boot")
        if epoch is None or boot is None:
            return None
        state = self._storage.get(_key(boot)) or 0
        return Ended(_hex(epoch), boot, state >> _LOOSE_BITS, state & _LOOSE_LIMIT)

    def begin(self) -> None:
        """Starts the next boot; a missing boot counter draws a new epoch.

        The counter of the new boot is cleared before the boot number is raised, so a power cut
        between the two leaves the boot before untouched.
        """
        storage = self._storage
        epoch = storage.get("epoch")
        boot = storage.get("boot")
        if epoch is None or boot is None:
            epoch, boot = _signed(self._random_32()), 0
            storage.put("epoch", epoch)
        storage.put(_key(boot + 1), 0)
        storage.put("boot", boot + 1)
        storage.commit()
        self.epoch = _hex(epoch)
        self.boot = boot + 1
        self.following = 0

    def take(self, lowest_loose: int | None) -> int:
        """The next number, safe in storage before it is used.

        lowest_loose: the lowest number that lives in RAM alone, None where there is none. The new
        number counts as loose until its pack is flushed.
        """
        number = self.following
        assert number < _NUMBER_LIMIT, "sequence numbers of this boot are used up"
        loose = number + 1 - (number if lowest_loose is None else lowest_loose)
        state = (number + 1) << _LOOSE_BITS | min(loose, _LOOSE_LIMIT)
        self._storage.put(_key(self.boot), state)
        self._storage.commit()
        self.following = number + 1
        return number


def _key(boot: int) -> str:
    return "numbers%d" % (boot & 1)


def _hex(epoch: int) -> str:
    return "%08x" % (epoch & 0xFFFFFFFF)


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number
