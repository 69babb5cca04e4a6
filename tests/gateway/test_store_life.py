"""Whatever happens to a store with two destinations: nothing is lost without a word."""

import asyncio
from pathlib import Path

import pytest
from store_life import StoreLife


# Chosen for what they meet: each has gone red for a fault that was put in by hand.
@pytest.mark.parametrize("seed", [2, 3, 5, 15, 16, 35])
def test_what_was_committed_is_told_or_named_whatever_happens(tmp_path: Path, seed: int) -> None:
    asyncio.run(StoreLife(tmp_path, seed).live(60))
