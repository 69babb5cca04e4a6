"""Where each gateway's audit chain ended at last: one that goes back has lost its newest rows."""

import sqlite3
from dataclasses import dataclass

from haidang_tools.centre_check import Message

TABLE = """
CREATE TABLE IF NOT EXISTS head (
    gateway TEXT, epoch TEXT, n INTEGER NOT NULL, chain TEXT NOT NULL,
    PRIMARY KEY (gateway, epoch)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """The number and hash of a chain's last row; a rebuilt or restored database has an epoch."""

    gateway: str
    epoch: str
    n: int
    chain: str

    def __str__(self) -> str:
        """As `haidang-gateway audit verify --head` takes it."""
        return f"{self.n}:{self.chain}"


def head_of(message: Message) -> ChainHead | None:
    """The end of the audit chain that a status tells; None in all other messages."""
    audit = message.document.get("audit") if message.kind == "status" else None
    if audit is None:
        return None
    epoch = message.document["epoch"]
    return ChainHead(gateway=message.gateway, epoch=epoch, n=audit["n"], chain=audit["chain"])


def kept_instead(connection: sqlite3.Connection, head: ChainHead) -> ChainHead | None:
    """Keep the head; where the chain goes back or is another one, the one that was kept before.

    That one stays, so that every later status is compared with it again.
    """
    key = (head.gateway, head.epoch)
    known = connection.execute(
        "SELECT n, chain FROM head WHERE gateway=? AND epoch=?", key
    ).fetchone()
    if known is None or head.n > known[0]:
        connection.execute(
            "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)", (*key, head.n, head.chain)
        )
        return None
    if (head.n, head.chain) == known:
        return None
    return ChainHead(gateway=head.gateway, epoch=head.epoch, n=known[0], chain=known[1])
