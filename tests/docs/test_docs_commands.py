"""Every command that a page tells somebody to type is one that its program takes."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import ROOT, code_lines, code_words, pages, text_of
from haidang_gateway import __main__ as gateway
from haidang_tools import __main__ as tools

_PROGRAM = re.compile(r"(?:sudo (?:-u haidang )?)?(?:\S*/)?(haidang-gateway|haidang)(?: (.*))?")
# An example that stands for several, or the words that a key is drawn from: no commands.
_SEVERAL = re.compile(r"\||\.\.\.|\[|^serial ")
_MAKE = re.compile(r"make ([a-z-]+)")


def _words(line: str) -> tuple[str, list[str]] | None:
    """Program and arguments of a line; None where it is no command of ours."""
    line = re.sub(r"\s2?>\s?\S+\s*$", "", line.partition(" # ")[0]).strip()
    found = _PROGRAM.fullmatch(line)
    if not found or (found[2] and _SEVERAL.search(found[2])):
        return None
    return found[1], shlex.split(found[2] or "")


def _parser(program: str, words: list[str]) -> argparse.ArgumentParser:
    return gateway._parser() if program == "haidang-gateway" else tools._parser(words[0])


def _typed() -> Iterator[tuple[str, str, list[str]]]:
    for page in pages():
        for line in code_lines(page):
            if (found := _words(line)) and found[1]:
                yield f"{page.relative_to(ROOT)}: {line}", *found


def _mentioned() -> Iterator[tuple[str, str, list[str]]]:
    for page in pages():
        for text in code_words(text_of(page)):
            if (found := _words(text)) and found[1]:
                yield f"{page.relative_to(ROOT)}: {text}", *found


def test_every_command_in_a_block_is_taken_as_it_stands() -> None:
    typed = list(_typed())
    assert len(typed) > 40, "the pages have commands"
    for where, program, words in typed:
        try:
            _parser(program, words).parse_args(words)
        except SystemExit as ended:
            if not ended.code:
                continue  # it asked for help
            pytest.fail(f"{program} does not take what stands in {where}")


def test_every_command_in_a_sentence_exists_with_its_options() -> None:
    wrong = []
    for where, program, words in _mentioned():
        parser = _parser(program, words)
        for word in words:
            if word.startswith("-"):
                known = {option for one in parser._actions for option in one.option_strings}
                if word.partition("=")[0] not in known:
                    wrong.append(where)
            elif (below := _below(parser)) is not None:
                if word not in below:
                    wrong.append(where)
                    break
                parser = below[word]
    assert wrong == []


def _below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser] | None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return None


def test_every_target_of_make_on_a_page_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    wrong = [
        f"{page.relative_to(ROOT)}: {text}"
        for page in pages()
        for text in (*code_words(text_of(page)), *code_lines(page))
        if (found := _MAKE.match(text)) and found[1] not in targets
    ]
    assert wrong == []


def test_every_module_that_a_page_runs_is_there() -> None:
    roots = [Path("tests"), Path("gateway"), Path()]
    wrong = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages()
        for name in re.findall(r"python -m ([a-z_.]+)", text_of(page))
        if not any((ROOT / root / f"{name.replace('.', '/')}.py").is_file() for root in roots)
    ]
    assert wrong == []
