"""What the page for trouble quotes is what the programs say."""

import ast
import re
from collections.abc import Iterator

from doc_pages import ROOT, code_words, text_of

_PAGE = ROOT / "docs" / "troubleshooting.md"
_CODE = ("gateway/haidang_gateway", "firmware/haidang_node", "tools/haidang_tools")
# A hole of a sentence: where an f-string, % or format() puts something.
_HOLE = "\0"
_FORMAT = re.compile(r"%[\d.]*\w|\{[^}]*\}")
_ELLIPSIS = "..."
# Said by others than us.
_STRANGERS = (
    "sudo: haidang-gateway: command not found",
    "certificate verify failed",
    "Warning: ACL pattern ... does not contain",
    "gateway.toml:12: ...",
)


def _sentences() -> Iterator[str]:
    for folder in _CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else _HOLE
                        for part in node.values
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield _FORMAT.sub(_HOLE, node.value)
    yield text_of(ROOT / "tools" / "setup.sh")


def _quoted() -> list[str]:
    """Of each row of a table what its first cell quotes, if it is a sentence and no command."""
    cells = [row.split("|")[1] for row in text_of(_PAGE).splitlines() if row.startswith("| ")]
    words = [word for cell in cells for word in code_words(cell)]
    return [word for word in words if " " in word and word not in _STRANGERS]


def test_every_sentence_that_the_page_for_trouble_quotes_is_said_by_a_program() -> None:
    sentences = set(_sentences())
    quoted = _quoted()
    assert len(quoted) > 50, "the page quotes what the programs say"
    unsaid = [word for word in quoted if not any(_says(one, word) for one in sentences)]
    assert unsaid == []


def _says(sentence: str, quoted: str) -> bool:
    """Whether the pieces between the dots stand in the sentence, in their order."""
    at = 0
    for piece in quoted.split(_ELLIPSIS):
        found = sentence.find(piece.strip(), at)
        if found < 0:
            return False
        at = found + len(piece.strip())
    return True
