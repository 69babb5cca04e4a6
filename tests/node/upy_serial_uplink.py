# heap: 600K
"""The node's serial link against a real master's session: orders, time, packs, nonsense."""

import binascii
import os

from haidang_node import loading
from haidang_node.status import encode
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
)

from serial_bench import UNIX_MS, Held, SerialBench


def test_time_comes_first_then_alarms_then_data_and_status() -> None:
    bench = SerialBench()
    bench.window.due = [Held("a", b"alarm"), Held("d", b"data")]
    bench.polls(12)
    kinds = [kind for kind, _ in bench.messages if kind != TIME]
    assert kinds.index(ALARM) < kinds.index(DATA)
    assert bench.messages[0][0] == TIME
    assert STATUS in kinds
    assert bench.connected == 1
    assert bench.window.restarts == 1
    assert bench.uplink.reached
    assert bench.uplink.online


def test_without_an_answer_to_the_time_packs_wait_three_seconds() -> None:
    bench = SerialBench(time_known=False)
    bench.window.due = [Held("a", b"alarm")]
    while bench.ticks.now < 2500:
        bench.polls(1)
    assert bench.got(ALARM) == []
    while bench.ticks.now < 4000:
        bench.polls(1)
    assert bench.got(ALARM) == [b"alarm"]
    assert not bench.uplink.reached


def test_an_order_is_saved_told_and_then_executed_once() -> None:
    bench = SerialBench()
    bench.polls(10)
    order = {"id": "c-1", "do": "identify", "exp_ms": UNIX_MS + 60000}
    bench.tell(COMMAND, order)
    bench.polls(4)
    assert bench.got(TAKEN) == [{"id": "c-1"}]
    assert bench.done == ["c-1"]
    assert bench.got(REPLY) == [{"id": "c-1", "ok": True, "out": {"did": "identify"}}]
    bench.tell(COMMAND, order)
    bench.polls(4)
    assert bench.got(TAKEN) == [{"id": "c-1"}, {"id": "c-1"}], "else it would come for ever"
    assert bench.done == ["c-1"]


def test_an_order_that_finds_no_memory_keeps_no_alarm_and_is_done_later() -> None:
    def short(path, *_):
        raise MemoryError(path)

    bench = SerialBench()
    bench.polls(10)
    bench.tell(COMMAND, {"id": "c-1", "do": "identify", "exp_ms": UNIX_MS + 60000})
    bench.window.due = [Held("a", b"alarm")]
    real, loading.call = loading.call, short
    try:
        bench.polls(4)
    finally:
        loading.call = real
    assert (bench.got(ALARM), bench.got(TAKEN)) == ([b"alarm"], [])
    bench.polls(4)
    assert (bench.got(TAKEN), bench.done) == ([{"id": "c-1"}], ["c-1"])


def test_an_order_cut_off_before_its_execution_is_told_after_the_restart() -> None:
    bench = SerialBench()
    bench.polls(10)
    order = {"id": "c-7", "do": "identify", "exp_ms": UNIX_MS + 60000}
    bench.uplink._orders.take(order)
    bench.orders.accept()
    # Power fails here: the id is on flash, nobody was told, nothing was done.
    bench.start()
    bench.polls(8)
    assert bench.done == []
    (reply,) = bench.got(REPLY)
    assert reply["id"] == "c-7"
    assert reply["ok"] is False
    bench.tell(COMMAND, order)
    bench.polls(4)
    assert bench.done == []
    assert bench.got(TAKEN) == [{"id": "c-7"}]


def test_a_reply_that_a_restarted_master_missed_is_told_again() -> None:
    bench = SerialBench()
    bench.polls(10)
    bench.tell(COMMAND, {"id": "c-2", "do": "identify", "exp_ms": UNIX_MS + 60000})
    bench.polls(1)
    assert bench.done == ["c-2"]
    bench.restart_master()
    bench.polls(6)
    assert [reply["id"] for reply in bench.got(REPLY)] == ["c-2"]


def test_a_reply_is_told_until_the_gateway_has_committed_it() -> None:
    bench = SerialBench()
    bench.polls(10)
    bench.tell(COMMAND, {"id": "c-2", "do": "identify", "exp_ms": UNIX_MS + 60000})
    bench.polls(6)
    bench.tell(ACK, {"reply": 7})
    bench.polls(4)
    assert len(bench.got(REPLY)) == 1
    bench.ticks.now += 10000
    bench.polls(6)
    assert len(bench.got(REPLY)) == 2, "its frames arrived, its commit is what counts"
    said = encode(bench.orders._owed[0])
    bench.tell(ACK, {"reply": binascii.crc32(said)})
    bench.polls(4)
    assert not bench.orders.owing


