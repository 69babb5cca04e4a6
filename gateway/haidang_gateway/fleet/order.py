"""A command for a node: who wished what, what is sent, and what is answered."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from haidang_gateway.text import printable

Origin = Literal["centre", "local"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One command as it was wished; `id` is the orderer's, `topic` where the centre's answer goes.

    `by` is a person as far as it is known; `exp_ms` Unix ms after which nobody wants it any more.
    `args` may hold a password: neither log nor error shows them; `digest` stands for them later.
    """

    id: str
    origin: Origin
    by: str
    node: str
    do: str
    exp_ms: int
    args: dict[str, Any] = field(default_factory=dict, repr=False)
    topic: str | None = None
    digest: str = ""

    @property
    def wish(self) -> str:
        """What makes two orders of one id the same order: a SHA-256 in hex."""
        if self.digest:
            return self.digest
        wish = json.dumps((self.node, self.do, self.args), sort_keys=True)
        return hashlib.sha256(wish.encode()).hexdigest()

    def without_args(self) -> "Order":
        """The same order, once its arguments are not needed any more."""
        return replace(self, args={}, digest=self.wish)

    def __str__(self) -> str:
        """For the log: never the arguments, which may hold a password."""
        return printable(f"{self.do} of {self.node} ({self.origin} {self.id}, by {self.by})")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to an order: `ok` with `out`, or `err` and `hint`; `more` announces another."""

    order: Order
    said: dict[str, Any]

    @property
    def final(self) -> bool:
        """Whether nothing more is to come."""
        return not self.said.get("more", False)


@dataclass(frozen=True, slots=True)
class Sending:
    """A command as the node gets it; `name` is its id there."""

    name: str
    node: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class OrdersDue:
    """Says that the time of some order has run out."""
