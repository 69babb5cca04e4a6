"""The messages that the page for operations centres shows are messages of the contract."""

import json

from doc_pages import ROOT, code_lines
from haidang_wire import messages

_PAGE = ROOT / "docs" / "centre.md"


def test_the_messages_that_a_centre_is_shown_are_taken_by_a_gateway() -> None:
    shown = [line for line in code_lines(_PAGE) if line.startswith("{")]
    acks = [line for line in shown if '"epoch"' in line]
    assert len(acks) == 1
    assert len(shown) == 2
    for line in shown:
        kind = "centre_ack" if line in acks else "centre_cmd"
        assert messages.decode(kind, line.encode()) == json.loads(line)
