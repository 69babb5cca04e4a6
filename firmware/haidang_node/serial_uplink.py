"""The serial link: answers the gateway's polls with what the outbox holds; never speaks first."""

import asyncio
import gc
import json
import os

from micropython import const

from haidang_node import log
from haidang_node.status import encode
from haidang_node.window import Window
from haidang_wire.frames import Deframer
from haidang_wire.senml_cbor import encode_pack
from haidang_wire.serial_frames import Key, address_of
from haidang_wire.serial_lanes import (
    ACK,
    ALARM,
    COMMAND,
    DATA,
    ORDINARY,
    REPLY,
    STATUS,
    TAKEN,
    TIME,
    URGENT,
    WINDOW,
)
from haidang_wire.serial_session import GREETED, NOTHING, STARTED, NodeSession

KEY = "/cert/serial.key"
# Packs on the way, places for alarms; the lanes make losses good, so only a commit is waited for.
_WINDOW = (WINDOW, 2, 10000, 60000)
_MESSAGE_LIMIT_BYTES = const(2048)
_TURN_MS = const(4)
# Fragments in both lanes from which on nothing new is put in: what is there goes first.
_LANES_LIMIT = const(24)
_READ_BYTES = const(256)
# A blocked loop finds this many buffers full at most, or answers would come too late anyway.
_READS = const(8)
# A master with a long list of absent nodes comes by at least this often.
_AWAY_MS = const(20000)
_TIME_WAIT_MS = const(3000)
# What a message of a wrong form or size raises; it must not end the link.
_MALFORMED = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, MemoryError, RuntimeError,
)  # fmt: skip
_LOG = log.Log("serial")


def make(node: str, settings: dict, clock):
    """The link of a node with `serial` in its settings."""
    from haidang_node.hal.uarts import Port

    try:
        with open(KEY, "rb") as file:
            key = Key(file.read())
    except (OSError, ValueError) as error:
        # Nobody will hear this node, but it still watches and sounds.
        _LOG.error("%s cannot be used (%s): run `haidang provision`", KEY, error)
        key = None
    serial = settings["serial"]
    port = Port(
        serial["uart"], serial["baud"], serial["rx_pin"], serial["tx_pin"], serial["de_pin"]
    )
    return SerialUplink(node, settings["heartbeat_s"], clock, port, key)


