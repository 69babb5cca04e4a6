"""What answers a command for a node: one reply, two for a trial, a sentence where none came."""

import pytest
from node_packs import START_MS
from order_desk import MINUTE_MS, OTHER, OrderDesk


def test_the_outcome_of_a_trial_is_a_second_answer(desk: OrderDesk) -> None:
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


def test_a_trial_without_an_outcome_is_told_after_a_day(desk: OrderDesk) -> None:
    desk.give(do="config")
    desk.reply("c-1", out={"trial_s": 300})
    assert desk.orders.next_due_ms() == START_MS + 24 * 60 * MINUTE_MS
    (said,) = desk.late(START_MS + 24 * 60 * MINUTE_MS)
    assert "has not told the outcome" in said["err"]


def test_an_order_that_nobody_answers_is_told_once_and_its_late_reply_too(desk: OrderDesk) -> None:
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


def test_an_order_that_was_never_sent_says_so(desk: OrderDesk) -> None:
    desk.give()
    (said,) = desk.late(START_MS + 2 * MINUTE_MS)
    assert said["err"] == "the command could not be sent before it expired"


def test_a_command_that_came_to_its_node_twice_does_not_end_its_trial(desk: OrderDesk) -> None:
    desk.give(do="config", args={"set": {}})
    assert len(desk.reply("c-1", out={"trial_s": 300})) == 1
    assert desk.reply("c-1", out={"again": True}) == []
    (said,) = desk.reply("c-1", ok=False, err="rolled back", hint="")
    assert said["err"] == "rolled back"


def test_a_trial_whose_first_word_was_lost_still_tells_its_outcome(desk: OrderDesk) -> None:
    desk.give(do="config", args={"set": {}})
    (said,) = desk.reply("c-1", out={"again": True})
    assert said["more"] is True
    (said,) = desk.reply("c-1", ok=False, err="rolled back", hint="")
    assert said["err"] == "rolled back"
    desk.give("o-2", do="reboot")
    (said,) = desk.reply("c-2", out={"again": True})
    assert "more" not in said
    assert desk.orders.waiting == 0


def test_after_a_restart_nobody_claims_that_a_command_was_never_sent(desk: OrderDesk) -> None:
    desk.give()
    desk.send(START_MS)
    desk.restart()
    (said,) = desk.late(START_MS + 2 * MINUTE_MS)
    assert "may have carried the command out" in said["hint"]


@pytest.mark.parametrize("trial_s", ["soon", True, 0, -5, 10**9, None])
def test_a_trial_of_no_real_length_is_a_plain_answer(desk: OrderDesk, trial_s: object) -> None:
    desk.give(do="config", args={"set": {}})
    (said,) = desk.reply("c-1", out={"trial_s": trial_s})
    assert "more" not in said
    assert desk.orders.waiting == 0


def test_a_reply_from_another_node_or_to_an_unknown_command_answers_nobody(
    desk: OrderDesk,
) -> None:
    desk.give()
    assert desk.reply("c-1", node=OTHER) == []
    assert desk.reply("c-77") == []
    assert desk.counts["replies_foreign"] == 2
    assert desk.orders.waiting == 1
