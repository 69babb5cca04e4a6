"""Reads one TOML table key by key, collecting every mistake with its line and its remedy."""

import difflib
import itertools
import os
import re
from pathlib import Path
from typing import Any

from haidang_gateway.vision.source import without_secrets

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?")
_KEY = re.compile(r"\s*\"?([A-Za-z0-9_\-]+)\"?\s*=")
_GROUP_AND_OTHERS = 0o077


class Lines:
    """Where each key of a TOML text stands; tomllib does not tell.

    A scan by line is enough for the keys this project has: a key inside a multi-line array of
    inline tables is found at its own line, too.
    """

    def __init__(self, name: str, text: str) -> None:
        """Index the text; `name` is how the file is called in messages."""
        self.name = name
        self._at: dict[tuple[str, int, str], int] = {}
        counts: dict[str, int] = {}
        table, index = "", 0
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = header.group(2)
                index = counts.get(table, 0)
                counts[table] = index + 1
                self._at.setdefault((table, index, ""), number)
            elif key := _KEY.match(line):
                self._at.setdefault((table, index, key.group(1)), number)

    def place(self, table: str, index: int, key: str) -> str:
        """`file:line` of a key, else of its table's header, else of the file."""
        line = self._at.get((table, index, key)) or self._at.get((table, index, "")) or 1
        return f"{self.name}:{line}"


class Table:
    """One table; every `take` returns a usable value, mistakes go to `problems`."""

    def __init__(
        self, lines: Lines, problems: list[str], values: dict[str, Any], name: str, index: int = 0
    ) -> None:
        """Store the table; nothing is read before the first take."""
        self._lines = lines
        self._problems = problems
        self._values = values
        self._name = name
        self._index = index
        self._taken: list[str] = []

    def text(
        self,
        key: str,
        default: str | None = None,
        *,
        pattern: str = r".+",
        like: str = "some text",
    ) -> str:
        """A string that matches `pattern` as a whole; `like` describes it in the message."""
        value = self._take(key, default)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self._mistake(key, value, f"write {like} in quotes")
        return default or ""

    def optional_text(self, key: str, *, pattern: str, like: str) -> str:
        """The same, empty where the key is absent."""
        if key not in self._values:
            self._taken.append(key)
            return ""
        return self.text(key, pattern=pattern, like=like)

    def whole(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        """An integer from low to high."""
        value = self._take(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._mistake(key, value, f"write a whole number from {low} to {high}")
        return low if default is None else default

    def number(self, key: str, default: float | None = None, *, low: float, high: float) -> float:
        """A number from low to high."""
        value = self._take(key, default)
        if _is_number(value) and low <= value <= high:
            return float(value)
        self._mistake(key, value, f"write a number from {low:g} to {high:g}")
        return low if default is None else default

    def optional_number(self, key: str, *, low: float, high: float) -> float | None:
        """A number from low to high, None where the key is absent."""
        if key not in self._values:
            self._taken.append(key)
            return None
        return self.number(key, low=low, high=high)

    def yes(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._take(key, default)
        if isinstance(value, bool):
            return value
        self._mistake(key, value, "write true or false")
        return default

    def numbers(
        self, key: str, default: tuple[float, ...], *, count: int, low: float, high: float
    ) -> tuple[float, ...]:
        """`count` rising numbers from low to high (a default of another length means: absent)."""
        value = self._take(key, list(default))
        if value == list(default):
            return default
        if _is_rising(value, count) and all(low <= item <= high for item in value):
            return tuple(float(item) for item in value)
        self._mistake(key, value, f"write {count} rising numbers from {low:g} to {high:g}")
        return default

    def words(self, key: str, *, pattern: str, like: str) -> tuple[str, ...]:
        """A list of strings, each matching `pattern`; empty where absent."""
        value = self._take(key, [])
        if isinstance(value, list) and all(
            isinstance(item, str) and re.fullmatch(pattern, item) for item in value
        ):
            return tuple(value)
        self._mistake(key, value, f"write a list of {like}")
        return ()

    def points(self, key: str, *, low: float, high: float) -> tuple[tuple[float, float], ...]:
        """A list of at least three [x, y] pairs from low to high; empty where absent."""
        value = self._take(key, [])
        if value == []:
            return ()
        if (
            isinstance(value, list)
            and len(value) >= 3
            and all(_is_pair(item) and low <= min(item) and max(item) <= high for item in value)
        ):
            return tuple((float(x), float(y)) for x, y in value)
        self._mistake(key, value, f"write at least three [x, y] pairs from {low:g} to {high:g}")
        return ()

    def polygons(self, key: str) -> tuple[tuple[tuple[float, float], ...], ...]:
        """A list of polygons in fractions of the picture; empty where absent."""
        value = self._take(key, [])
        if isinstance(value, list) and all(map(_is_polygon, value)):
            return tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in value)
        self._mistake(key, value, "write a list of polygons, each of three or more [x, y] in 0..1")
        return ()

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._taken.append(key)
        return key in self._values

    def file(
        self,
        key: str,
        *,
        base: Path,
        secret: bool = False,
        remedy: str = "make it with `haidang-gateway ca issue`",
    ) -> Path:
        """A path to a readable file (relative to the configuration); a secret is ours alone."""
        value = self._take(key, None)
        if not isinstance(value, str) or not value:
            self._mistake(key, value, "write the path of a file in quotes")
            return base
        path = base / value
        try:
            found = path.is_file()
        except OSError:  # a folder on the way is closed to us
            found = True
        if not found:
            self.problem(key, f"{path} does not exist; {remedy}")
        elif not os.access(path, os.R_OK):
            what = "use sudo, or have the service's user own it"
            self.problem(key, f"{path} may not be read by this user; {what}")
        elif secret and path.stat().st_mode & _GROUP_AND_OTHERS & ~0o040:
            self.problem(key, f"others may read the key {path}; run `chmod 600 {path}`")
        return path

    def problem(self, key: str, what: str) -> None:
        """Note a mistake at this table's key."""
        place = self._lines.place(self._name, self._index, key)
        self._problems.append(f"{place}: {key}: {what}")

    def done(self) -> None:
        """Refuse the keys nobody asked for, naming the nearest known one."""
        for key in self._values:
            if key not in self._taken:
                near = difflib.get_close_matches(key, self._taken, n=1)
                hint = f"did you mean {near[0]}?" if near else "remove it"
                self.problem(key, f"unknown key in [{self._name}]; {hint}")

    def _take(self, key: str, default: Any) -> Any:
        self._taken.append(key)
        return self._values.get(key, default)

    def _mistake(self, key: str, value: Any, remedy: str) -> None:
        missing = f"is missing in [{self._name}]"
        what = missing if value is None else f"cannot be {_shown(value)}"
        self.problem(key, f"{what}; {remedy}")


def _shown(value: Any) -> str:
    """A wrong value for a log: of an address, without the account that a camera wants."""
    shown = repr(value)
    return without_secrets(shown) if ":/" in shown else shown


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_rising(value: Any, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(_is_number(item) for item in value)
        and all(low < high for low, high in itertools.pairwise(value))
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_number(item) for item in value)


def _is_polygon(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and all(_is_pair(item) and min(item) >= 0 and max(item) <= 1 for item in value)
    )
