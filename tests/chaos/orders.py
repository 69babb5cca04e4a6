"""Commands of the centre for the boards: each outcome must come back, whatever is killed."""

import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from haidang_tools.demo.settings import GATEWAY, DemoNode

# The gateway's clock goes up to two hours wrong.
_EXPIRY_MS = 24 * 3_600_000
_INTERRUPTED = "restarted while it was at it"


class Orders:
    """`answers(id)` are the final ones at the centre, each once for every number it came under."""

    def __init__(self, nodes: Sequence[DemoNode], send: Callable[[dict[str, Any]], None]) -> None:
        """`send` hands a `centre_cmd` to the centre's broker."""
        self.given: dict[str, dict[str, Any]] = {}
        self.again: set[str] = set()
        self._nodes = nodes
        self._send = send

    def give(self, chance: random.Random) -> None:
        """One more command, for any board; a configuration is tried and kept, or rolled back."""
        if not self._nodes:
            return
        name = f"o-{len(self.given) + 1}"
        do, args = chance.choice(
            (
                ("log", {}),
                ("identify", {}),
                ("config", {"set": {"heartbeat_s": chance.choice((4, 5, 6))}}),
            )
        )
        self.given[name] = {
            "id": name,
            "do": "node_cmd",
            "exp_ms": time.time_ns() // 1_000_000 + _EXPIRY_MS,
            "reply": f"hd/1/g/{GATEWAY}/reply",
            "args": {"node": chance.choice(self._nodes).id, "do": do, "args": args, "by": "chaos"},
        }
        self._send(self.given[name])

    def give_again(self, names: set[str]) -> None:
        """The same ones: brokers that were killed had some in their memory alone."""
        self.again |= names
        for name in names:
            self._send(self.given[name])

    def unanswered(self, ledger: Path) -> set[str]:
        """Those whose outcome has not come, in full."""
        return set(self.given) - {
            name for _, name, said in _answers(ledger) if not _is_hollow(said)
        }

    def figures(self, ledger: Path) -> dict[str, int]:
        """How many were given, answered, cut off by the power, answered twice by one database."""
        answers = _answers(ledger)
        counted = Counter((epoch, name, json.dumps(said)) for epoch, name, said in answers)
        outcomes = Counter((epoch, name) for epoch, name, _ in counted)
        twice = [key for key, count in outcomes.items() if count > 1 and key[1] not in self.again]
        cut = {name for _, name, said in answers if _INTERRUPTED in said.get("err", "")}
        return {
            "orders": len(self.given),
            "outcomes_lost": len(self.unanswered(ledger)),
            "outcomes_twice": len(twice),
            # Where a killed broker brings the command itself twice, it is answered as before, word
            # for word; the centre knows the command by its id (docs/gateway.md).
            "outcomes_repeated": len(answers) - len(counted),
            "outcomes_cut_by_power": len(cut),
            "orders_given_again": len(self.again),
        }


def _answers(ledger: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Epoch, order and what was said, without the announcements of a second answer."""
    rows = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        found = rows.execute("SELECT epoch, payload FROM message WHERE kind='reply'").fetchall()
    finally:
        rows.close()
    said = [(epoch, json.loads(payload)) for epoch, payload in found]
    return [
        (
            epoch,
            one["cmd"],
            {name: one[name] for name in ("ok", "out", "err", "at") if name in one},
        )
        for epoch, one in said
        if not one.get("more")
    ]


def _is_hollow(said: dict[str, Any]) -> bool:
    """Done before, but what it gave has not been told."""
    return bool(said["ok"]) and (said.get("out") or {}).get("again") is True
