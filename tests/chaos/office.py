"""The stand-in centre in a thread, with the packs that it holds by name."""

import json
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from haidang_tools.centre_check import Checker, Message, Refusal
from haidang_tools.centre_heads import ChainHead
from haidang_tools.centre_ledger import Ledger
from haidang_tools.centre_server import Centre, Line
from haidang_tools.demo.settings import GATEWAY
from haidang_wire.topics import node_of_base_name
from waiting import DEADLINE_S

from chaos import books


class Office:
    """`complaints` grow with what broke the contract or a chain of hashes."""

    def __init__(self, line: Line, path: Path) -> None:
        self.complaints: list[str] = []
        self.path = path
        self._names: Counter[books.Name] = Counter()
        self._by_epoch: Counter[tuple[str, books.Name]] = Counter()
        self._read: set[tuple[str, int]] = set()
        self._centre = Centre(line, Ledger(path), Checker(), self)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._centre.run, args=(self._stop,), name="centre", daemon=True
        )

    def start(self) -> None:
        """Connect."""
        self._thread.start()
        if not self._centre.subscribed.wait(DEADLINE_S):
            raise RuntimeError("the centre found no broker")

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join(DEADLINE_S)

    def names(self) -> Counter[books.Name]:
        """The packs in its ledger by name, with how often each came under a number of its own."""
        rows = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            for epoch, seq, payload in rows.execute(
                "SELECT epoch, seq, payload FROM message WHERE kind='data'"
            ):
                if (epoch, seq) not in self._read:
                    self._read.add((epoch, seq))
                    found = [_name(pack) for pack in json.loads(payload)["packs"]]
                    self._names.update(found)
                    self._by_epoch.update((epoch, name) for name in found)
        finally:
            rows.close()
        return self._names

    def doubled(self) -> int:
        """Packs that one database of the gateway sent under two numbers."""
        self.names()
        return sum(count - 1 for count in self._by_epoch.values())

    def send(self, command: dict[str, Any]) -> None:
        """A command for the gateway; while its broker is away it waits here."""
        self._centre.send_command(GATEWAY, command)

    def kept(self) -> int:
        """How many packs it holds."""
        return len(self.names())

    def disorder(self) -> list[str]:
        """Alarms whose revisions do not rise with the numbers of their messages."""
        rows = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            found = rows.execute(
                "SELECT alarm_id, epoch, rev FROM revision ORDER BY epoch, seq"
            ).fetchall()
        finally:
            rows.close()
        last: dict[tuple[str, str], int] = {}
        wrong = []
        for alarm, epoch, rev in found:
            if rev <= last.get((alarm, epoch), 0):
                wrong.append(f"{alarm}: revision {rev} after {last[alarm, epoch]}")
            last[alarm, epoch] = rev
        return wrong

    def revisions(self) -> int:
        """How many revisions of alarms it holds."""
        rows = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            (count,) = rows.execute("SELECT count(*) FROM revision").fetchone()
        finally:
            rows.close()
        return int(count)

    def message(self, message: Message) -> None:
        """A new message; the ledger has it."""

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""
        self.complaints.append(f"{refusal.topic}: {refusal.reason}")

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision that does not fit its neighbour."""
        self.complaints.append(f"{alarm_id}: revision {rev} breaks the chain")

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """An audit chain that lost its end."""
        self.complaints.append(f"{told.gateway}: audit chain at {told.n}, kept {kept}")


def _name(pack: list[dict[str, object]]) -> books.Name:
    first = pack[0]
    node = node_of_base_name(str(first["bn"]))
    return node, str(first["he"]), int(str(first["hb"])), int(str(first["hs"]))
