"""A node's message: read, checked, told apart from its duplicates, resolved in time."""

from collections.abc import Mapping, Sequence

import msgspec
from haidang_wire import senml
from haidang_wire.errors import WireError
from haidang_wire.senml import MAXIMUM_UNIX_MS

from haidang_gateway.batch import BootKey, PackRow
from haidang_gateway.errors import PackRefused
from haidang_gateway.ingest import anchors, quick_pack
from haidang_gateway.ingest.arrival import Arrival, topic_of
from haidang_gateway.ingest.boot import Boot, Ranges, put
from haidang_gateway.ingest.facts import IsIdle, Sample, facts_of, samples_of
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.model import Fact, Lane
from haidang_gateway.settings import NodeSettings

Acks = dict[tuple[Lane, BootKey], Ranges]
"""The numbers of packs that are to be acknowledged, by lane and boot."""


class Received(msgspec.Struct, frozen=True, gc=False):
    """A pack that the contract allows: `row` is None for a duplicate, which is acked again."""

    key: BootKey
    seq: int
    row: PackRow | None
    facts: tuple[Fact, ...] = ()


class _AnyPack(msgspec.Struct, frozen=True, gc=False):
    """What the contract's reader has read; fields as QuickPack's."""

    key: BootKey
    seq: int
    up_ms: int
    unix_ms: int | None
    samples: Sequence[Sample]
    payload: bytes

    def resolved(self, unix_ms: int) -> bytes:
        first_ms = unix_ms - self.up_ms
        if not all(0 <= first_ms + up_ms <= MAXIMUM_UNIX_MS for up_ms, _ in self.samples):
            raise PackRefused("its uptimes lie farther apart than any time that can be told")
        return bytes(senml.resolve(self.payload, unix_ms))


_Pack = quick_pack.QuickPack | _AnyPack


class PackReader:
    """Turns arrivals into rows and facts; the ledger tells new ones from duplicates."""

    def __init__(
        self,
        nodes: Mapping[str, NodeSettings],
        ledger: Ledger,
        is_idle: IsIdle = lambda _place, _state: False,
    ) -> None:
        """`nodes` are the configured ones by id; of what is idle no facts are made."""
        self._nodes = nodes
        self._ledger = ledger
        self._is_idle = is_idle

    def read(self, arrival: Arrival) -> Received:
        """The pack in an arrival on an alarm or data topic; PackRefused says what is wrong."""
        return self.on(arrival.topic, {}).read(arrival)

    def on(self, topic: str, acks: Acks) -> "TopicPacks":
        """For packs of one topic that follow each other, until anything else is handled."""
        return TopicPacks(topic, acks, self._nodes, self._ledger, self._is_idle)


class TopicPacks:
    """Reads packs that follow each other; what they have in common is looked up once.

    What was read is put into `acks`. To be let go before anything else changes the ledger, or
    takes what has changed in it.
    """

    def __init__(
        self,
        topic: str,
        acks: Acks,
        nodes: Mapping[str, NodeSettings],
        ledger: Ledger,
        is_idle: IsIdle,
    ) -> None:
        """As PackReader's; nothing is looked up yet."""
        self.topic = topic
        self._acks = acks
        self._nodes = nodes
        self._ledger = ledger
        self._is_idle = is_idle
        # Of the boot that the last pack was of.
        self._key: BootKey | None = None
        self._boot: Boot
        self._acked: Ranges
        self._place: str
        self._source: str

    def read(self, arrival: Arrival) -> Received:
        """The pack in an arrival on this topic; PackRefused says what is wrong."""
        try:
            pack = quick_pack.read(arrival.payload) or _any_pack(arrival.payload)
        except WireError as error:
            raise PackRefused(str(error)) from error
        key, seq, received_ms = pack.key, pack.seq, arrival.received_ms
        if key is not self._key:
            self._look_up(key, arrival.lane)
        boot, (name, epoch, number) = self._boot, key
        if boot.has(seq):
            self._ledger.note_pack(boot, name, seq, received_ms)
            put(self._acked, seq)
            return Received(key, seq, None)
        low_ms, high_ms = self._times(pack, received_ms)
        body = pack.resolved(high_ms)
        facts = facts_of(
            pack.samples,
            source=self._source,
            place=self._place,
            zero_ms=high_ms - pack.up_ms,
            received_ms=received_ms,
            is_idle=self._is_idle,
        )
        # Last: a pack that could not be read whole must not count as received.
        self._ledger.note_pack(boot, name, seq, received_ms)
        put(self._acked, seq)
        row = PackRow(name, epoch, number, seq, arrival.lane, received_ms, low_ms, high_ms, body)
        return Received(key, seq, row, facts)

    def _look_up(self, key: BootKey, lane: Lane) -> None:
        try:
            owner = topic_of(self.topic).owner
        except WireError as error:
            raise PackRefused(str(error)) from error
        name = key[0]
        if name != owner:
            raise PackRefused(f"the pack names {name} but came on the topic of {owner}")
        node = self._nodes.get(name)
        if node is None:
            raise PackRefused(f"node {name} is not configured; add a [[node]] for it")
        self._boot, self._place, self._source = self._ledger.boot(key), node.place, node.source
        self._acked = self._acks.setdefault((lane, key), [])
        self._key = key

    def _times(self, pack: _Pack, received_ms: int) -> tuple[int, int]:
        """Unix ms (low, high) of the pack's uptime, with what it says itself about that."""
        boot, unix_ms, step_ms = self._boot, pack.unix_ms, self._ledger.step_ms
        # Until a live status of the boot has shown which clock it goes by.
        if step_ms and boot.live_ms is None:
            unix_ms = anchors.moved(unix_ms, step_ms, received_ms)
        anchors.learn(boot, pack.up_ms, unix_ms, received_ms)
        low_ms, high_ms = 0, received_ms
        if boot.anchor_ms is not None:
            # Known exactly: the boots before and after it have nothing to add.
            low_ms = high_ms = boot.anchor_ms + pack.up_ms
        elif boot.latest_ms is not None:
            node, epoch, number = pack.key
            boots = self._ledger.boots_of(node, epoch)
            low_ms, high_ms = anchors.bounds(boots, number, pack.up_ms)
        # What no pack can say the centre refuses, with all packs of the same message.
        return (low_ms, high_ms) if 0 <= high_ms <= MAXIMUM_UNIX_MS else (0, received_ms)


def _any_pack(payload: bytes) -> _AnyPack:
    pack = senml.decode_pack(payload)
    key = (pack.node, pack.epoch, pack.boot)
    samples = samples_of(pack.records)
    return _AnyPack(key, pack.seq, pack.up_ms, pack.unix_ms, samples, payload)
