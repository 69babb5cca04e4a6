"""What the gateway's own books say, read by its own command, for the demo's verdict."""

import json
import subprocess
import sys
from pathlib import Path

from haidang_tools.demo.scenario import Sums
from haidang_tools.errors import ToolError

_COMMAND_S = 30.0


def books_of(folder: Path) -> dict[str, int]:
    """The gateway's sums: received, lost, revisions, queue, ...; ToolError when unreadable."""
    config = str(folder / "gateway.toml")
    command = [sys.executable, "-m", "haidang_gateway", "ledger", "--json", "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_COMMAND_S)
    if done.returncode != 0:
        raise ToolError(f"the gateway's ledger cannot be read: {done.stdout}{done.stderr}")
    books: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return books


def sums_of(folder: Path, packs_at_centre: int, missing_at_centre: int) -> Sums:
    """Revisions the gateway made, packs lost on either leg, messages the centre misses.

    Call it after gateway and centre have stopped.
    """
    books = books_of(folder)
    unsent = books["received"] - packs_at_centre
    return Sums(
        revisions_made=books["revisions"],
        packs_lost=books["lost"] + max(0, unsent),
        messages_missing=missing_at_centre + books["queue"],
    )
