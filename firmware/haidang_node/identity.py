"""What names a pack: epoch, boot and sequence, kept in the board's non-volatile storage."""

from micropython import const

from haidang_node import loading, log

# One 32-bit value per boot: next number (25 bits: ten years at one pack per 10 s) and, below it,
# how many of the newest numbers may exist in RAM alone.
_LOOSE_BITS = const(6)
_LOOSE_LIMIT = const((1 << _LOOSE_BITS) - 1)
_NUMBER_LIMIT = const(1 << (31 - _LOOSE_BITS))


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
        # How many numbers are safe in storage.
        self.saved = 0
        self._trouble = log.Trouble(log.Log("identity"), "writing to NVS")

    def ended(self) -> tuple | None:
        """The boot before this one, to be asked before begin(); None on a new or erased board.

        Epoch, boot, the first number that it did not use, how many of the newest below that may
        have been in RAM alone.
        """
        return _call("ended", self._storage)

    def begin(self) -> None:
        """Starts the next boot; a missing boot counter draws a new epoch.

        The counter of the new boot is cleared before the boot number is raised, so a power cut
        between the two leaves the boot before untouched. Where the storage refuses, this boot
        gets an epoch of its own: no name comes twice.
        """
        self.epoch, self.boot = _call("begin", self._storage, self._random_32)
        self.following = self.saved = 0

    def take(self) -> int:
        """The next number of this boot; safe in storage only after save()."""
        number = self.following
        assert number < _NUMBER_LIMIT, "sequence numbers of this boot are used up"
        self.following = number + 1
        return number

    def save(self, lowest_loose: int | None) -> None:
        """Makes the numbers taken safe, where they are not.

        lowest_loose: the lowest number that lives in RAM alone, None where there is none. The
        numbers taken since the last save count as loose too.
        """
        if self.saved == self.following:
            return
        lowest = self.saved if lowest_loose is None else min(lowest_loose, self.saved)
        loose = min(self.following - lowest, _LOOSE_LIMIT)
        try:
            self._keep(loose)
        except OSError as error:
            # The packs themselves are safe; a ledger that is less exact must not stop them.
            self._trouble.failed(error)
            return
        self._trouble.over()
        self.saved = self.following

    def close(self) -> None:
        """Notes an orderly end: no pack lives in RAM alone, so the next start misses none."""
        if self.epoch:
            try:
                self._keep(0)
            except OSError as error:
                # The next start misses packs that are there; the end itself goes on.
                self._trouble.failed(error)

    def _keep(self, loose: int) -> None:
        self._storage.put("numbers%d" % (self.boot & 1), self.following << _LOOSE_BITS | loose)
        self._storage.commit()


def _call(function: str, *args):
    return loading.call("haidang_node.boot_names", function, *args)
