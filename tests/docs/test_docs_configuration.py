"""The example of gateway.toml has every key, and what pages show of a configuration is taken."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from config_kit import example, loaded
from doc_pages import ROOT, code_lines, pages, text_of
from haidang_gateway.config_table import Table

_EXAMPLE = ROOT / "gateway" / "deploy" / "gateway.example.toml"
_KEY = re.compile(r"^#? ?([a-z][a-z0-9_]*) = ", re.MULTILINE)
_HEADER = re.compile(r"\[\[?([a-z]+)\]\]?")
# Means nothing any more, and is still taken so that no old file is refused.
_OBSOLETE = {"gauge_document"}


def _shown() -> set[str]:
    return set(_KEY.findall(text_of(_EXAMPLE)))


def test_every_key_that_the_gateway_takes_stands_in_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[str] = set()
    done = Table.done

    def noting(table: Table) -> None:
        taken.update(table._taken)
        done(table)

    monkeypatch.setattr(Table, "done", noting)
    text = example(ROOT, tmp_path)
    for name in ("destination", "serial"):
        text = re.sub(rf"^#(\[\[{name}\]\])", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"^#([a-z][a-z0-9_]* = )", r"\1", text, flags=re.MULTILINE)
    (tmp_path / "n-240ac4000003.serial.key").touch(mode=0o600)
    loaded(tmp_path, text.replace('nodes = ["n-240ac4000003"]', 'nodes = ["n-240ac4000001"]'))
    assert len(taken) > 80
    assert taken - _shown() == _OBSOLETE


def _blocks() -> Iterator[tuple[str, str]]:
    """(page, TOML) of each table that a page shows."""
    for page in pages():
        block: list[str] = []
        for line in [*code_lines(page), ""]:
            if block and re.match(r"[a-z_0-9]+ = ", line):
                block.append(line)
                continue
            if block:
                yield str(page.relative_to(ROOT)), "\n".join(block)
            block = [line] if _HEADER.fullmatch(line) else []


def test_every_table_that_a_page_shows_has_known_keys_alone() -> None:
    blocks = list(_blocks())
    assert len(blocks) >= 4
    for page, text in blocks:
        ((_, rows),) = tomllib.loads(text).items()
        keys = set().union(*rows) if isinstance(rows, list) else set(rows)
        assert keys <= _shown(), (page, text)
