"""The node's serial link with a real master's session at the other end of its wire."""

import asyncio
import json
import os

from haidang_node import log
from haidang_node.clock import Clock
from haidang_node.orders import Orders
from haidang_node.serial_uplink import SerialUplink
from haidang_wire.serial_frames import Key
from haidang_wire.serial_lanes import (
    ALARM,
    DATA,
    TIME,
    URGENT,
)
from haidang_wire.serial_master import Bus
from haidang_wire.serial_peer import Peer

from board_parts import Ticks, flash_folder

log.start(log.ERROR + 1, lambda: 0)
_NODE = "n-240ac4000001"
_KEY = bytes(range(32))
UNIX_MS = 1764000000000


class _Identity:
    epoch = "9f3c01aa"
    boot = 3


class _Status:
    identity = _Identity()

    def message(self, up_ms):
        return b'{"up_ms":%d}' % up_ms


class Held:
    """A pack in the outbox."""

    def __init__(self, lane, payload):
        self.lane = lane
        self.payload = payload


class _Outbox:
    def __init__(self):
        self.acked = []
        self.lost = []
        self.full_heap = False

    def end(self, lane):
        return None

    def acknowledge(self, epoch, boot, numbers):
        if self.full_heap:
            raise MemoryError
        self.acked.append((epoch, boot, [[lo, hi] for lo, hi in numbers]))
        return 1

    def payload(self, held):
        return None if held in self.lost else held.payload


class _Window:
    """Packs in the order in which they are to go."""

    def __init__(self):
        self.due = []
        self.restarts = 0
        self.tidied = 0

    def restart(self):
        self.restarts += 1

    def tidy(self):
        self.tidied += 1

    def next(self, now_ms):
        return self.due[0] if self.due else None

    def sent(self, held, packet_id, now_ms):
        self.due.remove(held)


class _Port:
    """The wire's two ends: what the node reads, what it said."""

    def __init__(self):
        self.coming = bytearray()
        self.said = []

    def readinto(self, buffer):
        count = min(len(buffer), len(self.coming))
        buffer[:count] = self.coming[:count]
        self.coming = self.coming[count:]
        return count or None

    async def send(self, frames):
        self.said.append(b"".join(frames))


class SerialBench:
    """A node and a gateway on one wire; `polls` lets the master ask."""

    def __init__(self, folder=None, time_known=True):
        self.ticks = Ticks()
        self.clock = Clock(self.ticks)
        self.port = _Port()
        self.outbox = _Outbox()
        self.window = _Window()
        self.done = []
        self.connected = 0
        self.messages = []
        self.tells_time = time_known
        self.path = (folder or flash_folder("serial")) + "/orders"
        self.start()
        self.restart_master()

    def start(self):
        """The node's program starts."""
        self.orders = Orders(self.path, self._act, self.clock)
        self.orders.open()
        self.uplink = SerialUplink(_NODE, 30, self.clock, self.port, Key(_KEY))
        self.uplink.attach(self.outbox, _Status(), self.orders, asyncio.Event())
        self.uplink._window = self.window
        # As run() makes it.
        from haidang_wire.serial_session import NodeSession

        self.session = NodeSession(self.uplink._mac, Key(_KEY), 1, 3, os.urandom, 2048)
        self.buffer = bytearray(256)

    def restart_master(self):
        """The gateway starts."""
        self.peer = Peer(_NODE, _KEY, os.urandom)
        self.bus = Bus([self.peer], 115200)

    def _act(self, do, args, order_id):
        self.done.append(order_id)
        return {"did": do}, None

    def _connected(self):
        self.connected += 1

    def turn(self):
        """One turn of the node's loop."""
        now_ms = self.clock.uptime_ms()
        self.orders.step(now_ms)
        asyncio.run(self.uplink._turn(self.session, self.buffer, now_ms, self._connected))

    def polls(self, count):
        """So many polls with what follows them."""
        for _ in range(count):
            frame = b""
            while not frame:
                self.ticks.now += 1
                frame = self.bus.step(self.ticks.now)
            self.port.coming += frame
            self.ticks.now += 5
            self.turn()
            said, self.port.said = self.port.said, []
            for event in self.bus.receive(b"".join(said), self.ticks.now):
                self._take(event)

    def _take(self, event):
        if event.kind < 0:
            return
        document = json.loads(event.data) if event.kind not in (ALARM, DATA) else event.data
        self.messages.append((event.kind, document))
        if event.kind == TIME and self.tells_time:
            answer = {"nonce": document["nonce"], "unix_ms": UNIX_MS + document["up_ms"]}
            self.tell(TIME, answer)

    def tell(self, kind, document):
        """A message to the node."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.peer.send(kind, data, URGENT)

    def got(self, kind):
        """What the master received of one kind."""
        return [document for found, document in self.messages if found == kind]
