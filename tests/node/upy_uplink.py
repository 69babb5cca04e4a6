# heap: 400K
"""The uplink against whatever comes: nothing the gateway sends may end or reset the node."""

import asyncio

from haidang_node import loading
from haidang_wire.session import Message

from uplink_bench import UplinkBench, fresh_path


def test_what_waited_at_the_broker_comes_before_the_first_turn_and_is_acknowledged() -> None:
    # The broker sends it right behind its CONNACK; unacknowledged it would hold one of the 16
    # places for messages to this node for as long as the connection lives.
    bench = UplinkBench()

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
    bench = UplinkBench()
    for number, payload in enumerate(bad):
        bench.hear("cmd", payload, number + 1)
        bench.turn()
    assert bench.connection.acknowledged == list(range(1, len(bad) + 1))
    assert bench.replies() == []


def test_acknowledgements_of_any_form_end_nothing() -> None:
    bench = UplinkBench()
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


def test_a_time_that_fits_no_pack_is_refused() -> None:
    bench = UplinkBench()
    for unix_ms in (1.764e12, "1764000000000", None, -1, 0, 1 << 53, [1]):
        nonce = bench.clock.question()["nonce"]
        bench.hear("time", {"nonce": nonce, "unix_ms": unix_ms}, 0)
        assert bench.clock.unix_ms(0) is None
    bench.hear("time", {"nonce": bench.clock.question()["nonce"], "unix_ms": 1764000000000}, 0)
    assert bench.clock.unix_ms(0) == 1764000000000


def test_the_gateway_s_status_of_any_form_ends_nothing() -> None:
    bench = UplinkBench()
    for payload in (b"", b"3", b"{}", b'{"state":7}', b'{"state":"offline"}'):
        bench.uplink.take(Message("hd/1/gw/status", payload, 1, True, 5))
    assert not bench.uplink.online
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"online"}', 1, False, 5))
    assert bench.uplink.online


def test_nothing_is_taken_from_the_window_while_the_gateway_is_away() -> None:
    bench = UplinkBench()
    asked = []
    bench.uplink._window.next = asked.append
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"offline"}', 1, True, 0))
    bench.turn()
    assert asked == []
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"online"}', 1, False, 0))
    bench.turn()
    assert asked == [0]


def test_all_that_is_held_is_due_at_once_when_the_gateway_comes_back() -> None:
    bench = UplinkBench()
    restarts = []
    bench.uplink._window.restart = lambda: restarts.append(1)
    for state in (b"online", b"offline", b"offline"):
        bench.uplink.take(Message("hd/1/gw/status", b'{"state":"%s"}' % state, 1, True, 0))
    assert restarts == []
    bench.uplink.take(Message("hd/1/gw/status", b'{"state":"online"}', 1, False, 0))
    assert restarts == [1]


def test_a_status_comes_at_once_and_then_with_each_heartbeat() -> None:
    bench = UplinkBench()
    told = []
    for bench.ticks.now in (0, 1000, 29000, 30000, 31000, 60000):
        bench.turn()
        told.append([kind for kind, _ in bench.connection.published].count("status"))
    assert told == [1, 1, 1, 2, 2, 3]


def test_alarms_are_sent_though_there_is_no_memory_for_a_status_or_a_reply() -> None:
    def none(*_):
        raise MemoryError("memory allocation failed")

    for scarce in ("_status", "_orders"):
        bench = UplinkBench()
        part = getattr(bench.uplink, scarce)
        part.message = part.reply = none
        asked = []
        bench.uplink._window.next = asked.append
        for bench.ticks.now in (0, 1000, 30000):
            bench.turn()
        assert len(asked) == 3, scarce


def test_alarms_do_not_wait_for_an_order_that_finds_no_memory_and_it_is_done_later() -> None:
    def short(path, *_):
        raise MemoryError(path)

    bench = UplinkBench(fresh_path())
    bench.hear("time", {"nonce": bench.clock.question()["nonce"], "unix_ms": 1764000000000}, 0)
    asked = []
    bench.uplink._window.next = asked.append
    bench.hear("cmd", {"id": "c-1", "do": "identify", "exp_ms": 1764000060000}, 5)
    real, loading.call = loading.call, short
    try:
        bench.turn()
        bench.turn()
    finally:
        loading.call = real
    assert (len(asked), bench.connection.acknowledged) == (2, [])
    bench.turn()
    bench.turn()
    assert bench.connection.acknowledged == [5]
    assert [reply["ok"] for reply in bench.replies()] == [True]
