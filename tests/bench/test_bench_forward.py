"""The forwarding bench: what it drives and counts is right; its smoke run loses nothing."""

import json
from pathlib import Path

import pytest
from haidang_tools.fleet_node import SimNode
from haidang_wire.naming import GW_STATUS, node_topic

from bench import forward, forward_race, forward_thingsboard, parts, reconnect
from bench.forward_centre import CountingCentre
from bench.forward_publisher import Publisher, Writing
from bench.forward_wire import published
from bench.node import missed_bounds
from bench.parts import Figures

NODE = "n-240ac4000001"
EPOCH = "9f3c01aa"
BEGAN_MS = 1_764_000_000_000


class Sent:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)


def publisher(
    freed: list[int], *, apart: bool = False, by_puback: bool = False, window: int = 0
) -> Publisher:
    node = SimNode(NODE, EPOCH, began_ms=BEGAN_MS)
    writing = Writing(apart=apart, window=window)
    return Publisher(node, freed.append, writing=writing, puback_is_enough=by_puback)


def test_packets_are_told_apart_wherever_the_stream_is_cut() -> None:
    ack = {"v": 1, "he": EPOCH, "hb": 1, "s": [[0, 1], [3, 3]]}
    padded = json.dumps(ack).encode() + b" " * 200
    stream = b"".join(
        (
            published(GW_STATUS, b'{"state":"online"}', 7),
            b"\x40\x02\x00\x01",
            b"\xd0\x00",
            published(node_topic(NODE, "ack"), padded, 9),
        )
    )
    for cut in range(len(stream)):
        freed: list[int] = []
        node, sent = publisher(freed), Sent()
        node._transport = sent  # type: ignore[assignment]
        for _ in range(30):
            node.keep(node.prepare(b"[]"))
        node.data_received(published(GW_STATUS, b'{"state":"online"}', 6))
        assert not freed
        node.data_received(stream[:cut])
        node.data_received(stream[cut:])
        assert sum(freed) == 3, cut
        written = b"".join(sent.writes)
        assert b"\x40\x02\x00\x07" in written, "what came is confirmed"
        assert b"\x40\x02\x00\x09" in written
        assert written.count(node_topic(NODE, "data").encode()) == 27, (
            "the window and what was freed"
        )


def test_a_publisher_writes_apart_what_it_is_told_to_and_waits_for_the_gateway() -> None:
    freed: list[int] = []
    node, sent = publisher(freed, apart=True, by_puback=True), Sent()
    node._transport = sent  # type: ignore[assignment]
    for _ in range(3):
        node.keep(node.prepare(b"[]"))
    node.pump()
    assert len(sent.writes) == 3
    node.data_received(b"\x40\x02\x00\x02")
    assert freed == [1]
    waiting = publisher(freed)
    waiting.keep(waiting.prepare(b"[]"))
    waiting.pump()
    assert waiting.sent == 0, "no gateway has said that it is there"


@pytest.mark.parametrize("by_puback", [False, True], ids=["ours", "bridge"])
def test_a_window_bounds_what_has_no_puback_for_both_ways_alike(by_puback: bool) -> None:
    freed: list[int] = []
    node, sent = publisher(freed, by_puback=by_puback, window=10), Sent()
    node._transport = sent  # type: ignore[assignment]
    for _ in range(30):
        node.keep(node.prepare(b"[]"))
    node.data_received(published(GW_STATUS, b'{"state":"online"}', 6))
    node.pump()
    assert node.sent == 10, "the window"
    node.data_received(b"\x40\x02\x00\x01\x40\x02\x00\x02")
    assert node.sent == 12
    *_, last = sent.writes
    assert last.count(node_topic(NODE, "data").encode()) == 2, "what is due goes out in one write"
    assert freed == ([2] if by_puback else []), "a PUBACK frees only where it is enough"
    ack = json.dumps({"v": 1, "he": EPOCH, "hb": 1, "s": [[2, 11]]}).encode()
    node.data_received(published(node_topic(NODE, "ack"), ack, 9))
    assert node.sent == 12, "an acknowledgement by name is no PUBACK"


