"""The repository's pages as the tests of the documents read them."""

import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^\s*```")
_CODE = re.compile(r"`([^`\n]+)`")
_INDENT = "    "


@functools.cache
def pages() -> tuple[Path, ...]:
    """Every page of ours that git knows or would take."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ROOT / name for name in sorted(set(done.stdout.split())))


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
