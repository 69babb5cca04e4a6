"""Every link of a page leads somewhere, and every file that a page names is there."""

import re
from pathlib import Path

import pytest
from doc_pages import ROOT, code_words, headings, pages, sources, text_of

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ABROAD = re.compile(r"(https?|mailto):")
# What a user writes or what a program makes; of ours are all others.
_MADE = {"node.json", "gateway.toml", "counts.csv", "index.json"}
_BAR = re.compile(r"(?<!\\)\|")
_FILE = re.compile(r"(?:\.{0,2}/)?([\w./-]+\.(?:py|md|toml|sh|conf|service|c))")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    wrong = []
    for target in _LINK.findall(text_of(page)):
        if _ABROAD.match(target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in headings(there)):
            wrong.append(target)
    assert wrong == []


def test_every_source_file_that_a_page_names_is_there() -> None:
    ends = {
        name[at:] for name in sources() for at in [0, *(m.end() for m in re.finditer("/", name))]
    }
    wrong = [
        f"{page.relative_to(ROOT)}: {word}"
        for page in pages()
        for word in code_words(text_of(page))
        if (file := _FILE.fullmatch(word))
        and Path(file[1]).name not in _MADE
        and file[1] not in ends
        and not (ROOT / file[1]).exists()
        and not file[1].startswith("etc/")
    ]
    assert wrong == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: Path) -> None:
    """A bar inside code divides a cell unless a backslash stands before it."""
    wrong, wide = [], 0
    for line in text_of(page).splitlines():
        cells = len(_BAR.split(line)) if line.startswith("|") else 0
        wide = wide if cells and wide else cells
        if cells != wide:
            wrong.append(line)
    assert wrong == []
