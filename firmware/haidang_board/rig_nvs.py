"""The NVS partition: keys by name space; only what was committed is in the file."""

import json
from pathlib import Path


class Nvs:
    """Values are text with a type letter in front: `i` decimal, `b` hex."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._committed: dict[str, dict[str, str]] = {}
        self._present: dict[str, dict[str, str]] = {}

    def load(self) -> None:
        """Forget what was not committed: power-on."""
        text = self._path.read_text() if self._path.exists() else "{}"
        self._committed = json.loads(text)
        self._present = json.loads(text)

    def get(self, space: str, key: str) -> str:
        """The value, or empty text for a missing key."""
        return self._present.get(space, {}).get(key, "")

    def set(self, space: str, key: str, value: str) -> None:
        """Change a value until the next power cut, or for good with `commit`."""
        self._present.setdefault(space, {})[key] = value

    def erase(self, space: str, key: str) -> bool:
        """Erase a key; False when there was none."""
        return self._present.get(space, {}).pop(key, None) is not None

    def commit(self, space: str) -> None:
        """Write one name space to the file, atomically."""
        self._committed[space] = dict(self._present.get(space, {}))
        self._save()

    def wipe(self) -> None:
        """Erase the partition, as `esptool erase_flash` does."""
        self._committed, self._present = {}, {}
        self._save()

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self._committed))
        fresh.replace(self._path)
