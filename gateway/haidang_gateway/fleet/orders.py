"""Commands for nodes on their way: bounded, sent until answered, known when they come again."""

import dataclasses
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from haidang_wire import messages
from haidang_wire.errors import MessageError

from haidang_gateway.batch import AuditNote
from haidang_gateway.fleet.order import Answer, Order, Sending
from haidang_gateway.fleet.standing import TRIAL_MS, Standing
from haidang_gateway.text import printable

_log = logging.getLogger(__name__)

# A node executes one after the other; the rest waits here, not in the broker.
OUTSTANDING = 4
QUEUE_PER_NODE = 16
QUEUE = 500
# Finished ones that are still recognised when they come again.
KEPT = 200
# A node takes packets of 2 KiB (haidang_wire.session_events); topic and header take the rest.
NODE_BYTES = 1900
# A node that came back with a new session has missed what was sent before; the longest check of
# a sensor takes about as long.
_AGAIN_MS = 10_000
# A reply may be under way when the command's time runs out.
_GRACE_MS = 5_000
# Nobody who gave a command a week ago waits for it.
_LONGEST_MS = 7 * 24 * 3_600_000


class Orders:
    """All orders in memory; what changed since the last `take_changes` goes into the next commit.

    Pure but for the ids; times are Unix ms. What `to_send` gives must be committed before.
    """

    def __init__(
        self,
        docs: Mapping[str, dict[str, Any]],
        *,
        gateway: str,
        nodes: Collection[str],
        new_id: Callable[[], str] = lambda: f"c-{secrets.token_hex(6)}",
    ) -> None:
        """`docs` are the stored ones by id; `nodes` the configured ones."""
        found = [(name, Standing.from_doc(doc)) for name, doc in docs.items()]
        self._all = dict(sorted(found, key=lambda pair: pair[1].ordered_ms))
        self._turn_ms = max((s.ordered_ms for s in self._all.values()), default=0)
        self._ids = {_key(s.order): name for name, s in self._all.items()}
        self._gateway = gateway
        self._nodes = nodes
        self._new_id = new_id
        self._awake: set[str] = set()
        self._changed: set[str] = set()
        self._audits: list[AuditNote] = []
        self._counts: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """How many are not finished."""
        return sum(s.state in ("waiting", "trial") for s in self._all.values())

    def take(self, order: Order, now_ms: int) -> list[Answer]:
        """Take an order in, or answer at once: what is wrong, or what it was answered before."""
        name = self._ids.get(_key(order))
        if name is not None and self._all[name].order.is_same(order):
            return [Answer(order, dict(answer)) for answer in self._all[name].answers]
        problem = self._problem(order, name, now_ms)
        if problem:
            self._counts["orders_refused"] += 1
            _log.warning("refused %s: %s", order, problem[0])
            return [Answer(order, _refusal(now_ms, *problem))]
        name = self._new_id()
        self._ids[_key(order)] = name
        # Two of one moment keep their order through a restart.
        self._turn_ms = max(now_ms, self._turn_ms + 1)
        until_ms = min(order.exp_ms, now_ms + _LONGEST_MS)
        order = dataclasses.replace(order, exp_ms=until_ms)
        self._all[name] = Standing(
            order=order, state="waiting", ordered_ms=self._turn_ms, until_ms=until_ms + _GRACE_MS
        )
        self._changed.add(name)
        self._counts["orders"] += 1
        self._audits.append(_audit(name, order))
        _log.info("%s is command %s", order, name)
        return []

    def heard(self, node: str, reply: Mapping[str, Any], now_ms: int) -> list[Answer]:
        """A node's checked reply; the answers that it makes, none for one that came again."""
        standing = self._all.get(reply["id"])
        if standing is None or standing.order.node != node:
            self._counts["replies_foreign"] += 1
            _log.info("%s answered a command that is not known here: %r", node, reply["id"])
            return []
        more = standing.is_not_the_end(reply)
        if standing.state == "done" or reply == standing.heard or (more and standing.heard):
            return []
        standing.heard = dict(reply)
        standing.finish("trial" if more else "done")
        if more:
            standing.until_ms = now_ms + TRIAL_MS
        _log.info("%s: ok %s", standing.order, reply["ok"])
        # The others were not checked: a later node may mean something else by them.
        fields = ("ok", "out") if reply["ok"] else ("ok", "err", "hint")
        said = {field: reply[field] for field in fields if field in reply}
        return [self._answer(reply["id"], said | ({"more": True} if more else {}), now_ms)]

    def overdue(self, now_ms: int) -> list[Answer]:
        """Answers for the orders whose time has run out; each is told once."""
        answers = []
        for name, standing in list(self._all.items()):
            if standing.state in ("waiting", "trial") and now_ms >= standing.until_ms:
                problem = standing.silence()
                standing.finish("expired")
                self._counts["orders_expired"] += 1
                _log.warning("%s: %s", standing.order, problem[0])
                answers.append(self._answer(name, _refusal(now_ms, *problem), now_ms))
        return answers

    def next_due_ms(self) -> int | None:
        """When the next order runs out of time."""
        open_ones = (s for s in self._all.values() if s.state in ("waiting", "trial"))
        return min((standing.until_ms for standing in open_ones), default=None)

    def awake(self, node: str) -> None:
        """A node's live status came: it is connected, what it has not answered may be repeated."""
        self._awake.add(node)

    def unsent(self, node: str) -> None:
        """What was sent to this node is lost with its link's session: it goes again at once."""
        for standing in self._all.values():
            if standing.order.node == node and standing.state == "waiting":
                standing.sent_ms = None

    def missed(self, node: str) -> None:
        """What was sent to this node found nobody there: it goes when the node speaks."""
        for standing in self._all.values():
            if standing.order.node == node and standing.sent_ms is not None:
                standing.sent_ms = 0

    def to_send(self, now_ms: int) -> list[Sending]:
        """What is to be sent now: new ones at once, unanswered ones when their node speaks."""
        ready = []
        under_way: Counter[str] = Counter()
        for name, standing in self._all.items():
            node = standing.order.node
            if standing.state != "waiting" or under_way[node] >= OUTSTANDING:
                continue
            under_way[node] += 1
            sent_ms = standing.sent_ms
            due = sent_ms is None or (node in self._awake and now_ms - sent_ms >= _AGAIN_MS)
            if due and (payload := self._payload(name)):
                ready.append(Sending(name, node, payload))
        self._awake.clear()
        return ready

    def sent(self, name: str, now_ms: int) -> None:
        """Note that a command is with the broker."""
        self._all[name].sent_ms = now_ms

    def take_changes(
        self,
    ) -> tuple[dict[str, dict[str, Any] | None], tuple[AuditNote, ...], dict[str, int]]:
        """Changed documents (None: forget it), audit notes and counts, for one commit."""
        self._forget()
        docs = {
            name: self._all[name].to_doc() if name in self._all else None for name in self._changed
        }
        audits, counts = tuple(self._audits), dict(self._counts)
        self._changed, self._audits, self._counts = set(), [], Counter()
        return docs, audits, counts

    def _payload(self, name: str) -> bytes | None:
        standing = self._all[name]
        try:
            return _payload(name, standing.order)
        except MessageError as error:
            # Stored by another version; it must not hold up the others, and is told as expired.
            _log.warning("%s cannot be sent: %s", standing.order, error)
            standing.until_ms = standing.ordered_ms
            return None

    def _answer(self, name: str, said: dict[str, Any], now_ms: int) -> Answer:
        standing = self._all[name]
        standing.answers.append(said | {"at_ms": now_ms})
        self._changed.add(name)
        return Answer(standing.order, dict(standing.answers[-1]))

    def _problem(self, order: Order, name: str | None, now_ms: int) -> tuple[str, str] | None:
        if name is not None:
            return (
                f"the id {order.id} was used before for another command",
                "give every command an id of its own",
            )
        if order.node not in self._nodes:
            return (
                f"node {order.node} is not configured on gateway {self._gateway}",
                "send it to the gateway of this node, or add a [[node]] for it",
            )
        if order.exp_ms <= now_ms:
            return "the command had expired when it came", "send it again, and compare the clocks"
        size = _size(order)
        if size > NODE_BYTES:
            return (
                f"the command takes {size} bytes, a node takes {NODE_BYTES}",
                "send it in several parts",
            )
        waiting = [s for s in self._all.values() if s.state in ("waiting", "trial")]
        here = sum(s.order.node == order.node for s in waiting)
        if here >= QUEUE_PER_NODE or len(waiting) >= QUEUE:
            return (
                f"{here} commands wait for this node already, {len(waiting)} for all nodes",
                "wait for their replies, or until they expire",
            )
        return None

    def _forget(self) -> None:
        finished = [n for n, s in self._all.items() if s.state in ("expired", "done")]
        for name in finished[:-KEPT]:
            standing = self._all.pop(name)
            self._ids.pop(_key(standing.order), None)
            self._changed.add(name)


def _key(order: Order) -> tuple[str, str]:
    return order.origin, order.id


def _refusal(now_ms: int, err: str, hint: str) -> dict[str, Any]:
    return {"ok": False, "err": err, "hint": hint, "at_ms": now_ms}


def _audit(name: str, order: Order) -> AuditNote:
    subject = printable(
        f"{name}/{order.node}/{order.do} by {order.by} ({order.origin} {order.id})"
    )
    return AuditNote(kind="order", subject=subject, digest=order.outline)


def _payload(name: str, order: Order) -> bytes:
    document = {"id": name, "do": order.do, "args": order.args, "exp_ms": order.exp_ms}
    return bytes(messages.encode("cmd", document))


def _size(order: Order) -> int:
    try:
        return len(_payload("c-000000000000", order))
    except MessageError:
        return messages.NODE_MESSAGE_BYTES
