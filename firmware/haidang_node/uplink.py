"""One connection's work: time, status, packs with their acknowledgements, commands."""

import asyncio
import json

from micropython import const

from haidang_node import log
from haidang_node.status import encode
from haidang_wire.node_names import GW_STATUS, topic_of
from haidang_wire.session import Acknowledged, Message

# A packet is answered within a moment or the gateway is not there: then nobody is kept waiting.
_TIME_WAIT_MS = const(3000)
_LOOP_MS = const(1000)
_NOBODY = const(0x10)
_REFUSED = const(0x80)
# What a document of a wrong form or size raises. Unacknowledged it would come again with each
# connection, for ever.
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, MemoryError)
_LOG = log.Log("uplink")


class Uplink:
    """Runs on one connection after the other; what survives them is the outbox.

    `turned` is called in each turn of the loop, `connected` once per connection. `reached`: the
    gateway itself has answered since the start.
    """

    def __init__(self, node: str, clock, outbox, window, status, orders, wake) -> None:
        self._node = node
        self._clock = clock
        self._outbox = outbox
        self._window = window
        self._status = status
        self._orders = orders
        self._wake = wake
        self._heartbeat_ms = 0
        self._connected = False
        self._gateway_online = True
        self._pubacks: list[int] = []
        self._status_ms = 0
        self.reached = False
        self.refused = log.Trouble(_LOG, "delivering packs")

    @property
    def online(self) -> bool:
        """Whether there is a connection and the gateway is there."""
        return self._connected and self._gateway_online

    def begin(self, heartbeat_ms: int) -> None:
        """Before each connection is opened: what waited at the broker comes with its first answer,
        and a message forgotten then would hold one of the broker's 16 places for ever.
        """
        self._heartbeat_ms = heartbeat_ms
        self._gateway_online = True
        self._pubacks = []
        # Unacknowledged orders come again with the new connection.
        self._orders.begin()
        self._status_ms = -heartbeat_ms
        self._window.restart()

    async def run(self, connection, turned, connected) -> None:
        """Works until the connection fails (LinkError); begin() came before it was opened."""
        self._connected = True
        try:
            await connection.subscribe([self._topic("ack"), self._topic("cmd"), GW_STATUS])
            turned("uplink")
            await connection.subscribe([self._topic("time")])
            turned("uplink")
            await self._until_time(connection, turned)
            connected()
            while True:
                turned("uplink")
                await self._turn(connection)
        finally:
            self._connected = False

    def take(self, event) -> None:
        """What the session reports; never waits."""
        if isinstance(event, Message):
            self._take_message(event)
        elif isinstance(event, Acknowledged) and event.reason >= _NOBODY:
            self._take_refusal(event)
        self._wake.set()

    def _topic(self, kind: str) -> str:
        return topic_of(self._node, kind)

    async def _turn(self, connection) -> None:
        now_ms = self._clock.uptime_ms()
        self._orders.step(now_ms)
        await connection.keep_alive(now_ms)
        while self._pubacks:
            connection.owe(self._pubacks.pop(0))
        await self._follow_orders(connection)
        await self._tell(connection, now_ms)
        if now_ms - self._status_ms >= self._heartbeat_ms and connection.can_publish:
            self._status_ms = now_ms
            status = _made(self._status.message, now_ms)
            if status:
                await connection.publish(self._topic("status"), status, retain=True)
        await self._ask_time(connection)
        if (
            self._gateway_online
            and connection.can_publish
            and await self._send_one(connection, now_ms)
        ):
            return
        await connection.settle()
        await self._sleep(self._window.wait_ms(now_ms, _LOOP_MS) if self.online else _LOOP_MS)

    async def _send_one(self, connection, now_ms: int) -> bool:
        held = self._window.next(now_ms)
        if held is None:
            return False
        payload = self._outbox.payload(held)
        if payload is None:
            # Dropped, or not readable now: then it is tried again, later each time.
            self._window.sent(held, 0, now_ms)
            self._window.tidy()
            await asyncio.sleep_ms(0)
            return True
        topic = self._topic("alarm" if held.lane == "a" else "data")
        packet_id = await connection.publish(topic, payload)
        self._window.sent(held, packet_id, now_ms)
        # A socket that takes everything would leave the other loops no turn.
        await asyncio.sleep_ms(0)
        return True

    async def _sleep(self, wait_ms: int) -> None:
        try:
            await asyncio.wait_for_ms(self._wake.wait(), max(wait_ms, 1))
        except asyncio.TimeoutError:
            return
        self._wake.clear()

    async def _ask_time(self, connection) -> None:
        if self._clock.due(self._clock.uptime_ms()):
            question = encode(self._clock.question())
            await connection.publish(self._topic("time"), question, qos=0)

    async def _until_time(self, connection, turned) -> None:
        until_ms = self._clock.uptime_ms() + _TIME_WAIT_MS
        while self._clock.unix_ms(0) is None and self._clock.uptime_ms() < until_ms:
            turned("uplink")
            await self._ask_time(connection)
            await self._sleep(200)

    async def _follow_orders(self, connection) -> None:
        orders = self._orders
        while orders.waiting:
            taken = orders.accept()
            if taken is None:
                return
            if taken[0]:
                await connection.acknowledge(taken[0])
            orders.follow(self._clock.uptime_ms())

    async def _tell(self, connection, now_ms: int) -> None:
        # Again until the gateway has committed it: a broker's word is none.
        if self._gateway_online and connection.can_publish:
            reply = _made(self._orders.reply, now_ms)
            if reply:
                await connection.publish(self._topic("reply"), reply)

    def _take_message(self, message) -> None:
        try:
            keep = self._interpret(message)
        except _MALFORMED as error:
            _LOG.warning("a message on %s was ignored: %s", message.topic, error)
            keep = False
        if message.packet_id and not keep:
            self._pubacks.append(message.packet_id)

    def _interpret(self, message) -> bool:
        # True where the message is acknowledged later, after its order was saved.
        topic = message.topic
        document = json.loads(message.payload)
        if topic == self._topic("ack"):
            if "reply" in document:
                self._orders.told(document["reply"])
            elif self._outbox.acknowledge(document["he"], document["hb"], document["s"]):
                self.refused.over()
                self._window.tidy()
        elif topic == self._topic("time"):
            if "unix_ms" in document and self._clock.answer(
                document["nonce"], document["unix_ms"]
            ):
                self.reached = True
        elif topic == GW_STATUS:
            self._gateway_status(document["state"] == "online")
        elif topic == self._topic("cmd"):
            return self._orders.take(document, message.packet_id)
        return False

    def _gateway_status(self, online: bool) -> None:
        if online and not self._gateway_online:
            _LOG.info("the gateway is back: sending again")
            self._window.restart()
            self._orders.again()
        elif self._gateway_online and not online:
            _LOG.warning("the gateway is away: packs are held back")
        self._gateway_online = online

    def _take_refusal(self, event) -> None:
        if self._window.refused(event.packet_id) is None:
            return
        if event.reason == _NOBODY:
            self.refused.failed("no gateway is subscribed; packs stay on flash")
        elif event.reason >= _REFUSED:
            self.refused.failed(
                "the broker refused a pack (0x%02x): check the access list" % event.reason
            )


def _made(make, now_ms: int) -> bytes | None:
    # Alarms need less memory than what is made here: none of them is kept waiting for it.
    try:
        return make(now_ms)
    except MemoryError as error:
        _LOG.warning("%s", error)
        return None
