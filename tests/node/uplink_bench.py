"""The node's uplink with a clock, an outbox and a connection that a test moves by hand."""

import asyncio
import binascii
import json
import os

from haidang_node import log
from haidang_node.clock import Clock
from haidang_node.orders import Orders
from haidang_node.uplink import Uplink
from haidang_wire.session import Acknowledged, Message

from board_parts import Ticks

log.start(log.ERROR + 1, lambda: 0)
_NODE = "n-240ac4000001"


class _Outbox:
    def __init__(self):
        self.acked = []
        self.full_heap = False

    def acknowledge(self, epoch, boot, numbers):
        if self.full_heap:
            raise MemoryError
        self.acked.append((epoch, boot, [[lo, hi] for lo, hi in numbers]))
        return 1


class _Window:
    def restart(self):
        pass

    def tidy(self):
        pass

    def refused(self, packet_id):
        return None

    def next(self, now_ms):
        return None

    def wait_ms(self, now_ms, limit_ms):
        return 1


class _Status:
    def message(self, up_ms):
        return b"{}"


class _Connection:
    can_publish = True

    def __init__(self):
        self.acknowledged = []
        self.published = []
        self.reply = b""

    async def keep_alive(self, now_ms):
        pass

    async def acknowledge(self, packet_id):
        self.acknowledged.append(packet_id)

    def owe(self, packet_id):
        self.acknowledged.append(packet_id)

    async def settle(self):
        pass

    async def publish(self, topic, payload, qos=1, retain=False):
        kind = topic.split("/")[-1]
        self.published.append((kind, json.loads(payload)))
        if kind == "reply":
            self.reply = payload
        return len(self.published)


class UplinkBench:
    """An uplink that is connected; `hear` brings messages, `turn` is one turn of its loop."""

    def __init__(self, path="/tmp/haidang-no/such/commands"):
        self.ticks = Ticks()
        self.clock = Clock(self.ticks)
        self.done = []
        self.outbox = _Outbox()
        self.connection = _Connection()
        self.orders = Orders(path, self._act, self.clock)
        self.uplink = Uplink(
            _NODE,
            self.clock,
            self.outbox,
            _Window(),
            _Status(),
            self.orders,
            asyncio.Event(),
        )
        self.uplink.begin(30000)
        self.uplink._connected = True

    def _act(self, do, args, order_id):
        if do == "reboot":
            return {}, lambda: self.done.append(1)
        return {"did": do}, None

    def hear(self, kind, payload, packet_id=1):
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        topic = "hd/1/n/%s/%s" % (_NODE, kind)
        self.uplink.take(Message(topic, payload, 1, False, packet_id))

    def puback(self, reason):
        """The broker's answer to the newest reply."""
        kinds = [kind for kind, _ in self.connection.published]
        newest = len(kinds) - list(reversed(kinds)).index("reply") if "reply" in kinds else 0
        self.uplink.take(Acknowledged(newest, reason))

    def committed(self, reply=None):
        """The gateway's word that it has the newest reply, or another one, on disk."""
        self.hear("ack", {"reply": binascii.crc32(reply or self.connection.reply)}, 0)

    def turn(self):
        self.uplink._sleep = _no_sleep
        asyncio.run(self.uplink._turn(self.connection))

    def replies(self):
        return [document for kind, document in self.connection.published if kind == "reply"]


async def _no_sleep(wait_ms):
    pass


def fresh_path():
    """A file for orders that is nobody else's."""
    return "/tmp/haidang-uplink-%d" % int.from_bytes(os.urandom(4), "big")
