"""The node's life: clock, log, settings, then the node itself on the link it has."""

import asyncio
import gc

from micropython import const

from haidang_node import loading, log
from haidang_node.clock import system_clock
from haidang_node.errors import ConfigError
from haidang_node.hal import esp32
from haidang_wire.naming import node_id

# The technician's Ctrl-C: the watchdog cannot be stopped, but it can be given ten minutes.
_SERVICE_MS = const(600000)
# Collect before the heap has grown by this much: TLS needs whole pieces.
_GC_THRESHOLD_BYTES = const(8192)
_LOG = log.Log("app")


def run() -> bool:
    """The node's life; True where the chip must be reset, False where a technician is at work.

    Returns when node.json cannot be used, on Ctrl-C, or when a loop ended in spite of all.
    """
    clock = system_clock()
    log.start(log.INFO, clock.uptime_ms)
    settings = _settings()
    if settings is None:
        return False
    node = _node(settings, clock)
    gc.threshold(_GC_THRESHOLD_BYTES)
    try:
        asyncio.run(node.run())
    except KeyboardInterrupt:
        node.stop()
        esp32.watchdog(_SERVICE_MS)
        _LOG.warning("stopped by hand; starts again by itself in %d s", _SERVICE_MS // 1000)
        return False
    return True


def _settings() -> dict | None:
    try:
        return loading.call("haidang_node.config", "load", "/node.json")
    except ConfigError as error:
        for problem in error.problems:
            _LOG.error("%s", problem)
        return None


def _node(settings: dict, clock):
    # Only one kind of link is loaded.
    if "serial" in settings:
        from haidang_node import serial_uplink as uplink
    else:
        from haidang_node import connector as uplink

    name = node_id(esp32.mac())
    link = uplink.make(name, settings, clock)
    from haidang_node.node import Node

    return Node(name, settings, clock, link)
