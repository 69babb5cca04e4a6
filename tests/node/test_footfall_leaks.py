"""No address and no network name of a phone is anywhere in a whole node after the window's end."""

from pathlib import Path

from bench import footfall_leaks
from leak_search import found


def test_the_search_finds_what_is_there() -> None:
    address = bytes.fromhex("a4c3f0123456")
    places = {"raw": b"x" + address, "text": b"A4:C3:F0:12:34:56", "name": b"Nha Lan", "no": b"a4"}
    assert found(places, [address], [b"Nha Lan"]) == 3


def test_nothing_of_a_phone_is_left_in_memory_flash_log_or_packs(tmp_path: Path) -> None:
    search = footfall_leaks.run(tmp_path, windows=1)
    assert search.addresses > 60
    assert search.controls > 0, "the search looked at the node's own memory and flash"
    assert search.leaks == 0
