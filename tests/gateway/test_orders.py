"""Commands for nodes: bounded, sent until answered, known when they come again."""

from typing import Any

import pytest
from haidang_gateway.fleet import orders as module
from haidang_wire import messages
from node_packs import NODE, START_MS
from order_desk import MINUTE_MS, OTHER, OrderDesk


def test_an_order_goes_to_its_node_under_an_id_of_the_gateway_and_its_reply_ends_it(
    desk: OrderDesk,
) -> None:
    assert desk.give(do="selftest", args={"sensor": "smoke"}) == []
    (sending,) = desk.orders.to_send(START_MS)
    assert (sending.name, sending.node) == ("c-1", NODE)
    assert messages.decode("cmd", sending.payload) == {
        "id": "c-1",
        "do": "selftest",
        "args": {"sensor": "smoke"},
        "exp_ms": START_MS + MINUTE_MS,
    }
    assert desk.audits == [f"c-1/{NODE}/selftest by Trực ban 2 (centre o-1)"]
    assert desk.orders.waiting == 1
    (said,) = desk.reply("c-1", out={"smoke": "ok"}, at_ms=START_MS + 5)
    assert said == {"ok": True, "out": {"smoke": "ok"}, "at_ms": START_MS + 5}
    assert desk.orders.waiting == 0
    assert desk.late(START_MS + 10 * MINUTE_MS) == []


def test_what_is_not_answered_is_sent_again_after_a_restart_and_when_its_node_speaks(
    desk: OrderDesk,
) -> None:
    desk.give()
    assert desk.send(START_MS) == ["c-1"]
    desk.orders.awake(NODE)
    assert desk.send(START_MS + 9_999) == [], "its reply may be under way"
    assert desk.send(START_MS + 45_000) == [], "a node that does not speak is not there"
    desk.orders.awake(OTHER)
    assert desk.send(START_MS + 45_000) == []
    desk.orders.awake(NODE)
    assert desk.send(START_MS + 45_000) == ["c-1"]
    desk.restart()
    assert desk.send(START_MS + 46_000) == ["c-1"], "the same id, so the node executes it once"
    assert len(desk.reply("c-1")) == 1


def test_few_are_under_way_to_a_node_in_the_order_in_which_they_came(desk: OrderDesk) -> None:
    for number in range(6):
        desk.give(f"o-{number}", at_ms=START_MS + number)
    desk.give("o-other", node=OTHER)
    assert desk.send(START_MS) == ["c-1", "c-2", "c-3", "c-4", "c-7"]
    assert desk.send(START_MS) == []
    desk.reply("c-2")
    assert desk.send(START_MS) == ["c-5"]
    desk.restart()
    assert desk.send(START_MS) == ["c-1", "c-3", "c-4", "c-5", "c-7"]


def test_an_order_that_comes_again_is_not_given_twice_and_answered_as_before(
    desk: OrderDesk,
) -> None:
    desk.give()
    assert desk.give() == []
    (said,) = desk.reply("c-1", ok=False, err="no such sensor", hint="name another")
    assert desk.give() == [said]
    desk.restart()
    assert desk.give(at_ms=START_MS + 99 * MINUTE_MS) == [said], "even after its time"
    assert len(desk.stored) == 1
    (refused,) = desk.give(do="reboot")
    assert "was used before" in refused["err"]
    assert desk.give(origin="local") == [], "another's id is another id"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"node": "n-240ac4000099"}, "node n-240ac4000099 is not configured on gateway gw-01"),
        ({"exp_ms": START_MS}, "had expired when it came"),
        ({"args": {"text": "x" * 1900}}, "bytes, a node takes 1900"),
        ({"args": {"text": "x" * 9000}}, "bytes, a node takes 1900"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    desk: OrderDesk, fields: dict[str, Any], word: str
) -> None:
    (said,) = desk.give(**fields)
    assert said["ok"] is False
    assert word in said["err"]
    assert said["hint"]
    assert desk.stored == {}
    assert desk.counts == {"orders_refused": 1}
    assert desk.audits == []


def test_the_queue_is_bounded_for_a_node_and_for_all(
    desk: OrderDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(module.QUEUE_PER_NODE):
        assert desk.give(f"o-{number}") == []
    (said,) = desk.give("o-more")
    assert "16 commands wait for this node already" in said["err"]
    assert desk.give("o-other", node=OTHER) == []
    monkeypatch.setattr(module, "QUEUE", module.QUEUE_PER_NODE + 1)
    (said,) = desk.give("o-too-many", node=OTHER)
    assert "17 for all nodes" in said["err"]
    desk.reply("c-1")
    assert desk.give("o-more") == []


def test_finished_orders_are_forgotten_oldest_first_and_open_ones_never(
    desk: OrderDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    desk.give("o-open", node=OTHER)
    for number in range(2, 9):
        desk.give(f"o-{number}", at_ms=START_MS + number)
        desk.reply(f"c-{number}")
    assert sorted(desk.stored) == ["c-1", "c-6", "c-7", "c-8"]
    desk.restart()
    assert desk.orders.waiting == 1


def test_a_stored_command_that_this_version_does_not_know_holds_up_nothing(
    desk: OrderDesk,
) -> None:
    desk.give()
    desk.give("o-2")
    desk.stored["c-1"] = desk.stored["c-1"].replace('"log"', '"dance"')
    desk.restart()
    assert desk.send(START_MS) == ["c-2"]
    (said,) = desk.late(START_MS + 1)
    assert said["ok"] is False
    assert desk.send(START_MS + 2) == []


def test_an_order_for_next_year_is_kept_a_week(desk: OrderDesk) -> None:
    desk.give(exp_ms=START_MS + 365 * 24 * 60 * MINUTE_MS)
    (sending,) = desk.orders.to_send(START_MS)
    assert messages.decode("cmd", sending.payload)["exp_ms"] == START_MS + 7 * 24 * 60 * MINUTE_MS


def test_nothing_that_is_kept_lets_a_weak_key_be_guessed(desk: OrderDesk) -> None:
    def kept(key: str) -> tuple[str, str]:
        fresh = OrderDesk()
        fresh.give("o-1", "config", args={"set": {"wifi": {"key": key, "channel": 6}}})
        fresh.reply("c-1", ok=True)
        return fresh.digests[0], fresh.stored["c-1"]

    assert kept("12345678") == kept("87654321")
    assert "12345678" not in kept("12345678")[1]
    desk.give("o-1", "config", args={"set": {"wifi": {"key": "12345678"}}})
    desk.reply("c-1", ok=True)
    assert desk.give("o-1", "config", args={"set": {"wifi": {"key": "x"}}})[0]["ok"] is True
    (refused,) = desk.give("o-1", "config", args={"set": {"report_s": 3}})
    assert "used before" in refused["err"]


def test_what_went_into_a_session_that_ended_goes_again_at_once(desk: OrderDesk) -> None:
    desk.give("o-1")
    desk.give("o-2", node=OTHER)
    assert len(desk.send(START_MS)) == 2
    assert desk.send(START_MS + 1) == []
    desk.orders.unsent(NODE)
    assert len(desk.send(START_MS + 2)) == 1


def test_what_found_a_sleeping_node_away_goes_with_its_first_word(desk: OrderDesk) -> None:
    desk.give()
    assert len(desk.send(START_MS)) == 1
    desk.orders.missed(NODE)
    assert desk.send(START_MS + 1) == [], "not again and again into the empty room"
    desk.orders.awake(NODE)
    assert len(desk.send(START_MS + 2)) == 1, "at once, although it was sent just before"