def test_the_centre_counts_packs_by_name_and_acknowledges_numbers(tmp_path: Path) -> None:
    centre = CountingCentre(tmp_path, 0, [])
    first = {"bn": NODE, "he": EPOCH, "hb": 1, "hs": 5, "n": "smoke/mv", "v": 400}
    batch = {"id": "gw-01/0badcafe/17", "packs": [[first, {"n": "smoke/ratio", "v": 1}]]}
    for _ in range(2):
        centre.take(b"hd/1/g/gw-01/data", json.dumps(batch).encode())
    assert centre.names == {(NODE, EPOCH, 1, 5)}
    assert centre.copies == 1
    (answer,) = centre.answers()
    assert b'{"epoch":"0badcafe","s":[[17,17]]}' in answer
    assert not centre.answers()


def test_both_scenes_have_every_bound_and_a_missed_one_is_named() -> None:
    good = {"lost": 0, "decoded": 20_000, "acked": 20_000, "ours_to_bridge": 2.0}
    for scene in ("5000", "20000", "window_10_5000", "held_5000", "held_20000"):
        figures = {f"{name}_{scene}": value for name, value in good.items()}
        assert not missed_bounds(
            {"race": figures | {f"disk_to_bridge_{scene}": 0.05}}, forward._BOUNDS
        )
        assert missed_bounds({"race": {f"disk_to_bridge_{scene}": 0.06}}, forward._BOUNDS)
        assert missed_bounds({"race": {f"ours_to_bridge_{scene}": 0.99}}, forward._BOUNDS)
        assert missed_bounds({"race": {f"lost_{scene}": 1}}, forward._BOUNDS)


def test_a_peer_that_is_not_installed_has_no_rate_but_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward_thingsboard, "_HOME", tmp_path)
    figures = forward_thingsboard.figures()
    assert figures["thingsboard_msgs_per_s"] is None
    assert "not installed" in str(figures["thingsboard_why"])


def test_the_peer_gets_packs_of_the_same_length(tmp_path: Path) -> None:
    way = forward_thingsboard.ThingsBoard(tmp_path, tmp_path)
    node = SimNode(NODE, EPOCH, began_ms=BEGAN_MS)
    packs = [way.pack(node, seq, BEGAN_MS + 60_000 + seq * 1000) for seq in (0, 9, 4_000)]
    values = [json.loads(pack)["values"] for pack in packs]
    assert [value["hs"] for value in values] == [0, 9, 4_000]
    assert all(190 <= len(pack) <= 250 for pack in packs)


def test_the_smoke_run_forwards_everything_in_each_way_of_writing() -> None:
    figures = forward_race.figures(n=200, rounds=1, publishers=5)
    for scene in ("200", "apart_200", "window_10_200"):
        assert figures[f"decoded_{scene}"] == figures[f"acked_{scene}"] == 200, scene
        assert figures[f"lost_{scene}"] == figures[f"bridge_lost_{scene}"] == 0, scene
        for name in ("ours_msgs_per_s", "bridge_disk_bytes_per_msg"):
            assert float(str(figures[f"{name}_{scene}"])) > 0, name


def test_each_bound_is_told_as_met_or_missed_in_every_scene() -> None:
    ratios = {"": (1.0, 1.5), "apart_": (0.96, 1.49), "window_10_": (0.99, 1.5)}
    race: Figures = {
        f"ours_to_bridge_{scene}{n}": ratio
        for scene, both in ratios.items()
        for n, ratio in zip((5_000, 20_000), both, strict=True)
    }
    assert forward.judged({"race": race}) == {
        "ours_to_bridge_5000": ">= 1: met",
        "ours_to_bridge_20000": ">= 1.5: met",
        "ours_to_bridge_apart_5000": ">= 1: MISSED",
        "ours_to_bridge_apart_20000": ">= 1.5: MISSED",
        "ours_to_bridge_window_10_5000": ">= 1: MISSED",
        "ours_to_bridge_window_10_20000": ">= 1.5: met",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [("--rounds 0", "--rounds: 0 is too few"), ("--rounds -1", "--rounds: '-1' is no whole")],
)
def test_no_rounds_are_refused_and_a_number_with_a_default_of_none_may_be_none(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", *words.split()])
    with pytest.raises(SystemExit):
        parts.main(dict, rounds=3)
    assert said in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["bench", "--n", "0"])
    parts.main(lambda **given: given, n=0, rounds=3)
    assert json.loads(capsys.readouterr().out) == {"quick": False, "n": 0, "rounds": 3}


def test_the_smoke_run_of_reconnecting_sees_an_alarm_come_back() -> None:
    found = reconnect.figures(quick=True)
    assert 0 < float(str(found["back_s_1"])) <= float(str(found["back_s_1_longest"]))
