# heap: 400K
"""The uplink against whatever comes: nothing the gateway sends may end or reset the node."""

import asyncio
import binascii
import json
import os

from haidang_node import log
from haidang_node.clock import Clock
from haidang_node.orders import Orders
from haidang_node.status import encode
from haidang_node.uplink import Uplink
from haidang_wire.session import Acknowledged, Message

log.start(log.ERROR + 1, lambda: 0)
_NODE = "n-240ac4000001"


class _Ticks:
    now = 0

    def __call__(self):
        return self.now


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


class _Bench:
    def __init__(self, path="/tmp/haidang-no/such/commands"):
        self.ticks = _Ticks()
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


def test_what_waited_at_the_broker_comes_before_the_first_turn_and_is_acknowledged() -> None:
    # The broker sends it right behind its CONNACK; unacknowledged it would hold one of the 16
    # places for messages to this node for as long as the connection lives.
    bench = _Bench()

    class _Ended(Exception):
        pass

    async def subscribe(_filters):
        if not bench.connection.subscribed:
            bench.connection.subscribed = True
            return
        raise _Ended

    bench.connection.subscribed = False
    bench.connection.subscribe = subscribe
    bench.uplink.begin(30000)
    bench.hear("ack", {"he": "1234abcd", "hb": 1, "s": [[0, 3]]}, packet_id=7)
    try:
        asyncio.run(bench.uplink.run(bench.connection, lambda _: None, lambda: None))
    except _Ended:
        bench.connection.subscribed = False
    bench.turn()
    assert bench.connection.acknowledged == [7]


def test_orders_that_are_none_are_acknowledged_and_ignored() -> None:
    good = {"id": "c-1", "do": "reboot", "exp_ms": 1}
    bad = [b"", b"{", b"[]", b"3", b"null", b'"x"', b"\xff\xfe", {}, {"id": "c-1"}]
    for name, value in (("id", 3), ("id", ""), ("id", "x" * 65), ("do", None), ("exp_ms", "x")):
        bad.append(dict(good, **{name: value}))
    for name in good:
        bad += [{key: good[key] for key in good if key != name}]
    bench = _Bench()
    for number, payload in enumerate(bad):
        bench.hear("cmd", payload, number + 1)
        bench.turn()
    assert bench.connection.acknowledged == list(range(1, len(bad) + 1))
    assert bench.replies() == []


def test_acknowledgements_of_any_form_end_nothing() -> None:
    bench = _Bench()
    for payload in (
        b"",
        {},
        {"he": "9f3c01aa", "hb": 1},
        {"he": "9f3c01aa", "hb": 1, "s": 7},
        {"he": "9f3c01aa", "hb": 1, "s": [7]},
        {"he": "9f3c01aa", "hb": 1, "s": [[1]]},
        {"he": "9f3c01aa", "hb": 1, "s": {"a": 1}},
        {"reply": "x"},
        {"reply": None},
        {"reply": 1 << 40},
    ):
        bench.hear("ack", payload)
    bench.outbox.full_heap = True
    bench.hear("ack", {"he": "9f3c01aa", "hb": 1, "s": [[1, 2]]}, 99)
    bench.turn()
    assert bench.outbox.acked == []
    assert 99 in bench.connection.acknowledged, "it would come again with each connection"


def test_a_command_that_flash_cannot_save_is_answered_and_not_executed() -> None:
    bench = _Bench()
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    bench.hear("cmd", {"id": "c-1", "do": "reboot", "exp_ms": 9000})
    bench.turn()
    (reply,) = bench.replies()
    assert reply["ok"] is False
    assert "flash" in reply["err"]
    assert bench.connection.acknowledged == [1]
    bench.ticks.now = 60000
    bench.turn()
    assert bench.done == []


def test_a_restart_comes_after_its_reply_had_time_and_without_its_puback() -> None:
    bench = _Bench(_fresh())
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    bench.hear("cmd", {"id": "c-1", "do": "reboot", "exp_ms": 9000})
    bench.turn()
    assert bench.connection.acknowledged == [1]
    assert bench.replies() == [{"id": "c-1", "ok": True, "out": {}}]
    bench.ticks.now = 1999
    bench.turn()
    assert bench.done == []
    bench.uplink.begin(30000)
    bench.ticks.now = 2000
    bench.turn()
    assert bench.done == [1]


