"""The Wi-Fi link: one connection to the broker after the other, growing waits between failures."""

import asyncio
import gc

from micropython import const

from haidang_node import loading, log
from haidang_node.broker import Connection
from haidang_node.errors import LinkError
from haidang_node.hal import esp32
from haidang_node.hal.radio import Radio
from haidang_node.link import Backoff, Link
from haidang_node.uplink import Uplink
from haidang_wire.senml_text import written

_BACKOFF_MS = const(1000)
_BACKOFF_CAP_MS = const(30000)
_STEP_MS = const(500)
# A battery node may miss three of its connections.
_SLEPT_THROUGH = const(4)
_OPENING = "haidang_node.opening"
# What opening a connection leaves loaded, or a packet of an unusual form.
_OPENERS = (
    "haidang_wire.session_plain",
    "haidang_wire.session_opening",
    "haidang_wire.session_events",
    "haidang_wire.packets_opening",
    "haidang_wire.packets",
    "haidang_wire.mqtt_properties",
    "haidang_wire.mqtt_bytes",
    "haidang_wire.errors",
    "haidang_wire.utf8",
)
_LOG = log.Log("connect")


def make(node: str, settings: dict, clock):
    """The link of a node with `wifi` and `broker` in its settings; to be made early.

    The TLS context is the largest piece of memory that lives on: it is taken while the heap has
    whole pieces.
    """
    try:
        context = _tls()
    except LinkError as error:
        # Nobody will hear this node, but it still watches and sounds; it is tried again.
        _LOG.error("%s", error)
        context = None
    radio = Radio(saving="power" in settings)
    link = Link(radio, settings["wifi"], esp32.random_32, esp32.Storage())
    return Connector(node, settings, context, radio, link, clock)


class Connector:
    """Steps the link and runs the uplink on each connection; attach() comes before run()."""

    # Connecting may take this long by its own deadlines, flash housekeeping included.
    limit_ms = 60000

    def __init__(self, node: str, settings: dict, context, radio, link, clock) -> None:
        self.encode_pack = written
        self._node = node
        self._broker = settings["broker"]
        self._heartbeat_s = settings["heartbeat_s"]
        self._context = context
        self._radio = radio
        self._link = link
        self._clock = clock
        self._backoff = Backoff(_BACKOFF_MS, _BACKOFF_CAP_MS, esp32.random_32)
        self._trouble = log.Trouble(_LOG, "reaching the gateway")
        self._uplink: Uplink
        self._stepped_ms = -_STEP_MS
        # Whether there is a connection, and since when.
        self._working = False
        self._since_ms = 0
        # Ends run(), with a goodbye: the last will must not call a sleeping node offline.
        self.sleeping = False

    def attach(self, outbox, status, orders, wake) -> None:
        """Whose packs, status and commands go over this link."""
        window = loading.call(_OPENING, "window", outbox)
        self._uplink = Uplink(self._node, self._clock, outbox, window, status, orders, wake)

    @property
    def online(self) -> bool:
        """Whether there is a connection and the gateway is there."""
        return self._uplink.online

    @property
    def reached(self) -> bool:
        """Whether the gateway itself has answered since the start."""
        return self._uplink.reached

    def rssi_dbm(self) -> int | None:
        """The signal; None without a network."""
        return self._radio.rssi_dbm() if self._link.up else None

    async def run(self, turned, connected) -> None:
        """Never ends; `turned` in each turn, `connected` when packs may be sent."""
        self._supervised = turned
        self._may_send = connected
        while True:
            while not self._link.up:
                await self._pause(_STEP_MS)
            try:
                await self._connected_once()
            except (LinkError, MemoryError) as error:
                # A full heap ends a connection, not the node.
                self._trouble.failed(error)
            if self._working:
                self._working = False
                self._backoff.worked(self._clock.uptime_ms() - self._since_ms)
            await self._pause(self._backoff.wait_ms())

    def off(self) -> None:
        """Leaves the network and switches the radio off, behind run()."""
        self._link.off()

    async def _connected_once(self) -> None:
        if self._context is None:
            self._context = _tls()
        connection = Connection(self._broker, self._context, self._session(), self._uplink.take)
        self._uplink.begin(self._heartbeat_s * 1000)
        try:
            await connection.open()
            self._working = True
            self._since_ms = self._clock.uptime_ms()
            self._trouble.over()
            _LOG.info("connected")
            await self._uplink.run(connection, self._turned, self._opened)
        finally:
            await connection.close(self.sleeping)
            gc.collect()

    def _session(self):
        # Acknowledgements and commands wait for a node that sleeps.
        expiry_s = _SLEPT_THROUGH * self._heartbeat_s
        return loading.call(_OPENING, "session", self._node, expiry_s)

    def _opened(self) -> None:
        loading.forget(*_OPENERS)
        self._may_send()

    def _turned(self, name: str) -> None:
        # The link is looked at in the same loop: a task less.
        if self.sleeping:
            raise asyncio.CancelledError
        self._supervised(name)
        now_ms = self._clock.uptime_ms()
        if now_ms - self._stepped_ms >= _STEP_MS:
            self._stepped_ms = now_ms
            self._link.step(now_ms)
            if self._working and not self._link.up:
                # At once, not when a keepalive is missed.
                raise LinkError("the network went away")

    async def _pause(self, wait_ms: int) -> None:
        # In short steps, so that the watchdog sees this loop alive.
        while wait_ms > 0:
            self._turned("uplink")
            step_ms = min(wait_ms, _STEP_MS)
            wait_ms -= step_ms
            await asyncio.sleep_ms(step_ms)


def _tls():
    return loading.call(_OPENING, "tls", "/cert")
