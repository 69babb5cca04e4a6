"""Where commands are handled: of the centre and of technicians here, and the nodes' replies."""

import logging
from collections.abc import Mapping
from typing import Any

from haidang_gateway.acts_desk import Acts
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.batch import CENTRE
from haidang_gateway.commands import Refused, Resend, Resync, Wish
from haidang_gateway.fleet.order import Answer, Order
from haidang_gateway.fleet.orders import Orders
from haidang_gateway.outgoing import reply_draft
from haidang_gateway.text import printable
from haidang_gateway.work import Said, Work

_log = logging.getLogger(__name__)

# A centre that asks more often cannot have taken in the answer.
_RESYNC_MS = 10_000
_BROKEN = "error in the gateway's program, see its log"


class Desk:
    """Turns wishes and replies into changes and answers; pure, times come in."""

    def __init__(self, rules: Rules, orders: Orders) -> None:
        """Store the parts."""
        self.orders = orders
        self._rules = rules
        self._acts = Acts(rules)
        self._resynced_ms: dict[str, int] = {}

    def take(self, item: Wish | Order, work: Work, now_ms: int) -> None:
        """Carry out a wish of the centre, or take an order in."""
        if isinstance(item, Order):
            self._answer(self.orders.take(item, now_ms), work)
        elif isinstance(item.what, Order):
            self._answer(self.orders.take(item.what, now_ms), work)
        else:
            self._tell(item, self._carry_out(item, work, now_ms) | {"at_ms": now_ms}, work)

    def heard(self, node: str, reply: Mapping[str, Any], work: Work, now_ms: int) -> None:
        """Pass a node's reply on to who gave the command."""
        self._answer(self.orders.heard(node, reply, now_ms), work)

    def failed(self, item: Wish | Order, work: Work, now_ms: int) -> None:
        """Answer what an error in this program kept from being handled."""
        said = {"ok": False, "err": _BROKEN, "hint": "send its log to the makers", "at_ms": now_ms}
        order = item if isinstance(item, Order) else item.what
        if isinstance(order, Order):
            self._answer([Answer(order, said)], work)
        elif isinstance(item, Wish):
            self._tell(item, said, work)

    def overdue(self, work: Work, now_ms: int) -> None:
        """Tell who waits in vain."""
        self._answer(self.orders.overdue(now_ms), work)

    def _carry_out(self, wish: Wish, work: Work, now_ms: int) -> dict[str, Any]:
        match wish.what:
            case Resync():
                return self._resync(wish.origin, work, now_ms)
            case Resend(name):
                work.resend.append(name)
                return {"ok": True}
            case Refused():
                _log.warning("command %r is refused: %s", wish.id, printable(wish.what.err))
                return {"ok": False, "err": wish.what.err, "hint": wish.what.hint}
            case Order():
                raise AssertionError(wish)
        return self._acts.carry_out(wish.id, wish.what, work, now_ms)

    def _resync(self, origin: str, work: Work, now_ms: int) -> dict[str, Any]:
        before_ms = self._resynced_ms.get(origin)
        if before_ms is not None and now_ms - before_ms < _RESYNC_MS:
            return {
                "ok": False,
                "err": "all open alarms were sent a moment ago",
                "hint": f"ask again after {_RESYNC_MS // 1000} s",
            }
        self._resynced_ms[origin] = now_ms
        alarms = self._rules.open_alarms()
        work.again.extend((origin, alarm) for alarm in alarms)
        _log.info("%s asked for all open alarms: %s", origin, len(alarms))
        return {"ok": True, "out": {"alarms": len(alarms)}}

    def _answer(self, answers: list[Answer], work: Work) -> None:
        for answer in answers:
            order = answer.order
            if order.origin == "local":
                work.answers.append(Said(order.id, answer.said))
            elif order.topic is not None:
                work.replies.append(
                    reply_draft(
                        CENTRE, order.topic, order.id, answer.said, node=order.node, do=order.do
                    )
                )

    def _tell(self, wish: Wish, said: dict[str, Any], work: Work) -> None:
        if wish.local:
            work.answers.append(Said(wish.id, said))
        elif wish.topic is not None:
            work.replies.append(reply_draft(wish.origin, wish.topic, wish.id, said))