def test_a_gateway_that_acknowledges_no_reply_hears_each_and_the_line_stays_free() -> None:
    bench = SerialBench()
    bench.polls(10)
    for number in range(3):
        order = {"id": "c-%d" % number, "do": "identify", "exp_ms": UNIX_MS + 9000000}
        bench.tell(COMMAND, order)
        bench.polls(6)
        assert bench.got(REPLY)[-1]["id"] == "c-%d" % number, "it waits behind older ones"
    for _ in range(360):
        bench.ticks.now += 10000
        bench.polls(3)
    assert len(bench.got(REPLY)) <= 3 * (3600 // 60 + 5)


def test_an_alarm_waits_for_one_reply_at_the_most() -> None:
    bench = SerialBench()
    bench.polls(10)
    for number in range(6):
        out = {"lines": "x" * 1500}
        bench.orders.owe({"id": "c-%d" % number, "ok": True, "out": out}, False)
    while not bench.got(REPLY):
        bench.polls(1)
    bench.window.due = [Held("a", b"alarm")]
    before = len(bench.got(REPLY))
    while not bench.got(ALARM):
        bench.polls(1)
    assert len(bench.got(REPLY)) <= before + 1
    bench.polls(100)
    assert len(bench.got(REPLY)) >= 6


def test_acknowledgements_free_exactly_what_they_name() -> None:
    bench = SerialBench()
    bench.polls(4)
    bench.tell(ACK, {"he": "9f3c01aa", "hb": 3, "s": [[1, 2], [7, 7]]})
    bench.polls(2)
    assert bench.outbox.acked == [("9f3c01aa", 3, [[1, 2], [7, 7]])]
    assert bench.window.tidied == 1


def test_nothing_that_a_master_says_ends_the_link() -> None:
    bench = SerialBench()
    bench.polls(4)
    nonsense = [b"", b"{", b"[]", b"3", b"null", b'"x"', b"\xff", b"{}", b"[" * 1500]
    nonsense += [b'{"id":3,"do":"x","exp_ms":1}', b'{"nonce":1}', b'{"he":"x","hb":1,"s":7}']
    for kind in (ACK, TIME, COMMAND, ALARM, 0, 63):
        for data in nonsense:
            bench.peer.send(kind, data, ORDINARY)
    bench.peer.send(COMMAND, bytes(5000), ORDINARY)
    bench.polls(200)
    bench.outbox.full_heap = True
    bench.tell(ACK, {"he": "9f3c01aa", "hb": 3, "s": [[1, 2]]})
    bench.tell(COMMAND, {"id": "c-9", "do": "identify", "exp_ms": UNIX_MS + 60000})
    bench.polls(4)
    assert bench.done == ["c-9"]
    assert bench.outbox.acked == []


def test_a_pack_that_flash_cannot_give_does_not_stop_the_next() -> None:
    bench = SerialBench()
    lost = Held("a", b"lost")
    bench.outbox.lost = [lost]
    bench.window.due = [lost, Held("a", b"next")]
    bench.polls(12)
    assert bench.got(ALARM) == [b"next"]


def test_a_silent_master_is_told_by_the_lamp_and_costs_nothing() -> None:
    bench = SerialBench()
    bench.polls(6)
    assert bench.uplink.online
    bench.window.due = [Held("a", b"alarm")]
    bench.ticks.now += 20001
    bench.turn()
    assert not bench.uplink.online
    assert len(bench.window.due) == 1
    bench.polls(2)
    assert bench.uplink.online
    assert bench.got(ALARM) == [b"alarm"]


def test_only_the_last_of_several_polls_is_answered() -> None:
    bench = SerialBench()
    bench.polls(6)
    for _ in range(3):
        bench.port.coming += bench.peer.ask(1)
    bench.turn()
    assert len(bench.port.said) == 1
    assert bench.bus.receive(bench.port.said[0], bench.ticks.now) == []


def test_a_loop_that_was_blocked_reads_on_without_end() -> None:
    bench = SerialBench()
    bench.polls(6)
    bench.port.coming += os.urandom(100000)
    for _ in range(60):
        bench.turn()
    assert len(bench.port.coming) == 0
    bench.window.due = [Held("a", b"alarm")]
    bench.polls(8)
    assert bench.got(ALARM) == [b"alarm"]