class SerialUplink:
    """Runs one session after the other; what survives them is the outbox.

    `port` has readinto(buffer) and the coroutine send(frames). attach() comes before run().
    """

    limit_ms = 6000

    def __init__(self, node: str, heartbeat_s: int, clock, port, key) -> None:
        self.encode_pack = encode_pack
        self.reached = False
        self._mac = address_of(node)
        self._heartbeat_ms = heartbeat_s * 1000
        self._clock = clock
        self._port = port
        self._key = key
        self._deframer = Deframer()
        self._session: NodeSession | None = None
        self._began_ms = 0
        self._heard_ms = -_AWAY_MS
        self._status_ms = 0
        # Whether packs may go: the time is known, or nobody told it for long enough.
        self._ready = False
        self._accepted = False

    def attach(self, outbox, status, orders, wake) -> None:
        """Whose packs, status and orders go over this link; a poll needs no waking."""
        del wake
        self._outbox = outbox
        self._window = Window(outbox, *_WINDOW)
        self._status = status
        self._orders = orders

    @property
    def online(self) -> bool:
        """Whether the gateway polls."""
        return self._ready and self._clock.uptime_ms() - self._heard_ms < _AWAY_MS

    def rssi_dbm(self) -> int | None:
        """A wire has no signal strength."""
        return None

    async def run(self, turned, connected) -> None:
        """Never ends; `turned` in each turn, `connected` once per session when packs may go."""
        identity = self._status.identity
        if self._key is not None:
            epoch = int(identity.epoch, 16)
            self._session = NodeSession(
                self._mac, self._key, epoch, identity.boot, os.urandom, _MESSAGE_LIMIT_BYTES
            )
        buffer = bytearray(_READ_BYTES)
        while True:
            turned("uplink")
            now_ms = self._clock.uptime_ms()
            self._orders.step(now_ms)
            if self._session is not None:
                try:
                    await self._turn(self._session, buffer, now_ms, connected)
                except MemoryError as error:
                    # A full heap costs an answer, not the node; the master asks again.
                    _LOG.warning("no answer: %s", error)
                    gc.collect()
            await asyncio.sleep_ms(_TURN_MS)

    async def _turn(self, session: NodeSession, buffer: bytearray, now_ms: int, connected) -> None:
        outcome = self._hear(session, buffer, now_ms)
        if outcome == GREETED:
            await self._port.send([session.greeting()])
        elif outcome != NOTHING:
            self._heard_ms = now_ms
            self._read(session)
            self._get_ready(now_ms, connected)
            self._fill(session, now_ms)
            await self._port.send(session.answer())
            if self._accepted:
                # Its id is on flash and the gateway has been told.
                self._accepted = False
                self._orders.follow(now_ms)

    def _hear(self, session: NodeSession, buffer: bytearray, now_ms: int) -> int:
        # Only the last frame for this node is answered: the master has given up on those before.
        outcome = NOTHING
        for _ in range(_READS):
            count = self._port.readinto(buffer)
            if not count:
                break
            for body in self._deframer.feed(buffer, count):
                found = session.receive(body)
                if found == STARTED:
                    self._begin(now_ms)
                outcome = found or outcome
        return outcome

    def _begin(self, now_ms: int) -> None:
        _LOG.info("the gateway began a session")
        self._began_ms = now_ms
        self._status_ms = now_ms - self._heartbeat_ms
        self._ready = False
        self._accepted = False
        self._orders.begin()
        self._window.restart()

    def _get_ready(self, now_ms: int, connected) -> None:
        if self._ready:
            return
        anchored = self._clock.unix_ms(now_ms) is not None
        if anchored or now_ms - self._began_ms >= _TIME_WAIT_MS:
            self._ready = True
            connected()

    def _read(self, session: NodeSession) -> None:
        while session.inbox:
            kind, message = session.inbox.pop(0)
            try:
                self._interpret(kind, json.loads(message))
            except _MALFORMED as error:
                _LOG.warning("a message of kind %d was ignored: %s", kind, error)

    def _interpret(self, kind: int, document: dict) -> None:
        if kind == ACK:
            if "reply" in document:
                self._orders.told(document["reply"])
            elif self._outbox.acknowledge(document["he"], document["hb"], document["s"]):
                self._window.tidy()
        elif kind == TIME:
            if self._clock.answer(document["nonce"], document["unix_ms"]):
                self.reached = True
        elif kind == COMMAND:
            self._orders.take(document)

    def _fill(self, session: NodeSession, now_ms: int) -> None:
        # In the order of what cannot wait: time, orders, packs (alarms first), status.
        if session.waiting(URGENT) + session.waiting(ORDINARY) >= _LANES_LIMIT:
            return
        if self._clock.due(now_ms):
            session.send(TIME, encode(self._clock.question()), URGENT)
        self._follow_orders(session, now_ms)
        if self._ready:
            self._fill_packs(session, now_ms)
        if now_ms - self._status_ms >= self._heartbeat_ms:
            self._status_ms = now_ms
            session.send(STATUS, self._status.message(now_ms), ORDINARY)

    def _follow_orders(self, session: NodeSession, now_ms: int) -> None:
        taken = self._orders.accept() if self._orders.waiting else None
        if taken:
            session.send(TAKEN, encode({"id": taken[1]}), URGENT)
            self._accepted = True
        # Until it is executed, an accepted order owes what would be told after a power cut. And an
        # alarm is never behind more than one reply.
        held_up = self._accepted or session.waiting(URGENT)
        reply = None if held_up else self._orders.reply(now_ms)
        if reply:
            session.send(REPLY, reply, URGENT)

    def _fill_packs(self, session: NodeSession, now_ms: int) -> None:
        while session.waiting(URGENT) + session.waiting(ORDINARY) < _LANES_LIMIT:
            held = self._window.next(now_ms)
            if held is None:
                return
            self._window.sent(held, 0, now_ms)
            payload = self._outbox.payload(held)
            if payload is None:
                # Dropped, or not readable now: then it is tried again, later each time.
                self._window.tidy()
            elif held.lane == "a":
                session.send(ALARM, payload, URGENT)
            else:
                session.send(DATA, payload, ORDINARY)
