"""One MQTT connection to a destination, 5 or 3.1.1; the only importer of paho."""

import asyncio
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from haidang_wire import messages
from haidang_wire.reasons import TEMPORARY
from haidang_wire.topics import gateway_topic
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import HungUp, ProtocolRefused, UplinkError, UplinkRefused
from haidang_gateway.redial import may_pass
from haidang_gateway.uplink.deflating import content_type
from haidang_gateway.uplink.tls import UplinkContext, uplink_context

WINDOW = 100
_HEARD_KINDS = ("ack", "cmd")
# Acks and commands that the broker may send before we have handled the ones before.
_RECEIVE_MAXIMUM = 64
# mosquitto 2.0.11 sends more than it was allowed: all that waits, as soon as we are there.
_ARRIVED_ROOM = 1000
# Commands wait at the broker while the line is cut.
_SESSION_EXPIRY_S = 3600
# A silent line is left after two of these, before an alarm has waited for half a minute; the
# status every 10 s has its answer sooner, so that hardly a ping is sent.
_KEEPALIVE_S = 12
_WILL_DELAY_S = 10
_OPEN_TIMEOUT_S = 10.0
_GOODBYE_S = 1.0
# Reason code of MQTT 5; paho makes it of 3.1.1's return code 1, too.
_UNSUPPORTED_VERSION = 0x84
# A broker of MQTT 5 that told how much it takes hangs up on whoever sends more. The gateway
# answers itself then, and the message is set aside like any that is refused.
TOO_LARGE = 0x95
_HEAD_BYTES = 64
# A line of 10 kbit/s carries a full window of data in less; a broker or a thread of paho that
# says nothing for longer is as good as gone, though the connection seems to stand.
_ANSWER_S = 120.0

Arrived = tuple[str, bytes, int]
"""Topic, payload and packet id of a message."""


