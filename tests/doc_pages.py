"""The repository's pages as the tests of the documents read them."""

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^\s*```")
_CODE = re.compile(r"`([^`\n]+)`")
_INDENT = "    "
# Folders that are made and not written.
_MADE = ("__pycache__", "build", "haidang.egg-info", "typings", "var")


@functools.cache
def sources() -> tuple[str, ...]:
    """Every file of the repository; a download without git has them, too."""
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name[0] != "." and name not in _MADE]
        found += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
    return tuple(sorted(found))


def pages() -> tuple[Path, ...]:
    """Every page of ours."""
    return tuple(ROOT / name for name in sources() if name.endswith(".md"))


def text_of(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def code_lines(page: Path) -> Iterator[str]:
    """Each line of its blocks of code, fenced or indented, without the indent."""
    fenced = False
    for line in text_of(page).splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced or line.startswith(_INDENT):
            yield line.strip()


def code_words(text: str) -> list[str]:
    """What stands between single backquotes."""
    return _CODE.findall(text)


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found: set[str] = set()
    fenced = False
    for line in text_of(page).splitlines():
        fenced ^= bool(_FENCE.match(line))
        if not fenced and re.match(r"#+ ", line):
            name = _anchor(line.lstrip("#"))
            number = sum(
                one == name or re.fullmatch(f"{name}-\\d+", one) is not None for one in found
            )
            found.add(f"{name}-{number}" if number else name)
    return found


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
    return "".join(sign for sign in plain if sign.isalnum() or sign in " -_").replace(" ", "-")