def _fresh():
    return "/tmp/haidang-uplink-%d" % int.from_bytes(os.urandom(4), "big")


def test_a_reply_waits_for_the_gateway_and_is_told_until_somebody_took_it() -> None:
    bench = _Bench(_fresh())
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    online, offline = [b'{"state":"%s"}' % word for word in (b"online", b"offline")]
    bench.uplink.take(Message("hd/1/gw/status", offline, 1, True, 0))
    bench.hear("cmd", {"id": "c-1", "do": "identify", "exp_ms": 9000})
    bench.turn()
    assert (bench.connection.acknowledged, bench.replies()) == ([1], [])
    bench.uplink.take(Message("hd/1/gw/status", online, 1, False, 0))
    bench.turn()
    bench.turn()
    assert bench.replies() == [{"id": "c-1", "ok": True, "out": {"did": "identify"}}]
    bench.puback(0x10)
    bench.ticks.now = 5000
    bench.turn()
    assert len(bench.replies()) == 2, "nobody was subscribed"
    bench.puback(0)
    for bench.ticks.now in (14999, 15000):
        bench.turn()
    assert len(bench.replies()) == 3, "the broker has it in its memory, and nobody on disk"
    bench.committed(b"another one")
    for bench.ticks.now in (34999, 35000):
        bench.turn()
    assert len(bench.replies()) == 4
    bench.committed()
    for bench.ticks.now in (80000, 200000):
        bench.turn()
    assert len(bench.replies()) == 4
    assert not bench.orders.owing


