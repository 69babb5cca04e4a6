"""A NOR flash that checks its user: erase before program, wear, power cuts in mid-operation.

Runs in MicroPython and CPython; for tests of what is kept on LittleFS.
"""

from flash import ERASE, Flash


class FlashModel(Flash):
    """A `Flash` that counts, and whose power can be cut.

    `cut_at` cuts the power in the n-th programming or erasing operation (counted in `ops`);
    `torn` says how much of it is done: 0 nothing, 1 a quarter, 2 half, 4 all. From then on the
    device is `dead`: every access raises OSError(5). `bad` counts programs of bytes that were
    not erased, `wear` the erases of each block.
    """

    def __init__(self, path, blocks=512, bs=4096):
        super().__init__(path, blocks, bs)
        self.reads = self.progs = self.prog_bytes = self.erases = self.ops = self.bad = 0
        self.wear = [0] * blocks
        self.cut_at = None
        self.torn = 1
        self.dead = False

    def readblocks(self, block, buf, offset=0):
        """Fill `buf` from `offset` bytes into the block."""
        if self.dead:
            raise OSError(5)
        self.reads += 1
        super().readblocks(block, buf, offset)

    def writeblocks(self, block, buf, offset=None):
        """Program `buf`; without an offset the block is erased first."""
        if offset is None:
            self.ioctl(ERASE, block)
            offset = 0
        cut = self._begin()
        self._check_erased(block, offset, len(buf))
        if cut:
            self._tear(block, offset, buf)
        super().writeblocks(block, buf, offset)
        self.progs += 1
        self.prog_bytes += len(buf)

    def ioctl(self, op, arg):
        """Block count, block size and erase, as the MicroPython block protocol wants."""
        if op == ERASE:
            if self._begin():
                self._tear(arg, 0, b"\xff" * self.bs)
            self.erases += 1
            self.wear[arg] += 1
        return super().ioctl(op, arg)

    def _begin(self):
        if self.dead:
            raise OSError(5)
        self.ops += 1
        return self.cut_at is not None and self.ops >= self.cut_at

    def _tear(self, block, offset, data):
        done = len(data) * self.torn // 4
        super().writeblocks(block, data[:done], offset)
        if 0 < done < len(data):
            half = bytes([data[done] | 0x55])  # the byte the power failed in
            super().writeblocks(block, half, offset + done)
        self.dead = True
        raise OSError(5)

    def _check_erased(self, block, offset, count):
        before = bytearray(count)
        super().readblocks(block, before, offset)
        if before != b"\xff" * count:
            self.bad += 1
