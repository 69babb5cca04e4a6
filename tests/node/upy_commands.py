# heap: 400K
"""The file of executed commands: each is executed once, whatever comes between."""

import binascii
import json
import os
import sys

from haidang_node import commands, loading, log
from haidang_node import orders as orders_module
from haidang_node.commands import accept, keep
from haidang_node.errors import CommandError
from haidang_node.orders import Orders, module_of
from haidang_node.status import encode

log.start(log.ERROR + 1, lambda: 0)


def _path():
    return "/tmp/haidang-commands-%d" % int.from_bytes(os.urandom(4), "big")


def _owed(path):
    orders = Orders(path, None, None)
    orders.open()
    return orders._owed


def _order(number, do="identify", exp_ms=2000, **more):
    return dict({"id": "c-%d" % number, "do": do, "exp_ms": exp_ms}, **more)


def test_a_command_is_new_once_even_after_a_restart() -> None:
    path, replies = _path(), []
    assert accept(path, "c-1", replies) is None
    assert accept(path, "c-1", replies) == {}, "its reply is owed already"
    keep(path, [], {"id": "c-1", "ok": True})
    assert accept(path, "c-1", []) == {"id": "c-1", "ok": True, "out": {"again": True}}
    for number in range(2, 40):
        assert accept(path, "c-%d" % number, []) is None
    for number in range(9, 40):
        assert accept(path, "c-%d" % number, []) is not None
    assert accept(path, "c-1", []) is None, "32 ids are remembered"
    os.remove(path)


def test_a_power_cut_in_mid_execution_is_told_afterwards() -> None:
    path = _path()
    accept(path, "c-1", [])
    (reply,) = _owed(path)
    assert (reply["id"], reply["ok"]) == ("c-1", False)
    assert "restarted" in reply["err"]
    os.remove(path)


def test_an_outcome_that_comes_between_saving_and_executing_is_still_told() -> None:
    class Clock:
        def unix_ms(self, up_ms):
            return 1000

    path = _path()
    orders = Orders(path, lambda do, args, order_id: ({}, None), Clock())
    orders.take(_order(1))
    orders.accept()
    outcome = {"id": "c-0", "ok": True, "out": {"kept": True}}
    orders.owe(outcome, True)
    orders.follow(0)
    assert orders._owed == [outcome, {"id": "c-1", "ok": True, "out": {}}]
    os.remove(path)


def test_what_became_of_a_command_whose_reply_is_gone_is_not_made_up() -> None:
    path, owed = _path(), []
    assert accept(path, "c-1", owed) is None
    reply = accept(path, "c-1", [])
    assert reply["ok"] is False
    assert "refused" not in reply["err"], "it may have been done"
    keep(path, [], {"id": "c-1", "ok": False})
    assert "refused" in accept(path, "c-1", [])["err"]
    os.remove(path)


def test_nine_replies_leave_the_newest_eight_and_a_word_in_the_log() -> None:
    class Told:
        def __init__(self):
            self.lines = []

        def error(self, text, *args):
            self.lines.append(text % args)

    real, told = orders_module._LOG, Told()
    orders_module._LOG = told
    try:
        orders = Orders(_path(), None, None)
        for number in range(10):
            orders.owe({"id": "c-%d" % number, "ok": True}, False)
    finally:
        orders_module._LOG = real
    assert [reply["id"] for reply in orders._owed] == ["c-%d" % n for n in range(2, 10)]
    assert [line.split()[2] for line in told.lines] == ["c-0", "c-1"], told.lines


def test_starts_that_are_cut_short_again_and_again_owe_no_more_than_eight() -> None:
    class Clock:
        def unix_ms(self, now_ms):
            return 1000

    path = _path()
    for number in range(12):
        orders = Orders(path, lambda *_: ({}, None), Clock())
        orders.open()
        orders.take({"id": "c-%d" % number, "do": "identify", "exp_ms": 2000})
        orders.accept()
        orders.follow(0)
        assert len(orders._owed) <= 8
        # Here the power goes.
    orders.open()
    assert [reply["id"] for reply in orders._owed] == ["c-%d" % n for n in range(4, 12)]
    os.remove(path)


def test_a_word_about_what_was_not_given_out_yet_changes_nothing() -> None:
    path = _path()
    orders = Orders(path, None, None)
    for name in ("c-1", "c-2", "c-3"):
        orders.owe({"id": name, "ok": True}, False)
    first = orders.reply(0)
    assert not orders.told(binascii.crc32(encode({"id": "c-3", "ok": True})))
    assert orders.told(binascii.crc32(first))
    assert [json.loads(orders.reply(0))["id"] for _ in range(2)] == ["c-2", "c-3"]
    assert orders.reply(0) is None
    os.remove(path)


def test_a_damaged_file_starts_anew() -> None:
    path = _path()
    for text in (
        "",
        "[]",
        '[]\n["c-1"]\n',
        '[]\n{"ids":[]}',
        "{",
        "[\n[]",
        "[]\n[[]]\n",
        "{}",
        "3",
    ):
        with open(path, "w") as file:
            file.write(text)
        assert _owed(path) == []
        assert accept(path, "c-1", []) is None
    os.remove(path)


def test_what_changes_node_json_and_the_self_test_are_loaded_alone() -> None:
    assert module_of("selftest") == "haidang_node.upkeep"
    for do in ("config", "calibrate"):
        assert module_of(do) == "haidang_node.configure"
    for do in ("identify", "silence", "log", "reboot", "unknown"):
        assert module_of(do) == "haidang_node.actions"


def test_a_full_flash_refuses_the_command() -> None:
    reply = accept("/tmp/haidang-no/such/orders", "c-1", [])
    assert reply is not None
    assert "flash refused" in reply["err"]


def test_a_command_that_memory_refuses_waits_and_nothing_false_is_told_of_it() -> None:
    path, real = _path(), commands._write

    def full(*args):
        raise MemoryError

    orders = Orders(path, None, None)
    orders.take(_order(1), 7)
    commands._write = full
    sys.modules["haidang_node.commands"] = commands
    real_forget, loading.forget = loading.forget, lambda *paths: None
    try:
        assert orders.accept() is None
        assert not orders.owing
        assert orders.waiting
        commands._write = real
        assert orders.accept() == (7, "c-1", True)
        assert not orders.waiting
    finally:
        commands._write = real
        loading.forget = real_forget
    os.remove(path)


def test_expired_untimed_and_failing_commands_are_refused_with_a_hint() -> None:
    done = []

    def act(do, args, order_id):
        if do == "update":
            raise CommandError("no", "do it by USB")
        if do == "log":
            raise OSError(5)
        done.append((do, args, order_id))
        return {}, None

    orders = Orders(_path(), act, None)
    for order, unix_ms, error in (
        (_order(1), 2001, "expired"),
        (_order(1), None, "clock"),
        (_order(1, do="update"), 1000, "no"),
        (_order(1, do="log"), 1000, "OSError"),
        (_order(1, args=[3]), 1000, "args"),
    ):
        reply, after = orders._execute(order, unix_ms)
        assert reply["ok"] is False
        assert error in reply["err"]
        assert reply["hint"]
        assert after is None
    assert done == []
    assert orders._execute(_order(2), 1999)[0] == {"id": "c-2", "ok": True, "out": {}}
    assert done == [("identify", {}, "c-2")]
