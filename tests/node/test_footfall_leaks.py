"""No address or name of a phone is anywhere in node or gateway after the window's end."""

from pathlib import Path

import pytest
from bench import footfall_leaks, footfall_sources
from leak_search import found


def test_the_search_finds_what_is_there() -> None:
    address = bytes.fromhex("a4c3f0123456")
    places = {"raw": b"x" + address, "text": b"A4:C3:F0:12:34:56", "name": b"Nha Lan", "no": b"a4"}
    assert found(places, [address], [b"Nha Lan"]) == 3


def test_nothing_of_a_phone_is_left_from_the_nodes_memory_to_the_message_for_the_centre(
    tmp_path: Path,
) -> None:
    search = footfall_leaks.run(tmp_path, windows=1)
    assert search.addresses > 60
    assert search.controls > 0, "memory, flash, messages for the centre and the trace were there"
    assert search.leaks == 0


@pytest.mark.parametrize("source", footfall_sources.SOURCES)
def test_a_source_without_a_companion_leaves_no_address_in_freed_memory(source: str) -> None:
    search = footfall_sources.run(source)
    assert search.devices == [12]
    assert search.controls > 0, "the search looked at the memory of the node's program"
    assert search.leaks == 0
