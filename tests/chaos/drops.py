"""What the gateway's own database names as dropped, gathered while it is restored and rebuilt."""

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

from haidang_gateway.batch import CENTRE
from haidang_gateway.errors import StoreError
from haidang_gateway.store import drop, queries
from haidang_gateway.store.schema import FILE, reading

from chaos.books import Name

_COUNT = "dropped:gateway_full"


class Drops:
    """`names` and `alarms`: packs that a full disk took; `by_nodes`: drops that nodes told of.

    `miscounted`: how far names and counts of a node ever differed in one database.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` has the database."""
        self.names: set[Name] = set()
        self.alarms: set[Name] = set()
        self.by_nodes: set[Name] = set()
        self.miscounted = 0
        self.queue = 0
        self._path = folder / FILE

    def look(self) -> None:
        """Read what is there now; nothing where the database is being replaced."""
        with contextlib.suppress(sqlite3.Error, StoreError), reading(self._path) as database:
            database.execute("BEGIN")
            dropped = drop.dropped(database)
            days = queries.ledger_days(database)
            boots = queries.boots(database)
            backlog = queries.backlog(database, CENTRE)
            self.queue = backlog.replies + backlog.data + backlog.packs
            self._note(dropped, Counter({(n, d): c for n, d, what, c in days if what == _COUNT}))
            for (node, epoch, boot), doc in boots.items():
                for low, high in doc.get("dropped", ()):
                    self.by_nodes |= {(node, epoch, boot, s) for s in range(low, high + 1)}

    def _note(self, dropped: list[drop.Dropped], counted: Counter[tuple[str, str]]) -> None:
        named: Counter[tuple[str, str]] = Counter()
        for one in dropped:
            names = {(one.node, one.epoch, one.boot, seq) for seq in range(one.low, one.high + 1)}
            named[one.node, one.day] += len(names)
            self.names |= names
            if one.lane == "alarm":
                self.alarms |= names
        wrong = sum((counted - named).values()) + sum((named - counted).values())
        self.miscounted = max(self.miscounted, wrong)
