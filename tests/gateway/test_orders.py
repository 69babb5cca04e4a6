"""Commands for nodes: bounded, sent until answered, known when they come again, told when late."""

import itertools
import json
from typing import Any

import pytest
from haidang_gateway.fleet import orders as module
from haidang_gateway.fleet.order import Order
from haidang_gateway.fleet.orders import Orders
from haidang_wire import messages
from node_packs import NODE, START_MS

OTHER = "n-240ac4000002"
MINUTE_MS = 60_000


class _Desk:
    """Orders with a memory of what was stored, restarted at will."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.audits: list[str] = []
        self.digests: list[str] = []
        self._numbers = itertools.count(1)
        self.restart()

    def restart(self) -> None:
        docs = {name: json.loads(text) for name, text in self.stored.items()}
        self.orders = Orders(
            docs,
            gateway="gw-01",
            nodes={NODE, OTHER},
            new_id=lambda: f"c-{next(self._numbers)}",
        )

    def give(self, order_id: str = "o-1", do: str = "log", **more: Any) -> list[dict[str, Any]]:
        at_ms = more.pop("at_ms", START_MS)
        order = Order(
            **{
                "id": order_id,
                "origin": "centre",
                "by": "Trực ban 2",
                "node": NODE,
                "do": do,
                "exp_ms": START_MS + MINUTE_MS,
                "topic": "hd/1/g/gw-01/reply",
            }
            | more
        )
        return self._commit(self.orders.take(order, at_ms))

    def reply(self, name: str, at_ms: int = START_MS, **more: Any) -> list[dict[str, Any]]:
        reply = {"id": name, "ok": True} | more
        node = reply.pop("node", NODE)
        return self._commit(self.orders.heard(node, messages.decode("reply", _json(reply)), at_ms))

    def late(self, at_ms: int) -> list[dict[str, Any]]:
        return self._commit(self.orders.overdue(at_ms))

    def send(self, at_ms: int) -> list[str]:
        sendings = self.orders.to_send(at_ms)
        for sending in sendings:
            self.orders.sent(sending.name, at_ms)
        return [sending.name for sending in sendings]

    def _commit(self, answers: list[Any]) -> list[dict[str, Any]]:
        docs, audits, counts = self.orders.take_changes()
        for name, doc in docs.items():
            if doc is None:
                del self.stored[name]
            else:
                self.stored[name] = json.dumps(doc)
        self.audits += [note.subject for note in audits]
        self.digests += [note.digest for note in audits]
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        return [answer.said for answer in answers]


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


@pytest.fixture
def desk() -> _Desk:
    return _Desk()


def test_an_order_goes_to_its_node_under_an_id_of_the_gateway_and_its_reply_ends_it(
    desk: _Desk,
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
    desk: _Desk,
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


def test_few_are_under_way_to_a_node_in_the_order_in_which_they_came(desk: _Desk) -> None:
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
    desk: _Desk,
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


def test_the_outcome_of_a_trial_is_a_second_answer(desk: _Desk) -> None:
    desk.give(do="config", args={"set": {"log": "debug"}})
    (first,) = desk.reply("c-1", out={"trial_s": 300})
    assert first["more"] is True
    assert desk.reply("c-1", out={"trial_s": 300}) == [], "the node said it again"
    desk.restart()
    assert desk.send(START_MS) == [], "it has been executed"
    assert desk.reply("c-1", out={"trial_s": 300, "again": 1}) == []
    assert desk.late(START_MS + 30 * MINUTE_MS) == [], "300 s of running time may take hours"
    (second,) = desk.reply("c-1", ok=False, err="rolled back", at_ms=START_MS + 7 * MINUTE_MS)
    assert (second["ok"], second["err"]) == (False, "rolled back")
    assert desk.give(do="config", args={"set": {"log": "debug"}}) == [first, second]


def test_a_trial_without_an_outcome_is_told_after_a_day(desk: _Desk) -> None:
    desk.give(do="config")
    desk.reply("c-1", out={"trial_s": 300})
    assert desk.orders.next_due_ms() == START_MS + 24 * 60 * MINUTE_MS
    (said,) = desk.late(START_MS + 24 * 60 * MINUTE_MS)
    assert "has not told the outcome" in said["err"]


def test_an_order_that_nobody_answers_is_told_once_and_its_late_reply_too(desk: _Desk) -> None:
    desk.give()
    desk.send(START_MS)
    due_ms = desk.orders.next_due_ms()
    assert due_ms == START_MS + MINUTE_MS + 5000, "a reply may be under way when time runs out"
    assert desk.late(due_ms - 1) == []
    (said,) = desk.late(due_ms)
    assert "may have carried the command out" in said["hint"]
    assert desk.late(due_ms + 1) == []
    assert desk.orders.next_due_ms() is None
    assert [answer["ok"] for answer in desk.reply("c-1")] == [True]
    assert desk.counts == {"orders": 1, "orders_expired": 1}


def test_an_order_that_was_never_sent_says_so(desk: _Desk) -> None:
    desk.give()
    (said,) = desk.late(START_MS + 2 * MINUTE_MS)
    assert said["err"] == "the command could not be sent before it expired"


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
    desk: _Desk, fields: dict[str, Any], word: str
) -> None:
    (said,) = desk.give(**fields)
    assert said["ok"] is False
    assert word in said["err"]
    assert said["hint"]
    assert desk.stored == {}
    assert desk.counts == {"orders_refused": 1}
    assert desk.audits == []


def test_the_queue_is_bounded_for_a_node_and_for_all(
    desk: _Desk, monkeypatch: pytest.MonkeyPatch
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
    desk: _Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    desk.give("o-open", node=OTHER)
    for number in range(2, 9):
        desk.give(f"o-{number}", at_ms=START_MS + number)
        desk.reply(f"c-{number}")
    assert sorted(desk.stored) == ["c-1", "c-6", "c-7", "c-8"]
    desk.restart()
    assert desk.orders.waiting == 1


def test_a_command_that_came_to_its_node_twice_does_not_end_its_trial(desk: _Desk) -> None:
    desk.give(do="config", args={"set": {}})
    assert len(desk.reply("c-1", out={"trial_s": 300})) == 1
    assert desk.reply("c-1", out={"again": True}) == []
    (said,) = desk.reply("c-1", ok=False, err="rolled back", hint="")
    assert said["err"] == "rolled back"


def test_a_trial_whose_first_word_was_lost_still_tells_its_outcome(desk: _Desk) -> None:
    desk.give(do="config", args={"set": {}})
    (said,) = desk.reply("c-1", out={"again": True})
    assert said["more"] is True
    (said,) = desk.reply("c-1", ok=False, err="rolled back", hint="")
    assert said["err"] == "rolled back"
    desk.give("o-2", do="reboot")
    (said,) = desk.reply("c-2", out={"again": True})
    assert "more" not in said
    assert desk.orders.waiting == 0


def test_after_a_restart_nobody_claims_that_a_command_was_never_sent(desk: _Desk) -> None:
    desk.give()
    desk.send(START_MS)
    desk.restart()
    (said,) = desk.late(START_MS + 2 * MINUTE_MS)
    assert "may have carried the command out" in said["hint"]


def test_a_stored_command_that_this_version_does_not_know_holds_up_nothing(desk: _Desk) -> None:
    desk.give()
    desk.give("o-2")
    desk.stored["c-1"] = desk.stored["c-1"].replace('"log"', '"dance"')
    desk.restart()
    assert desk.send(START_MS) == ["c-2"]
    (said,) = desk.late(START_MS + 1)
    assert said["ok"] is False
    assert desk.send(START_MS + 2) == []


@pytest.mark.parametrize("trial_s", ["soon", True, 0, -5, 10**9, None])
def test_a_trial_of_no_real_length_is_a_plain_answer(desk: _Desk, trial_s: object) -> None:
    desk.give(do="config", args={"set": {}})
    (said,) = desk.reply("c-1", out={"trial_s": trial_s})
    assert "more" not in said
    assert desk.orders.waiting == 0


def test_an_order_for_next_year_is_kept_a_week(desk: _Desk) -> None:
    desk.give(exp_ms=START_MS + 365 * 24 * 60 * MINUTE_MS)
    (sending,) = desk.orders.to_send(START_MS)
    assert messages.decode("cmd", sending.payload)["exp_ms"] == START_MS + 7 * 24 * 60 * MINUTE_MS


def test_a_reply_from_another_node_or_to_an_unknown_command_answers_nobody(desk: _Desk) -> None:
    desk.give()
    assert desk.reply("c-1", node=OTHER) == []
    assert desk.reply("c-77") == []
    assert desk.counts["replies_foreign"] == 2
    assert desk.orders.waiting == 1


def test_nothing_that_is_kept_lets_a_weak_key_be_guessed(desk: _Desk) -> None:
    def kept(key: str) -> tuple[str, str]:
        fresh = _Desk()
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


def test_what_went_into_a_session_that_ended_goes_again_at_once(desk: _Desk) -> None:
    desk.give("o-1")
    desk.give("o-2", node=OTHER)
    assert len(desk.send(START_MS)) == 2
    assert desk.send(START_MS + 1) == []
    desk.orders.unsent(NODE)
    assert len(desk.send(START_MS + 2)) == 1


def test_what_found_a_sleeping_node_away_goes_with_its_first_word(desk: _Desk) -> None:
    desk.give()
    assert len(desk.send(START_MS)) == 1
    desk.orders.missed(NODE)
    assert desk.send(START_MS + 1) == [], "not again and again into the empty room"
    desk.orders.awake(NODE)
    assert len(desk.send(START_MS + 2)) == 1, "at once, although it was sent just before"
