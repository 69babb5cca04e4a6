"""What a command of the centre means, and who is answered and where."""

from typing import Any

import pytest
from command_kit import REPLY_TOPIC, centre_command, node_command
from haidang_gateway.commands import Refused, Resync, Wish, wish_of
from haidang_gateway.fleet.order import Order
from haidang_gateway.model import AckAlarm
from node_packs import NODE, START_MS


def _report(**fields: Any) -> bytes:
    seen = {"hazard": "fire", "place": "m", "by": "Lan", "time": "2025-11-24T16:00:00Z"}
    return centre_command("report", args=seen | fields)


def _inject(kind: str, state: str) -> bytes:
    stimulus = {"kind": kind, "state": state}
    args = {"place": "m", "until": "2025-11-24T17:00:00Z", "inject": stimulus}
    return centre_command("exercise", args=args)


def _wish(payload: bytes, now_ms: int = START_MS) -> Wish | None:
    return wish_of(payload, "gw-01", now_ms)


def test_every_command_means_something() -> None:
    wish = _wish(node_command())
    assert wish is not None
    assert wish.what == Order(
        id="o-1",
        origin="centre",
        by="Lan",
        node=NODE,
        do="identify",
        exp_ms=START_MS + 60_000,
        topic=REPLY_TOPIC,
    )
    args = {"alarm_id": "gw-01-5f3a9c1e-0001", "by": "Lan"}
    wish = _wish(centre_command("ack_alarm", args=args))
    assert wish is not None
    assert isinstance(wish.what, AckAlarm)
    wish = _wish(centre_command("resync"))
    assert wish is not None
    assert wish.what == Resync()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (centre_command("resync", exp_ms=START_MS), "had expired"),
        (_report(time="2025-11-24T15:49:59.999Z"), "older than 10 minutes"),
        (_report(hazard="device"), "nobody reports device"),
        (_inject("smoke", "fire"), "smoke cannot be fire"),
        (centre_command("dance"), "centre_cmd.do: expected one of"),
        (node_command(args={"node": "n-1", "do": "log"}), "centre_cmd.args.node"),
        (node_command(args={"node": NODE, "do": "dance"}), "centre_cmd.args.do"),
        (node_command(args={"node": NODE, "do": "log", "args": [1]}), "centre_cmd.args.args"),
        (node_command(exp_ms="soon"), "centre_cmd.exp_ms"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_with_the_reason(
    payload: bytes, reason: str
) -> None:
    wish = _wish(payload)
    assert wish is not None
    assert (wish.id, wish.topic) == ("o-1", REPLY_TOPIC)
    assert isinstance(wish.what, Refused)
    assert reason in wish.what.err


@pytest.mark.parametrize(
    "payload",
    [
        b"rubbish",
        b"[" * 5000,
        b"[]",
        centre_command("dance", id=7),
        centre_command("dance", reply=None),
        centre_command("resync", reply="hd/1/g/gw-02/reply"),
        centre_command("resync", reply="hd/1/gw/status"),
        centre_command("dance", reply=f"hd/1/n/{NODE}/cmd"),
        centre_command("resync", reply="hd/1/g/gw-01/reply/a/b"),
        centre_command("resync", reply="hd/1/g/gw-01/reply/#"),
    ],
)
def test_who_cannot_be_answered_is_not_obeyed_and_never_steers_a_publish(payload: bytes) -> None:
    assert _wish(payload) is None


def test_an_answer_may_go_one_level_below_the_topic() -> None:
    wish = _wish(centre_command("resync", reply=f"{REPLY_TOPIC}/centre-01"))
    assert wish is not None
    assert wish.topic == f"{REPLY_TOPIC}/centre-01"
