"""The gateway's two sessions towards its nodes: alarms on one, everything else on the other."""

import asyncio
import dataclasses
import functools
import logging
from collections.abc import Callable, Sequence

from haidang_wire import messages, topics
from haidang_wire import ranges as seqs
from haidang_wire.errors import WireError
from haidang_wire.mqtt5 import Message
from haidang_wire.session_events import Will

from haidang_gateway.batch import BootKey
from haidang_gateway.clock import Clock
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.allowance import TIME_RATE, Allowance
from haidang_gateway.ingest.arrival import Arrival, owner_of, topic_of
from haidang_gateway.ingest.broker_session import BrokerSession, Identity
from haidang_gateway.model import Lane
from haidang_gateway.settings import BrokerSettings

_log = logging.getLogger(__name__)

# Statuses come on the alarms' session and are committed with the telemetry: nodes that all come
# back at once must not fill it, and so many fill a group of telemetry, which is committed at once.
ALARM_RECEIVE_MAXIMUM = 1000
# Contract, section 2: the gateway's receive maximum for data.
DATA_RECEIVE_MAXIMUM = 1000
_WAITING_ACKS = 10_000
# A node takes packets of 2 KiB (haidang_wire/session_events.py), and its broker drops larger ones
# without a word; a range is 24 characters at most.
_ACK_RANGES = 80
# How soon what found no room in a session is tried again.
_AGAIN_S = 0.2
_OFFLINE = messages.encode("gw_status", {"v": 1, "state": "offline"})
_ONLINE = messages.encode("gw_status", {"v": 1, "state": "online"})


