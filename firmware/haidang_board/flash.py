"""The flash chip's file system partition, in a file: a block device for `vfs.VfsLfs2`.

Runs in MicroPython and CPython. `flash_model.py` adds wear and power cuts for tests.
"""

ERASE = 6
_ERASED = b"\xff" * 128
_COUNT = 4
_SIZE = 5
_ERASED = b"\xff" * 64


class Flash:
    """`blocks` blocks of `bs` bytes in the file `path`, created erased where it is absent."""

    def __init__(self, path, blocks=512, bs=4096):
        self.n = blocks
        self.bs = bs
        try:
            self._file = open(path, "r+b", 0)  # noqa: SIM115  as long as the chip has power
        except OSError:
            self._file = open(path, "w+b", 0)  # noqa: SIM115
            for _ in range(blocks * bs // 64):
                self._file.write(_ERASED)

    def readblocks(self, block, buf, offset=0):
        """Fill `buf` from `offset` bytes into the block."""
        self._file.seek(block * self.bs + offset)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        """Program `buf`; without an offset the block is erased first."""
        if offset is None:
            self.ioctl(ERASE, block)
        self._file.seek(block * self.bs + (offset or 0))
        self._file.write(buf)

    def ioctl(self, op, arg):
        """Block count, block size and erase, as the MicroPython block protocol wants."""
        if op == _COUNT:
            return self.n
        if op == _SIZE:
            return self.bs
        if op == ERASE:
            # In pieces: a chip erases without asking its user for 4 KiB of heap.
            self._file.seek(arg * self.bs)
            for _ in range(0, self.bs, len(_ERASED)):
                self._file.write(_ERASED)
        return 0
