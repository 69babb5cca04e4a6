"""Orders for nodes, given, answered and late by hand, with what a store would keep of them."""

import itertools
import json
from typing import Any

from haidang_gateway.fleet.order import Order
from haidang_gateway.fleet.orders import Orders
from haidang_wire import messages
from node_packs import NODE, START_MS

OTHER = "n-240ac4000002"
MINUTE_MS = 60_000


class OrderDesk:
    """Orders with a memory of what was stored, restarted at will."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.audits: list[str] = []
        self.digests: list[str] = []
        self._numbers = itertools.count(1)
        self.restart()

    def restart(self) -> None:
        docs = {name: json.loads(text) for name, text in self.stored.items()}
        self.orders = Orders(
            docs,
            gateway="gw-01",
            nodes={NODE, OTHER},
            new_id=lambda: f"c-{next(self._numbers)}",
        )

    def give(self, order_id: str = "o-1", do: str = "log", **more: Any) -> list[dict[str, Any]]:
        at_ms = more.pop("at_ms", START_MS)
        wish: dict[str, Any] = {
            "id": order_id,
            "origin": "centre",
            "by": "Trực ban 2",
            "node": NODE,
            "do": do,
            "exp_ms": START_MS + MINUTE_MS,
            "topic": "hd/1/g/gw-01/reply",
        }
        order = Order(**(wish | more))
        return self._commit(self.orders.take(order, at_ms))

    def reply(self, name: str, at_ms: int = START_MS, **more: Any) -> list[dict[str, Any]]:
        reply: dict[str, Any] = {"id": name, "ok": True} | more
        node = reply.pop("node", NODE)
        return self._commit(self.orders.heard(node, messages.decode("reply", _json(reply)), at_ms))

    def late(self, at_ms: int) -> list[dict[str, Any]]:
        return self._commit(self.orders.overdue(at_ms))

    def send(self, at_ms: int) -> list[str]:
        sendings = self.orders.to_send(at_ms)
        for sending in sendings:
            self.orders.sent(sending.name, at_ms)
        return [sending.name for sending in sendings]

    def _commit(self, answers: list[Any]) -> list[dict[str, Any]]:
        docs, audits, counts = self.orders.take_changes()
        for name, doc in docs.items():
            if doc is None:
                del self.stored[name]
            else:
                self.stored[name] = json.dumps(doc)
        self.audits += [note.subject for note in audits]
        self.digests += [note.digest for note in audits]
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        return [answer.said for answer in answers]


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
