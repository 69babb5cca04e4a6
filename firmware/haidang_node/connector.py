"""Keeps a connection to the broker: one after the other, with growing waits between failures."""

import asyncio
import gc

from micropython import const

from haidang_node import log
from haidang_node.broker import CERTIFICATES, Connection, tls
from haidang_node.errors import LinkError
from haidang_node.link import Backoff
from haidang_node.status import OFFLINE
from haidang_wire.naming import node_topic
from haidang_wire.packets import Will
from haidang_wire.session import Session
from haidang_wire.session_events import SESSION

_BACKOFF_MS = const(1000)
_BACKOFF_CAP_MS = const(30000)
_STEP_MS = const(500)
_LOG = log.Log("connect")


class Connector:
    """Runs the uplink on each connection; `turned` tells the watchdog that this loop lives."""

    def __init__(self, node: str, settings: dict, context, link, clock, random_32) -> None:
        self._node = node
        self._settings = settings
        self._context = context
        self._link = link
        self._clock = clock
        self._backoff = Backoff(_BACKOFF_MS, _BACKOFF_CAP_MS, random_32)
        self._trouble = log.Trouble(_LOG, "reaching the gateway")

    async def run(self, uplink, turned, connected) -> None:
        """Never ends; `connected` is called when packs may be sent."""
        while True:
            while not self._link.up:
                await self._pause(_STEP_MS, turned)
            began_ms = self._clock.uptime_ms()
            try:
                await self._connected_once(uplink, turned, connected)
            except (LinkError, MemoryError) as error:
                # A full heap ends a connection, not the node.
                self._trouble.failed(error)
            self._backoff.worked(self._clock.uptime_ms() - began_ms)
            await self._pause(self._backoff.wait_ms(), turned)

    async def _connected_once(self, uplink, turned, connected) -> None:
        if self._context is None:
            self._context = tls(CERTIFICATES)
        connection = Connection(
            self._settings["broker"], self._context, self._session(), uplink.take
        )
        try:
            await connection.open()
            self._trouble.over()
            _LOG.info("connected")
            await uplink.run(connection, self._settings["heartbeat_s"], turned, connected)
        finally:
            await connection.close()
            gc.collect()

    def _session(self) -> Session:
        return Session(
            self._node,
            keepalive_s=SESSION["keepalive_s"],
            session_expiry_s=SESSION["session_expiry_s"],
            receive_maximum=SESSION["receive_maximum"],
            maximum_packet_bytes=SESSION["maximum_packet_bytes"],
            will=Will(node_topic(self._node, "status"), OFFLINE, 1, True, SESSION["will_delay_s"]),
        )

    async def _pause(self, wait_ms: int, turned) -> None:
        # In short steps, so that the watchdog sees this loop alive.
        while wait_ms > 0:
            turned("uplink")
            step_ms = min(wait_ms, _STEP_MS)
            wait_ms -= step_ms
            await asyncio.sleep_ms(step_ms)
