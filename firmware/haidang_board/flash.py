"""A NOR flash in a file: erase before program, wear, power cuts in the middle of an operation.

Runs in MicroPython (and CPython); a block device for `vfs.VfsLfs2`.
"""

_BLOCK_COUNT = 4
_BLOCK_SIZE = 5
_BLOCK_ERASE = 6


class Flash:
    """`blocks` blocks of `bs` bytes in the file `path`, created erased where it is absent.

    `cut_at` cuts the power in the n-th programming or erasing operation (counted in `ops`);
    `torn` says how much of it is done: 0 nothing, 1 a quarter, 2 half, 4 all. From then on the
    device is `dead`: every access raises OSError(5). `bad` counts programs of bytes that were
    not erased, `wear` the erases of each block (`count_wear=False` saves its memory).
    """

    def __init__(self, path, blocks=512, bs=4096, strict=True, count_wear=True):
        self.n = blocks
        self.bs = bs
        self.strict = strict
        self.reads = self.progs = self.prog_bytes = self.erases = self.ops = self.bad = 0
        self.wear = [0] * blocks if count_wear else None
        self.cut_at = None
        self.torn = 1
        self.dead = False
        self._file = _opened(path, blocks, bs)

    def readblocks(self, block, buf, offset=0):
        """Fill `buf` from `offset` bytes into the block."""
        if self.dead:
            raise OSError(5)
        self.reads += 1
        self._file.seek(block * self.bs + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        """Program `buf`; without an offset the block is erased first."""
        if offset is None:
            self.ioctl(_BLOCK_ERASE, block)
            offset = 0
        cut = self._begin()
        address = block * self.bs + offset
        if self.strict:
            self._check_erased(address, len(buf))
        self._file.seek(address)
        if cut:
            self._tear(buf)
        self._file.write(buf)
        self.progs += 1
        self.prog_bytes += len(buf)

    def ioctl(self, op, arg):
        """Block count, block size and erase, as the MicroPython block protocol wants."""
        if op == _BLOCK_COUNT:
            return self.n
        if op == _BLOCK_SIZE:
            return self.bs
        if op == _BLOCK_ERASE:
            self._erase(arg)
        return 0

    def blank(self):
        """Whether the first two blocks, where a file system keeps its root, are erased."""
        first = bytearray(64)
        for block in (0, 1):
            self.readblocks(block, first)
            if first != b"\xff" * 64:
                return False
        return True

    def _erase(self, block):
        cut = self._begin()
        self._file.seek(block * self.bs)
        if cut:
            self._tear(b"\xff" * self.bs)
        piece = b"\xff" * 256
        for _ in range(self.bs // 256):
            self._file.write(piece)
        self.erases += 1
        if self.wear is not None:
            self.wear[block] += 1

    def _begin(self):
        if self.dead:
            raise OSError(5)
        self.ops += 1
        return self.cut_at is not None and self.ops >= self.cut_at

    def _tear(self, data):
        done = len(data) * self.torn // 4
        self._file.write(data[:done])
        if 0 < done < len(data):
            self._file.write(bytes([data[done] | 0x55]))  # the byte the power failed in
        self._file.flush()
        self.dead = True
        raise OSError(5)

    def _check_erased(self, address, count):
        before = bytearray(count)
        self._file.seek(address)
        self._file.readinto(before)
        if before != b"\xff" * count:
            self.bad += 1


def _opened(path, blocks, bs):
    try:
        return open(path, "r+b", 0)
    except OSError:
        erased = b"\xff" * bs
        with open(path, "wb", 0) as file:
            for _ in range(blocks):
                file.write(erased)
        return open(path, "r+b", 0)