class NodeLink:
    """Fills the inbox from the broker; sends PUBACKs and acks when the pipeline says so.

    The gateway is shown online to the nodes only while both sessions are subscribed; each
    session's will says offline.
    """

    def __init__(
        self, gateway: str, settings: BrokerSettings, *, clock: Clock, inbox: Inbox
    ) -> None:
        """Store the arguments; `run` connects."""
        self.late_acks = 0
        self._clock = clock
        self._inbox = inbox
        inbox.on_displaced = lambda arrival: self.acknowledge([arrival])
        self._announced = False
        self._time_allowance = Allowance(TIME_RATE)
        self._acks: dict[tuple[str, BootKey], list[list[int]]] = {}
        data = Identity(
            name=gateway,
            host=settings.host,
            port=settings.port,
            server_name=settings.server_name,
            ca=settings.ca,
            cert=settings.cert,
            key=settings.key,
        )
        self._alarm = self._session(
            dataclasses.replace(
                data,
                name=f"{gateway}-alarm",
                cert=settings.cert_alarm,
                key=settings.key_alarm,
            ),
            ("alarm", "status"),
            ALARM_RECEIVE_MAXIMUM,
        )
        self._data = self._session(data, ("data", "reply", "time"), DATA_RECEIVE_MAXIMUM)

    @property
    def up(self) -> bool:
        """Whether both sessions are subscribed."""
        return self._alarm.up and self._data.up

    def tell_missed(self, on_missed: Callable[[str], None]) -> None:
        """`on_missed(node)` is called where a command found its node without a session."""

        def unheard(topic: str) -> None:
            if topic.endswith("/cmd"):
                on_missed(topic_of(topic).owner)

        self._data.on_unheard = unheard

    async def run(self) -> None:
        """Keep both sessions up until cancelled; the wills then tell the nodes."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._alarm.run(), name="broker session alarm")
            group.create_task(self._data.run(), name="broker session data")
            group.create_task(self._send_waiting(), name="waiting acks")

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        """PUBACK arrivals, after their commit."""
        due: dict[tuple[str, int], list[int]] = {}
        for arrival in arrivals:
            if arrival.packet_id:
                due.setdefault((arrival.session, arrival.connection), []).append(arrival.packet_id)
        for (name, connection), packet_ids in due.items():
            session = self._alarm if name == "alarm" else self._data
            session.acknowledge(packet_ids, connection)

    def publish_ack(self, key: BootKey, ranges: Sequence[Sequence[int]], lane: Lane) -> None:
        """Tell a node which packs are committed; kept for later if the broker is slow.

        A lost ack loses nothing: the node sends again and is acked again.
        """
        waiting = self._acks.setdefault((lane, key), [])
        for low, high in ranges:
            seqs.add_range(waiting, low, high)
        while len(self._acks) > _WAITING_ACKS:
            self.late_acks += 1
            self._acks.pop(next(iter(self._acks)))
        self._flush_acks()

    def publish_heard(self, node: str, crc: int) -> None:
        """Tell a node which reply is committed; where that is lost, the reply comes again."""
        payload = messages.encode("reply_ack", {"reply": crc})
        self._data.publish(topics.node_topic(node, "ack"), payload)

    def publish_command(self, node: str, payload: bytes) -> bool:
        """Send a command; False where the broker is away or slow."""
        return self._data.publish(topics.node_topic(node, "cmd"), payload)

    async def _send_waiting(self) -> None:
        while True:
            await asyncio.sleep(_AGAIN_S)
            self._announce()
            self._flush_acks()

    def _flush_acks(self) -> None:
        for lane, key in list(self._acks):
            session = self._alarm if lane == "alarm" else self._data
            if not session.has_room():
                continue
            node, epoch, boot = key
            ranges = self._acks.pop((lane, key))
            rest = ranges[_ACK_RANGES:]
            session.publish(_ack_topic(node), _ack(epoch, boot, ranges[:_ACK_RANGES]))
            if rest:
                self._acks[lane, key] = rest

    def _session(self, identity: Identity, kinds: Sequence[str], limit: int) -> BrokerSession:
        name: Lane = "alarm" if "alarm" in kinds else "data"
        return BrokerSession(
            identity,
            filters=[topics.node_filter(kind) for kind in kinds],
            receive_maximum=limit,
            will=Will(topics.GW_STATUS, _OFFLINE, 1, True, 0),
            clock=self._clock,
            on_messages=lambda messages, connection: self._take(name, messages, connection),
            on_change=self._changed,
        )

    def _changed(self) -> None:
        # A session that went down has left its will, whatever was announced before.
        self._announced = False
        self._announce()

    def _announce(self) -> None:
        """Tell the nodes that they may send; again later where the session has no room."""
        if self.up and not self._announced:
            self._announced = self._data.publish(topics.GW_STATUS, _ONLINE, retain=True)
            if self._announced:
                _log.info("both sessions with the broker are up; nodes may send")

    def _take(self, lane: Lane, messages: Sequence[Message], connection: int) -> None:
        received_ms = self._clock.now_ms()
        urgent: list[Arrival] = []
        data: list[Arrival] = []
        statuses: list[Arrival] = []
        for message in messages:
            topic, payload, _, retained, packet_id = message
            if topic.endswith("/time"):
                self._answer_time(message)
                continue
            arrival = Arrival(
                topic, payload, lane, bool(retained), packet_id, received_ms, lane, connection
            )
            if topic.endswith("/alarm"):
                urgent.append(arrival)
            else:
                (statuses if topic.endswith("/status") else data).append(arrival)
        refused = [
            *self._inbox.put_all_urgent(urgent),
            *self._inbox.put_all_data(data),
            *self._inbox.put_all_statuses(statuses),
        ]
        if not refused:
            return
        # Frees the broker's places; without an ack the node keeps a pack and sends it again.
        self.acknowledge(refused)
        _log.log(
            logging.WARNING if self._inbox.refused == len(refused) else logging.DEBUG,
            "the inbox is full: a message on %s must come again (%s so far)",
            refused[0].topic,
            self._inbox.refused,
        )

    def _answer_time(self, message: Message) -> None:
        owner = owner_of(message.topic)
        if not self._time_allowance.take(owner, self._clock.monotonic_ms()):
            self._inbox.refuse(owner)
            return
        try:
            topic = topics.parse(message.topic)
            request = messages.decode("time_request", message.payload)
        except WireError as error:
            _log.warning("a time request on %s is not readable: %s", message.topic, error)
            return
        answer = {"nonce": request["nonce"], "unix_ms": self._clock.now_ms()}
        payload = messages.encode("time_answer", answer)
        self._data.publish(topics.node_topic(topic.owner, "time"), payload, qos=0)


@functools.lru_cache(maxsize=_WAITING_ACKS)
def _ack_topic(node: str) -> str:
    return topics.node_topic(node, "ack")


def _ack(epoch: str, boot: int, ranges: Sequence[Sequence[int]]) -> bytes:
    """The contract's `ack`, byte for byte, of a pack's name: that was checked when it was read."""
    pairs = ",".join([f"[{low},{high}]" for low, high in ranges])
    return f'{{"he":"{epoch}","hb":{boot},"s":[{pairs}]}}'.encode()
