"""What cannot be read is kept in quarantine, and its node is told all the same."""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Container

from haidang_wire import topics
from haidang_wire.errors import WireError

from haidang_gateway.batch import QuarantineRow
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.boot import put
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.names import name_of
from haidang_gateway.work import Work

_log = logging.getLogger(__name__)

# A node repeats what is not acknowledged: the same bytes are kept in quarantine once.
_REMEMBERED = 512
# A node that sends one unreadable message mostly sends many: one line of the log an hour.
_TOLD_MS = 3_600_000
_MOST_TOLD = 10_000


class Refusals:
    """Puts refused messages into a work's quarantine."""

    def __init__(self, nodes: Container[str], ledger: Ledger) -> None:
        """`nodes` are the configured ones by id."""
        self._nodes = nodes
        self._ledger = ledger
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._told_ms: OrderedDict[str, int] = OrderedDict()

    def take(self, arrival: Arrival, reason: str, work: Work) -> None:
        """Into quarantine; a configured node's pack is acknowledged by its name.

        A node that was never told would send it for ever, and enough of them fill its window.
        """
        if arrival.kept:
            _log.info("number %s of the quarantine stays there: %s", arrival.kept, reason)
            return
        self._quarantine(arrival, reason, work)
        name = name_of(arrival)
        if name is None or name[0][0] not in self._nodes:
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
