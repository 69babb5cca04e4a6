"""What one item means: its pack, what the ledger and the rules say to it, what to answer."""

import dataclasses
import hashlib
import logging
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence

from haidang_wire import messages, topics
from haidang_wire.errors import WireError

from haidang_gateway.alarms.engine import Rules
from haidang_gateway.batch import CENTRE, Batch, Draft, QuarantineRow
from haidang_gateway.commands import Wish
from haidang_gateway.desk import Desk
from haidang_gateway.errors import PackRefused
from haidang_gateway.feed import Feed
from haidang_gateway.fleet.broker_watch import BrokerWatch
from haidang_gateway.fleet.nodes import SAFE, Fleet
from haidang_gateway.fleet.order import Order, OrdersDue
from haidang_gateway.inbox import Told, Urgent
from haidang_gateway.ingest import anchors
from haidang_gateway.ingest.arrival import Arrival, topic_of
from haidang_gateway.ingest.boot import put
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.names import name_of
from haidang_gateway.ingest.packs import PackReader, Received
from haidang_gateway.ingest.statuses import read_status
from haidang_gateway.model import Due, Fact, Revision
from haidang_gateway.outgoing import alarm_draft
from haidang_gateway.work import Work

_log = logging.getLogger(__name__)

# A node repeats what is not acknowledged: the same bytes are kept in quarantine once.
_REMEMBERED = 512
_TRIPPED_MS = 60_000
_TIMERS_AT_ONCE = 20
# A node that sends one unreadable message mostly sends many: one line of the log an hour.
_TOLD_MS = 3_600_000
_MOST_TOLD = 10_000


