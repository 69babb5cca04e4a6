"""What one item means: its pack, what the ledger and the rules say to it, what to answer."""

import dataclasses
import logging
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from haidang_wire import messages
from haidang_wire.errors import WireError

from haidang_gateway.alarms.engine import Rules
from haidang_gateway.batch import CENTRE, Batch, Draft
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
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import PackReader, TopicPacks
from haidang_gateway.ingest.statuses import read_status
from haidang_gateway.model import Due, Fact, Revision
from haidang_gateway.outgoing import alarm_draft
from haidang_gateway.refusals import Refusals
from haidang_gateway.work import Work

_log = logging.getLogger(__name__)

_TRIPPED = "error in the gateway's program, see its log"
_TRIPPED_MS = 60_000
_TIMERS_AT_ONCE = 20
_PACK_TOPICS = ("/data", "/alarm")


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
        self._refusals = Refusals(fleet.nodes, ledger)

    def take(self, items: Iterable[Urgent], work: Work, now_ms: int) -> None:
        """Handle items in their order; a program error costs one item alone, never the others.

        The item is kept in quarantine then, so that nothing is lost silently.
        """
        # For those of one topic that follow each other.
        packs: TopicPacks | None = None
        for item in items:
            if isinstance(item, Arrival) and item.topic.endswith(_PACK_TOPICS):
                work.arrivals.append(item)
                if packs is None or item.topic != packs.topic:
                    packs = self._reader.on(item.topic, work.acks)
                self._pack(item, packs, work, now_ms)
            else:
                packs = None
                self._take(item, work, now_ms)

    def _take(self, item: Urgent, work: Work, now_ms: int) -> None:
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
                self._refusals.take(item, _TRIPPED, work)
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
                self._pack(arrival, self._reader.on(arrival.topic, work.acks), work, now_ms)
        except (WireError, PackRefused) as error:
            self._refusals.take(arrival, str(error), work)

    def _pack(self, arrival: Arrival, packs: TopicPacks, work: Work, now_ms: int) -> None:
        try:
            received = packs.read(arrival)
            self._heard(received.key[0], arrival, work, now_ms)
            work.alarm_packs += arrival.lane == "alarm"
            if received.row is not None:
                work.packs.append(received.row)
                for fact in received.facts:
                    self._fact(fact, work, now_ms)
            if arrival.kept:
                work.released.append(arrival.kept)
                self._ledger.count(received.key[0], "quarantined", arrival.received_ms, -1)
        except (WireError, PackRefused) as error:
            self._refusals.take(arrival, str(error), work)
        except Exception:  # noqa: BLE001 (one bad pack must not stop the alarms of all others)
            _log.exception("this could not be handled: %s", arrival)
            self._refusals.take(arrival, _TRIPPED, work)

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
