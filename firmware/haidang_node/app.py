"""The node's life: clock, log, settings, then the node itself on the link it has."""

import asyncio
import gc

from micropython import const

from haidang_node import loading, log
from haidang_node.clock import system_clock
from haidang_node.hal import esp32
from haidang_wire.node_names import id_of

# Collect before the heap has grown by this much: TLS needs whole pieces.
_GC_THRESHOLD_BYTES = const(4096)


def run(fails: int) -> bool:
    """The node's life; True where the chip must be reset, False where a technician is at work.

    `fails`: failed starts in a row before this one. Returns on Ctrl-C and when the node must
    restart. A node.json that cannot be used leads to safe mode.
    """
    clock = system_clock()
    # What the status tells of this start besides the node's own names.
    settings, told = loading.call("haidang_node.startup", "begin", clock, fails, True)
    loading.forget(*loading.STARTUP)
    if told.get("mode") == "safe":
        from haidang_node import safe

        return safe.live(clock, settings, told)
    node = None
    try:
        node = _node(settings, clock, told)
        # Its parts have taken what they need.
        del settings
        gc.threshold(_GC_THRESHOLD_BYTES)
        asyncio.run(node.run())
    except KeyboardInterrupt:
        if node:
            node.stop("by hand")
        return False
    except Exception as error:
        # main.py prints the traceback; the next start tells the rest.
        log.ring("note", "crashed: " + repr(error))
        raise
    return True


def _node(settings: dict, clock, told: dict):
    if "power" in settings:
        from haidang_node.sleeper import Sleeper

        return Sleeper(id_of(esp32.mac()), settings, clock, told)
    # Only one kind of link is loaded.
    if "serial" in settings:
        from haidang_node import serial_uplink as uplink
    else:
        from haidang_node import connector as uplink

    name = id_of(esp32.mac())
    link = uplink.make(name, settings, clock)
    from haidang_node.node import Node

    return Node(name, settings, clock, link, told)