class Intake:
    """Feeds items to reader, ledger, fleet and rules; collects what must become durable."""

    def __init__(
        self,
        gateway: str,
        *,
        rules: Rules,
        desk: Desk,
        fleet: Fleet,
        watch: BrokerWatch,
        link_up: Callable[[], bool],
        ledger: Ledger,
        reader: PackReader,
        feeds: Sequence[Feed] = (),
        refused_by: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Store the parts; `link_up` tells whether nodes can be heard, `feeds` who is told.

        `refused_by` takes what nodes sent beyond their share since its last call.
        """
        self._gateway = gateway
        self._rules = rules
        self._desk = desk
        self._fleet = fleet
        self._watch = watch
        self._link_up = link_up
        self._ledger = ledger
        self._reader = reader
        self._feeds = feeds
        self._refused_by = refused_by
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._told_ms: OrderedDict[str, int] = OrderedDict()

    def take(self, item: Urgent, work: Work, now_ms: int) -> None:
        """Handle one item; a program error costs this item alone, never the others.

        The item is kept in quarantine then, so that nothing is lost silently.
        """
        try:
            if isinstance(item, Arrival):
                work.arrivals.append(item)
                self._arrival(item, work, now_ms)
            elif isinstance(item, Told):
                work.told.append(item)
                self._told(item, work, now_ms)
            elif isinstance(item, OrdersDue):
                self._desk.overdue(work, now_ms)
            else:
                self._fact(item, work, now_ms)
        except Exception:  # noqa: BLE001 (one bad item must not stop the alarms of all others)
            _log.exception("this could not be handled: %s", item)
            if isinstance(item, Arrival):
                self._refuse(item, "error in the gateway's program, see its log", work)
            elif isinstance(item, Told) and isinstance(item.item, Wish | Order):
                self._desk.failed(item.item, work, now_ms)
            elif isinstance(item, Due):
                # At once again, it would leave no time for anything else.
                self._rules.postpone(item.key, now_ms + _TRIPPED_MS)

    def timers(self, now_ms: int) -> list[Urgent]:
        """What time itself brings: timers and orders that ran out, nodes or a broker silent.

        Not more at once than an alarm that comes meanwhile can wait for.
        """
        due_ms = self._desk.orders.next_due_ms()
        overdue = [OrdersDue()] if due_ms is not None and due_ms <= now_ms else []
        timers = self._rules.due(now_ms)[:_TIMERS_AT_ONCE]
        return [*timers, *self._watch.look(self._link_up(), now_ms), *overdue]

    def next_due_ms(self, now_ms: int) -> int | None:
        """When `timers` will have something, None if never."""
        times = (
            self._rules.next_due_ms(now_ms),
            self._watch.next_due_ms(),
            self._desk.orders.next_due_ms(),
        )
        return min((time for time in times if time is not None), default=None)

    def batch(self, work: Work, now_ms: int) -> Batch:
        """Close the work; what the parts have changed belongs to this batch alone."""
        for node, count in self._refused_by().items():
            self._ledger.count(node, "refused", now_ms, count)
        boots, counts = self._ledger.take()
        commands, audits, counters = self._desk.orders.take_changes()
        alarms = [draft for revision in work.revisions for draft in self._drafts(revision)]
        again = [
            dataclasses.replace(draft, again=True)
            for name, old in work.again
            for draft in self._drafts(old, name)
        ]
        return Batch(
            now_ms=now_ms,
            packs=tuple(work.packs),
            boots=boots,
            counts=counts,
            states=work.states,
            revisions=tuple(work.revisions),
            drafts=(*alarms, *again, *work.replies),
            resend=tuple(work.resend),
            quarantine=tuple(work.quarantine),
            released=tuple(work.released),
            nodes=self._fleet.take(),
            commands=commands,
            audits=(*audits, *work.audits),
            counters=work.counts + Counter(counters),
        )

    def _drafts(self, revision: Revision, destination: str | None = None) -> Iterator[Draft]:
        """A revision's messages, to all destinations or to one."""
        if not self._feeds:
            yield alarm_draft(self._gateway, CENTRE, revision)
        for feed in self._feeds:
            if destination in (None, feed.name):
                yield from feed.of_alarm(revision)

    def _told(self, told: Told, work: Work, now_ms: int) -> None:
        if isinstance(told.item, Wish | Order):
            self._desk.take(told.item, work, now_ms)
        elif isinstance(told.item, Arrival):
            self._arrival(told.item, work, now_ms)
        else:
            self._fact(told.item, work, now_ms)

    def _arrival(self, arrival: Arrival, work: Work, now_ms: int) -> None:
        try:
            topic = topic_of(arrival.topic)
            if topic.kind == "status":
                self._status(arrival, topic.owner, work, now_ms)
            elif topic.kind == "reply":
                # Whatever it says: a node repeats what nobody says to have.
                work.heard.append((topic.owner, zlib.crc32(arrival.payload)))
                self._reply(arrival, topic.owner, work, now_ms)
            else:
                self._pack(arrival, self._reader.read(arrival), work, now_ms)
        except (WireError, PackRefused) as error:
            self._refuse(arrival, str(error), work)

    def _pack(self, arrival: Arrival, received: Received, work: Work, now_ms: int) -> None:
        ranges = work.acks.setdefault((arrival.lane, received.key), [])
        put(ranges, received.seq)
        work.alarm_packs += arrival.lane == "alarm"
        self._heard(received.key[0], arrival, work, now_ms)
        if received.row is not None:
            work.packs.append(received.row)
            for fact in received.facts:
                self._fact(fact, work, now_ms)
        if arrival.kept:
            work.released.append(arrival.kept)
            self._ledger.count(received.key[0], "quarantined", arrival.received_ms, -1)

    def _status(self, arrival: Arrival, node: str, work: Work, now_ms: int) -> None:
        # A retained copy tells nothing about now: neither life nor time (contract, section 2).
        if arrival.retained:
            return
        status = read_status(arrival.payload)
        if node not in self._fleet.nodes:
            raise PackRefused(f"node {node} is not configured; add a [[node]] for it")
        if status["state"] != "online":
            _log.info("the broker says that %s has lost its connection", node)
            return
        self._desk.orders.awake(node)
        mode = self._fleet.note_status(node, status, arrival.received_ms)
        self._heard(node, arrival, work, now_ms)
        if mode:
            self._fact(mode, work, now_ms)
        self._ledger.note_status(node, status, arrival.received_ms)
        if status.get("mode") == SAFE:
            # It names its last boot, whose uptime this is not.
            return
        boot = self._ledger.boot((node, status["he"], status["hb"]))
        anchors.learn_live(boot, status["up_ms"], arrival.received_ms)

    def _reply(self, arrival: Arrival, node: str, work: Work, now_ms: int) -> None:
        if arrival.retained:
            return
        reply = messages.decode("reply", arrival.payload)
        self._heard(node, arrival, work, now_ms)
        self._desk.heard(node, reply, work, now_ms)

    def _heard(self, node: str, arrival: Arrival, work: Work, now_ms: int) -> None:
        if arrival.retained or arrival.kept:
            return
        if news := self._fleet.heard(node, arrival.received_ms):
            self._fact(news, work, now_ms)

    def _fact(self, fact: Fact, work: Work, now_ms: int) -> None:
        work.add(self._rules.apply(fact, now_ms))

    def _refuse(self, arrival: Arrival, reason: str, work: Work) -> None:
        """Into quarantine; a configured node's pack is acknowledged by its name.

        A node that was never told would send it for ever, and enough of them fill its window.
        """
        if arrival.kept:
            _log.info("number %s of the quarantine stays there: %s", arrival.kept, reason)
            return
        self._quarantine(arrival, reason, work)
        name = name_of(arrival)
        if name is None or name[0][0] not in self._fleet.nodes:
            return
        key, seq = name
        self._ledger.set_aside(key, seq, arrival.received_ms)
        put(work.acks.setdefault((arrival.lane, key), []), seq)

    def _quarantine(self, arrival: Arrival, reason: str, work: Work) -> None:
        digest = hashlib.sha256(arrival.topic.encode() + b"\0" + arrival.payload).digest()
        if digest in self._refused:
            return
        self._refused[digest] = None
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        owner = _owner(arrival.topic)
        _log.log(
            logging.WARNING if self._is_news(owner, arrival.received_ms) else logging.DEBUG,
            "quarantined a message on %s: %s",
            arrival.topic,
            reason,
        )
        self._ledger.count(owner, "quarantined", arrival.received_ms)
        work.quarantine.append(
            QuarantineRow(
                received_ms=arrival.received_ms,
                topic=arrival.topic,
                reason=reason,
                payload=arrival.payload,
            )
        )

    def _is_news(self, owner: str, now_ms: int) -> bool:
        before_ms = self._told_ms.get(owner)
        if before_ms is not None and now_ms - before_ms < _TOLD_MS:
            return False
        self._told_ms[owner] = now_ms
        if len(self._told_ms) > _MOST_TOLD:
            self._told_ms.popitem(last=False)
        return True


def _owner(topic: str) -> str:
    try:
        return str(topics.parse(topic).owner)
    except WireError:
        return "-"
