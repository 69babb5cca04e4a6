"""Where each gateway's audit chain ended at last: one that goes back has lost its newest rows."""

from dataclasses import dataclass

from haidang_tools.centre_check import Message


@dataclass(frozen=True, slots=True)
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
    return ChainHead(message.gateway, epoch, audit["n"], audit["chain"])
