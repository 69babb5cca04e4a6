# heap: 400K
"""Orders over the uplink: saved, executed once, and their replies told until somebody has them."""

import os

from haidang_node.status import encode
from haidang_wire.session import Message

from uplink_bench import UplinkBench, fresh_path


def test_a_command_that_flash_cannot_save_is_answered_and_not_executed() -> None:
    bench = UplinkBench()
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
    bench = UplinkBench(fresh_path())
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


def test_a_reply_waits_for_the_gateway_and_is_told_until_somebody_took_it() -> None:
    bench = UplinkBench(fresh_path())
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
    bench = UplinkBench(fresh_path())
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
    bench = UplinkBench(fresh_path())
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
    bench = UplinkBench(fresh_path())
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
    path = fresh_path()
    bench = UplinkBench(path)
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    order = {"id": "c-1", "do": "reboot", "exp_ms": 9000}
    bench.hear("cmd", order)
    bench.hear("cmd", order, 2)
    bench.turn()
    assert bench.replies() == [{"id": "c-1", "ok": True, "out": {}}]
    bench.committed()
    bench.turn()
    later = UplinkBench(path)
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
    path = fresh_path()
    bench = UplinkBench(path)
    bench.clock.answer(bench.clock.question()["nonce"], 1000)
    bench.hear("cmd", {"id": "c-1", "do": "reboot", "exp_ms": 9000})
    bench.turn()
    later = UplinkBench(path)
    later.orders.open()
    later.turn()
    assert later.replies() == [{"id": "c-1", "ok": True, "out": {}}]
    os.remove(path)