def test_a_gateway_that_acknowledges_no_reply_hears_each_at_once_and_seldom_again() -> None:
    bench = _Bench(_fresh())
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    for number in range(12):
        bench.hear("cmd", {"id": "c-%d" % number, "do": "identify", "exp_ms": 90000})
        bench.turn()
        bench.turn()
        assert bench.replies()[-1]["id"] == "c-%d" % number, "it waits behind older ones"
        bench.ticks.now += 700
    bench.connection.published = []
    for _ in range(1200):
        bench.ticks.now += 1000
        bench.turn()
    again = [reply["id"] for reply in bench.replies()]
    assert again[:8] == ["c-%d" % number for number in range(4, 12)], "eight, in order"
    assert 8 * (1200 // 60) <= len(again) <= 8 * (1200 // 60 + 4), "ever more seldom, to a minute"
    # Any of them may be the one that is committed at last.
    late = bench.orders._owed[5]
    bench.committed(encode(late))
    assert late not in bench.orders._owed
    assert len(bench.orders._owed) == 7
    bench.orders.owe({"id": "c-12", "ok": True}, False)
    bench.turn()
    before = len(bench.replies())
    bench.ticks.now += 5000
    bench.turn()
    assert len(bench.replies()) == before + 1, "somebody listens again: no more minutes"


def test_a_reply_goes_at_once_when_the_gateway_comes_back() -> None:
    bench = _Bench(_fresh())
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    bench.hear("cmd", {"id": "c-1", "do": "identify", "exp_ms": 9000})
    bench.turn()
    bench.puback(0)
    for word in (b"offline", b"online"):
        bench.uplink.take(Message("hd/1/gw/status", b'{"state":"%s"}' % word, 1, False, 0))
        bench.turn()
    assert len(bench.replies()) == 2
    for bench.ticks.now in (5000, 15000):
        bench.turn()
    assert len(bench.replies()) == 4
    bench.uplink.begin(30000)
    for bench.ticks.now in (15000, 19999, 20000):
        bench.turn()
    assert len(bench.replies()) == 6, "a new connection: at once, and soon again"


def test_a_late_word_about_an_earlier_reply_takes_no_outcome_away() -> None:
    bench = _Bench(_fresh())
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    bench.hear("cmd", {"id": "c-1", "do": "identify", "exp_ms": 9000})
    bench.turn()
    first = bench.connection.reply
    bench.committed()
    bench.orders.owe({"id": "c-1", "ok": True, "out": {"kept": True}}, True)
    bench.committed(first)
    bench.turn()
    bench.committed(first)
    assert bench.replies()[-1]["out"] == {"kept": True}
    bench.ticks.now = 5000
    bench.turn()
    assert len(bench.replies()) == 3, "it is not told yet"
    bench.committed()
    assert not bench.orders.owing


def test_a_command_that_comes_again_is_answered_and_not_executed() -> None:
    path = _fresh()
    bench = _Bench(path)
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    order = {"id": "c-1", "do": "reboot", "exp_ms": 9000}
    bench.hear("cmd", order)
    bench.hear("cmd", order, 2)
    bench.turn()
    assert bench.replies() == [{"id": "c-1", "ok": True, "out": {}}]
    bench.committed()
    bench.turn()
    later = _Bench(path)
    later.clock.answer(later.clock.question()["nonce"], 1000)
    later.orders.open()
    later.turn()
    assert later.replies() == []
    later.hear("cmd", order, 7)
    later.turn()
    later.committed()
    later.ticks.now = 60000
    later.turn()
    assert later.connection.acknowledged == [7]
    assert later.replies() == [{"id": "c-1", "ok": True, "out": {"again": True}}]
    assert later.done == []
    os.remove(path)


def test_a_reply_that_a_restart_overtook_is_told_after_it() -> None:
    path = _fresh()
    bench = _Bench(path)
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    bench.hear("cmd", {"id": "c-1", "do": "reboot", "exp_ms": 9000})
    bench.turn()
    later = _Bench(path)
    later.orders.open()
    later.turn()
    assert later.replies() == [{"id": "c-1", "ok": True, "out": {}}]
    os.remove(path)


def test_a_time_that_fits_no_pack_is_refused() -> None:
    bench = _Bench()
    for unix_ms in (1.764e12, "1764000000000", None, -1, 0, 1 << 53, [1]):
        nonce = bench.clock.question()["nonce"]
        bench.hear("time", {"nonce": nonce, "unix_ms": unix_ms}, 0)
        assert bench.clock.unix_ms(0) is None
    bench.hear("time", {"nonce": bench.clock.question()["nonce"], "unix_ms": 1764000000000}, 0)
    assert bench.clock.unix_ms(0) == 1764000000000


def test_the_gateway_s_status_of_any_form_ends_nothing() -> None:
    bench = _Bench()
    for payload in (b"", b"3", b"{}", b'{"state":7}', b'{"state":"offline"}'):
        bench.uplink.take(Message("hd/1/gw/status", payload, 1, True, 5))
    assert not bench.uplink.online
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"online"}', 1, False, 5))
    assert bench.uplink.online


def test_nothing_is_taken_from_the_window_while_the_gateway_is_away() -> None:
    bench = _Bench()
    asked = []
    bench.uplink._window.next = asked.append
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"offline"}', 1, True, 0))
    bench.turn()
    assert asked == []
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"online"}', 1, False, 0))
    bench.turn()
    assert asked == [0]


def test_all_that_is_held_is_due_at_once_when_the_gateway_comes_back() -> None:
    bench = _Bench()
    restarts = []
    bench.uplink._window.restart = lambda: restarts.append(1)
    for state in (b"online", b"offline", b"offline"):
        bench.uplink.take(Message("hd/1/gw/status", b'{"state":"%s"}' % state, 1, True, 0))
    assert restarts == []
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"online"}', 1, False, 0))
    assert restarts == [1]


def test_a_status_comes_at_once_and_then_with_each_heartbeat() -> None:
    bench = _Bench()
    told = []
    for bench.ticks.now in (0, 1000, 29000, 30000, 31000, 60000):
        bench.turn()
        told.append([kind for kind, _ in bench.connection.published].count("status"))
    assert told == [1, 1, 1, 2, 2, 3]