class Connection:
    """One connection of paho, seen from asyncio: its thread only posts into the loop.

    It counts as lost when the broker leaves a message unanswered for 120 s.
    """

    def __init__(self, settings: DestinationSettings, gateway: str, old: bool = False) -> None:
        """Make paho's client; `open` connects. `old`: MQTT 3.1.1. Needs the running loop."""
        self._old = old
        self._settings = settings
        self._gateway = gateway
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._arrived: asyncio.Queue[Arrived] = asyncio.Queue(_ARRIVED_ROOM)
        self._overflowed = False
        self._unanswered: dict[int, asyncio.Future[int]] = {}
        self._window = WINDOW
        # Bytes of a packet that the broker takes; 0: it did not say.
        self._largest = 0
        self._answered = False
        # From CONNECT on, until the broker says that it has kept ours.
        self.is_new_session = False
        self._context: UplinkContext | None = None
        self._connecting: asyncio.Future[None] | None = None
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=gateway,
            protocol=MQTTProtocolVersion.MQTTv311 if old else MQTTProtocolVersion.MQTTv5,
            # MQTT 5 says this at each CONNECT.
            clean_session=False if old else None,
            reconnect_on_failure=False,
            manual_ack=True,
        )

    async def open(self) -> None:
        """Connect and subscribe; UplinkError within 10 s when that fails."""
        self._connecting = asyncio.ensure_future(asyncio.to_thread(self._connect))
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                await asyncio.shield(self._connecting)
                self._client.loop_start()
                await self._ready
        except TimeoutError as error:
            raise UplinkError(
                f"{self._where} did not answer in {_OPEN_TIMEOUT_S:.0f} s"
            ) from error
        except OSError as error:
            kind = UplinkError if may_pass(error) else UplinkRefused
            raise kind(
                f"{self._where}: {error}; check the line, the address and the certificates"
            ) from error

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> asyncio.Future[int]:
        """Hand a message to paho; UplinkError when the window is full or the line is gone."""
        future: asyncio.Future[int] = self._loop.create_future()
        if self._largest and len(topic) + len(payload) + _HEAD_BYTES > self._largest:
            future.set_result(TOO_LARGE)
            return future
        if len(self._unanswered) >= self._window:
            raise UplinkError(f"{self._window} messages wait for the broker's answer")
        info = self._client.publish(
            topic, payload, qos=1, retain=retain, properties=self._described(topic, payload)
        )
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise UplinkError(f"the connection to {self._where} is gone")
        self._unanswered[info.mid] = future
        deadline = self._loop.call_later(_ANSWER_S, _finish, self._lost, None)
        future.add_done_callback(lambda _: deadline.cancel())
        return future

    async def next_messages(self) -> list[Arrived]:
        """All messages that have come, at least one; UplinkError when the line is lost.

        Or when more had come than there is room for: with a new connection the rest comes again.
        """
        first = await self._next_message()
        return [first, *(self._arrived.get_nowait() for _ in range(self._arrived.qsize()))]

    async def _next_message(self) -> Arrived:
        if self._overflowed and self._arrived.empty():
            raise UplinkError(f"{self._where} sent more at once than there is room for")
        if not self._arrived.empty():
            return self._arrived.get_nowait()
        get = asyncio.ensure_future(self._arrived.get())
        waits: tuple[asyncio.Future[Any], ...] = (get, self._lost)
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if get.done():
                return get.result()
        finally:
            get.cancel()
        raise UplinkError(f"the connection to {self._where} was lost")

    def acknowledge(self, mid: int) -> None:
        """PUBACK a message."""
        self._client.ack(mid, 1)

    async def close(self) -> None:
        """Leave in order if the broker still listens, otherwise at once; the thread has ended."""
        # In 3.1.1 a goodbye would take the last will along; cutting the line has it published.
        if self._ready.done() and not self._lost.done() and not self._old:
            self._client.disconnect(reasoncode=_leaving())
            await asyncio.wait((self._lost,), timeout=_GOODBYE_S)
        if self._context is not None:
            self._context.cut()
        if self._connecting is not None:
            await asyncio.gather(self._connecting, return_exceptions=True)
        await asyncio.to_thread(self._client.loop_stop)
        # paho closes the pair that wakes its thread only when the collector comes by.
        self._client._reset_sockets()
        for future in self._unanswered.values():
            future.cancel()
        for ending in (self._ready, self._lost):
            ending.cancel()

    def _described(self, topic: str, payload: bytes) -> Properties | None:
        kind = "" if self._old else content_type(topic, payload)
        return _properties(PacketTypes.PUBLISH, ContentType=kind) if kind else None

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connect(self) -> None:
        client, settings = self._client, self._settings
        self._context = uplink_context(
            server_name=settings.server_name,
            ca=settings.ca,
            cert=settings.cert,
            key=settings.key,
        )
        client.tls_set_context(self._context)
        client.max_inflight_messages_set(WINDOW)
        client.will_set(
            gateway_topic(self._gateway, "status"),
            messages.encode("offline", {"v": 1, "state": "offline"}),
            qos=1,
            retain=True,
            properties=None
            if self._old
            else _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=_WILL_DELAY_S),
        )
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        if self._old:
            client.connect(settings.host, settings.port, keepalive=_KEEPALIVE_S)
        else:
            client.connect(
                settings.host,
                settings.port,
                keepalive=_KEEPALIVE_S,
                clean_start=False,
                properties=_properties(
                    PacketTypes.CONNECT,
                    SessionExpiryInterval=_SESSION_EXPIRY_S,
                    ReceiveMaximum=_RECEIVE_MAXIMUM,
                ),
            )
        self.is_new_session = True

    # The callbacks below run in paho's thread.

    def _on_connect(self, client: paho.Client, *rest: Any) -> None:
        _user, flags, reason, properties = rest
        if reason.is_failure:
            kind = _kind_of_refusal(reason.value)
            self._post(_fail, self._ready, kind(f"{self._where} refused us: {reason}"))
            return
        self._answered = True
        self.is_new_session = not flags.session_present
        self._window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))
        self._largest = getattr(properties, "MaximumPacketSize", 0)
        client.subscribe([(gateway_topic(self._gateway, kind), 1) for kind in _HEARD_KINDS])

    def _on_subscribe(self, *rest: Any) -> None:
        reasons = rest[3]
        if any(reason.is_failure for reason in reasons):
            error = UplinkRefused(f"{self._where} lets us hear no acknowledgement: {reasons[0]}")
            self._post(_fail, self._ready, error)
        else:
            self._post(_finish, self._ready, None)

    def _on_disconnect(self, *rest: Any) -> None:
        refusal = self._context.refusal if self._context else None
        kind = UplinkError if self._answered else UplinkRefused if refusal else HungUp
        error = kind(f"{self._where} ended the connection: {refusal or rest[3]}")
        self._post(_fail, self._ready, error)
        self._post(_finish, self._lost, None)

    def _on_publish(self, *rest: Any) -> None:
        mid, reason = rest[2], rest[3]
        self._post(self._answer, mid, reason.value)

    def _on_message(self, *rest: Any) -> None:
        message: paho.MQTTMessage = rest[2]
        self._post(self._put, message.topic, bytes(message.payload), message.mid)

    def _post(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(callback, *arguments)

    # And these in the loop.

    def _answer(self, mid: int, reason: int) -> None:
        future = self._unanswered.pop(mid, None)
        if future is not None:
            _finish(future, reason)

    def _put(self, topic: str, payload: bytes, mid: int) -> None:
        if self._arrived.full():
            self._overflowed = True
        else:
            self._arrived.put_nowait((topic, payload, mid))


def _finish(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: UplinkError) -> None:
    if not future.done():
        future.set_exception(error)


def _kind_of_refusal(code: int) -> type[UplinkError]:
    if code == _UNSUPPORTED_VERSION:
        return ProtocolRefused
    return UplinkError if code in TEMPORARY else UplinkRefused


def _properties(packet: int, **values: int | str) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _leaving() -> ReasonCode:
    # Leaving in order, too, must tell the centre that this gateway is away.
    return ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
