"""One connection's work: time, status, packs with their acknowledgements, commands."""

import asyncio
import json

from micropython import const

from haidang_node import log
from haidang_node.status import encode
from haidang_wire.naming import GW_STATUS, node_topic
from haidang_wire.session_events import SESSION, Acknowledged, Message

# A packet is answered within a moment or the gateway is not there: then nobody is kept waiting.
_TIME_WAIT_MS = const(3000)
_TIME_RETRY_MS = const(30000)
_TIME_REFRESH_MS = const(3600000)
_LOOP_MS = const(1000)
_NOBODY = const(0x10)
_REFUSED = const(0x80)
# A reply has this long to reach the broker before what its command does (a restart).
_AFTER_MS = const(2000)
_ID_CHARS = const(64)
# What a document of a wrong form or size raises. Unacknowledged it would come again with each
# connection, for ever.
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, MemoryError)
_LOG = log.Log("uplink")


class Uplink:
    """Runs on one connection after the other; what survives them is the outbox.

    `turned` is called in each turn of the loop, `connected` once per connection.
    """

    def __init__(self, node: str, clock, outbox, window, status, make_commands, wake) -> None:
        self._node = node
        self._clock = clock
        self._outbox = outbox
        self._window = window
        self._status = status
        # What the last command does after its reply, and when.
        self._after: tuple | None = None
        self._make_commands = make_commands
        self._commands = None
        self._wake = wake
        self._heartbeat_ms = 0
        self._connected = False
        self._gateway_online = True
        self._pubacks: list[int] = []
        self._orders: list = []
        self._status_ms = 0
        self._time_ms = 0
        self.refused = log.Trouble(_LOG, "delivering packs")

    @property
    def online(self) -> bool:
        """Whether there is a connection and the gateway is there."""
        return self._connected and self._gateway_online

    async def run(self, connection, heartbeat_s: int, turned, connected) -> None:
        """Works until the connection fails (LinkError)."""
        self._begin(heartbeat_s * 1000)
        try:
            await connection.subscribe([self._topic("ack"), self._topic("cmd"), GW_STATUS])
            turned("uplink")
            await connection.subscribe([self._topic("time")])
            turned("uplink")
            await self._ask_time(connection)
            await self._until_time(turned)
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
        return node_topic(self._node, kind)

    def _begin(self, heartbeat_ms: int) -> None:
        self._connected = True
        self._heartbeat_ms = heartbeat_ms
        self._gateway_online = True
        self._pubacks = []
        self._orders = []
        self._status_ms = -heartbeat_ms
        self._window.restart()

    async def _turn(self, connection) -> None:
        now_ms = self._clock.uptime_ms()
        if self._after and now_ms >= self._after[1]:
            self._after[0]()
        await connection.keep_alive(now_ms)
        while self._pubacks:
            await connection.acknowledge(self._pubacks.pop(0))
        await self._follow_orders(connection)
        if now_ms - self._status_ms >= self._heartbeat_ms and connection.can_publish:
            self._status_ms = now_ms
            status = self._status.message(now_ms)
            await connection.publish(self._topic("status"), status, retain=True)
        anchored = self._clock.unix_ms(now_ms) is not None
        if now_ms - self._time_ms >= (_TIME_REFRESH_MS if anchored else _TIME_RETRY_MS):
            await self._ask_time(connection)
        if (
            self._gateway_online
            and connection.can_publish
            and await self._send_one(connection, now_ms)
        ):
            return
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
        return True

    async def _sleep(self, wait_ms: int) -> None:
        try:
            await asyncio.wait_for_ms(self._wake.wait(), max(wait_ms, 1))
        except asyncio.TimeoutError:
            return
        self._wake.clear()

    async def _ask_time(self, connection) -> None:
        self._time_ms = self._clock.uptime_ms()
        question = encode(self._clock.question())
        await connection.publish(self._topic("time"), question, qos=0)

    async def _until_time(self, turned) -> None:
        until_ms = self._clock.uptime_ms() + _TIME_WAIT_MS
        while self._clock.unix_ms(0) is None and self._clock.uptime_ms() < until_ms:
            turned("uplink")
            await self._sleep(200)

    async def _follow_orders(self, connection) -> None:
        while self._orders and connection.can_publish:
            packet_id, order = self._orders.pop(0)
            if self._commands is None:
                self._commands = self._make_commands()
            fresh = self._commands.accept(order)
            if packet_id:
                await connection.acknowledge(packet_id)
            if not fresh:
                continue
            now_ms = self._clock.uptime_ms()
            reply, after = self._commands.execute(order, self._clock.unix_ms(now_ms))
            if after:
                self._after = (after, now_ms + _AFTER_MS)
            await connection.publish(self._topic("reply"), encode(reply))

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
            if self._outbox.acknowledge(document["he"], document["hb"], document["s"]):
                self.refused.over()
                self._window.tidy()
        elif topic == self._topic("time"):
            if "unix_ms" in document and self._clock.answer(
                document["nonce"], document["unix_ms"]
            ):
                _LOG.info("the clock is set: %d", document["unix_ms"])
        elif topic == GW_STATUS:
            self._gateway_status(document["state"] == "online")
        elif topic == self._topic("cmd"):
            _check_order(document)
            self._orders.append((message.packet_id, document))
            return True
        return False

    def _gateway_status(self, online: bool) -> None:
        if online and not self._gateway_online:
            _LOG.info("the gateway is back: sending again")
            self._window.restart()
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


def _check_order(order: dict) -> None:
    if not (
        isinstance(order["id"], str)
        and 0 < len(order["id"]) <= _ID_CHARS
        and isinstance(order["do"], str)
        and isinstance(order["exp_ms"], int)
    ):
        raise ValueError("no command of the contract")


WINDOW = (
    SESSION["window"], SESSION["alarm_places"], SESSION["resend_ms"], SESSION["resend_cap_ms"],
)  # fmt: skip
