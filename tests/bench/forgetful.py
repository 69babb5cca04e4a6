"""The negative control: a copy of the firmware whose outbox never flushes what it wrote."""

import shutil
from pathlib import Path

# Appended to the copy's segments.py. What was written stays readable until the power goes, as it
# would if flush() did nothing: the files' entries on flash are not brought up to date.
_PATCH = """

_unsafe = {}
_real_open = open


class _Unsafe:
    def __init__(self, path):
        self._path = path
        self._file = _real_open(path, "w+b")
        _unsafe[path] = self

    def write(self, data):
        self._file.seek(0, 2)
        return self._file.write(data)

    def flush(self):
        pass

    def seek(self, *place):
        return self._file.seek(*place)

    def tell(self):
        return self._file.tell()

    def read(self, *count):
        return self._file.read(*count)

    def readinto(self, buffer, *count):
        return self._file.readinto(buffer, *count)

    def close(self):
        _unsafe.pop(self._path, None)
        self._file.close()


class _Shared:
    def __init__(self, file):
        self.read, self.readinto = file.read, file.readinto
        self.seek, self.tell = file.seek, file.tell

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def close(self):
        pass


def open(path, mode="r"):
    if "w" in mode or "a" in mode:
        return _Unsafe(path)
    return _Shared(_unsafe[path]) if path in _unsafe else _real_open(path, mode)
"""


def forgetful_firmware(source: Path, target: Path) -> Path:
    """Copies the firmware and leaves the flush out of the copy; where it lies."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("typings", "__pycache__"))
    with (target / "haidang_node" / "segments.py").open("a") as file:
        file.write(_PATCH)
    return target
