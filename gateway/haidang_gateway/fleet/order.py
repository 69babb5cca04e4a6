"""A command for a node: who wished what, what is sent, and what is answered."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from haidang_gateway.text import printable

Origin = Literal["centre", "local"]

_WITH_SECRETS = ("config", "update")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One command as it was wished; `id` is the orderer's, `topic` where the centre's answer goes.

    `by` is a person as far as it is known; `exp_ms` Unix ms after which nobody wants it any more.
    `args` may hold a password: neither log nor error shows them; `digest` stands for all later.
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
    def outline(self) -> str:
        """A SHA-256 in hex that stands for the order when its arguments are gone.

        Of what may hold a password only the names of the fields are in it: the hash of a weak
        Wi-Fi key can be guessed.
        """
        if self.digest:
            return self.digest
        shown = _names(self.args) if self.do in _WITH_SECRETS else self.args
        text = json.dumps((self.node, self.do, shown), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def is_same(self, other: "Order") -> bool:
        """Whether both wish the same, as far as the arguments are still known."""
        if self.digest or other.digest:
            return self.outline == other.outline
        return (self.node, self.do, self.args) == (other.node, other.do, other.args)

    def without_args(self) -> "Order":
        """The same order, once its arguments are not needed any more."""
        return replace(self, args={}, digest=self.outline)

    def __str__(self) -> str:
        """For the log: never the arguments, which may hold a password."""
        return printable(f"{self.do} of {self.node} ({self.origin} {self.id}, by {self.by})")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to an order: `ok` with `out`, or `err` and `hint`; `more` announces another."""

    order: Order
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sending:
    """A command as the node gets it; `name` is its id there."""

    name: str
    node: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class OrdersDue:
    """Says that the time of some order has run out."""


def _names(value: Any) -> Any:
    """The names of all fields; every value, even a number, is left out."""
    if isinstance(value, dict):
        return {name: _names(part) for name, part in value.items()}
    return [_names(part) for part in value] if isinstance(value, list) else None
