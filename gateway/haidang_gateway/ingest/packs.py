"""A node's message: read, checked, told apart from its duplicates, resolved in time."""

from collections.abc import Mapping
from typing import NamedTuple

from haidang_wire import senml
from haidang_wire.errors import WireError

from haidang_gateway.batch import BootKey, PackRow
from haidang_gateway.errors import PackRefused
from haidang_gateway.ingest import anchors, quick_pack
from haidang_gateway.ingest.arrival import Arrival, topic_of
from haidang_gateway.ingest.facts import facts_of
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.model import Fact
from haidang_gateway.settings import NodeSettings


class Received(NamedTuple):
    """A pack that the contract allows: `row` is None for a duplicate, which is acked again."""

    key: BootKey
    seq: int
    row: PackRow | None
    facts: tuple[Fact, ...] = ()


class PackReader:
    """Turns arrivals into rows and facts; the ledger tells new ones from duplicates."""

    def __init__(self, nodes: Mapping[str, NodeSettings], ledger: Ledger) -> None:
        """`nodes` are the configured ones by id."""
        self._nodes = nodes
        self._ledger = ledger

    def read(self, arrival: Arrival) -> Received:
        """The pack in an arrival on an alarm or data topic; PackRefused says what is wrong."""
        quick = quick_pack.read(arrival.payload)
        node, pack = self._checked(arrival, quick)
        key = (node.id, pack.epoch, pack.boot)
        received_ms = arrival.received_ms
        if self._ledger.has(key, pack.seq):
            self._ledger.accept(key, pack.seq, received_ms)
            return Received(key, pack.seq, None)
        low_ms, high_ms = self._times(key, pack, received_ms)
        row = PackRow(
            node=node.id,
            epoch=pack.epoch,
            boot=pack.boot,
            seq=pack.seq,
            lane=arrival.lane,
            received_ms=received_ms,
            at_low_ms=low_ms,
            at_high_ms=high_ms,
            body=quick.resolved(high_ms) if quick else senml.resolve(arrival.payload, high_ms),
        )
        facts = facts_of(
            pack.records,
            source=node.source,
            place=node.place,
            zero_ms=high_ms - pack.up_ms,
            received_ms=received_ms,
        )
        # Last: a pack that could not be read whole must not count as received.
        self._ledger.accept(key, pack.seq, received_ms)
        return Received(key, pack.seq, row, facts)

    def _times(self, key: BootKey, pack: senml.Pack, received_ms: int) -> tuple[int, int]:
        """Unix ms (low, high) of the pack's uptime, with what it says itself about that."""
        boot = self._ledger.boot(key)
        anchors.learn(boot, pack.up_ms, pack.unix_ms, received_ms)
        if boot.anchor_ms is not None:
            # Known exactly: the boots before and after it have nothing to add.
            at_ms = boot.anchor_ms + pack.up_ms
            return at_ms, at_ms
        boots = self._ledger.boots_of(pack.node, pack.epoch)
        return anchors.bounds(boots, pack.boot, pack.up_ms)

    def _checked(
        self, arrival: Arrival, quick: quick_pack.QuickPack | None
    ) -> tuple[NodeSettings, senml.Pack]:
        try:
            topic = topic_of(arrival.topic)
            pack = quick.pack if quick else senml.decode_pack(arrival.payload)
        except WireError as error:
            raise PackRefused(str(error)) from error
        if pack.node != topic.owner:
            raise PackRefused(f"the pack names {pack.node} but came on the topic of {topic.owner}")
        node = self._nodes.get(pack.node)
        if node is None:
            raise PackRefused(f"node {pack.node} is not configured; add a [[node]] for it")
        return node, pack
