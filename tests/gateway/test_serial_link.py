"""The serial link on pseudo-terminals, against the node's own side of it."""

import asyncio
import json
import logging
import random
import select
from pathlib import Path

import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.ingest.serial_port import SerialPort
from haidang_gateway.redial import SERIAL_PORT
from haidang_wire import messages
from haidang_wire.serial_lanes import ACK, ALARM, COMMAND, DATA, STATUS, TIME
from node_packs import EPOCH, NODE, pack, status
from redial_kit import pause_of_one_that_stood_s
from serial_stand import KEYS, OTHER, Stand, running
from waiting import until
from wired_nodes import Wire, WiredNode


def test_messages_come_with_their_topics_and_answers_reach_the_node(tmp_path: Path) -> None:
    async def scenario() -> None:
        stand, node = Stand(tmp_path, NODE), WiredNode(NODE, KEYS[NODE])
        question = messages.encode("time_request", {"nonce": 5, "up_ms": 9})
        node.send(ALARM, pack(1), urgent=True)
        node.send(DATA, pack(2))
        node.send(STATUS, status(boots=[]))
        node.send(TIME, question, urgent=True)
        with Wire(tmp_path / "port", node):
            async with running(stand):
                await until(lambda: len(stand.payloads()) == 3, "all messages")
                assert stand.begun == [NODE]
                stand.line.publish_ack(NODE, EPOCH, 7, [[n * 2, n * 2] for n in range(100)])
                assert stand.line.publish_command(NODE, b'{"id":"c-1"}')
                await until(lambda: len(node.received) == 4, "all answers")
        topics = {arrival.topic: arrival.payload for arrival in stand.came}
        assert topics[f"hd/1/n/{NODE}/alarm"] == pack(1)
        assert set(topics) == {f"hd/1/n/{NODE}/{kind}" for kind in ("alarm", "data", "status")}
        told = dict(node.received)
        assert json.loads(told[TIME])["nonce"] == 5
        assert told[COMMAND] == b'{"id":"c-1"}'
        acks = [json.loads(data) for kind, data in node.received if kind == ACK]
        assert sum(len(ack["s"]) for ack in acks) == 100
        assert all(len(messages.encode("ack", ack)) < 2048 for ack in acks)

    asyncio.run(scenario())


def test_nothing_false_is_taken_and_nothing_lost_on_a_line_that_spoils_every_third_answer(
    tmp_path: Path,
) -> None:
    dice = random.Random(7)

    def spoil(data: bytes) -> bytes:
        at = dice.randrange(len(data))
        ways = (data[:at], data[:at] + dice.randbytes(3) + data[at:], dice.randbytes(300) + data)
        return data if dice.random() > 0.33 else dice.choice(ways)

    async def scenario() -> None:
        stand = Stand(tmp_path, NODE)
        node = WiredNode(NODE, KEYS[NODE])
        sent = [pack(seq) for seq in range(40)]
        for payload in sent:
            node.send(DATA, payload)
        with Wire(tmp_path / "port", node) as wire:
            wire.spoil = spoil
            async with running(stand):
                await until(lambda: set(stand.payloads()) == set(sent), "every pack")
                assert stand.line.bus is not None
                assert stand.line.bus.damaged + stand.line.bus.strange > 0

    asyncio.run(scenario())


class StallingClock(Clock):
    """As if the process had stood still for `stalled_ms`."""

    stalled_ms = 0

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self.stalled_ms


def test_an_answer_that_came_while_the_gateway_stood_still_is_read_before_it_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StallingClock()
    rest: list[bytes] = []
    missed: list[int] = []
    read = SerialPort.read

    async def scenario() -> None:
        stand, node = Stand(tmp_path, NODE, clock=clock), WiredNode(NODE, KEYS[NODE])

        def halves(data: bytes) -> bytes:
            if clock.stalled_ms or stand.line.peers[NODE].latency_ms > 100:
                return data
            rest.append(data[7:])
            return data[:7]

        with Wire(tmp_path / "port", node) as wire:
            wire.spoil = halves

            def stand_still(port: SerialPort) -> bytes:
                data = read(port)
                if rest:
                    wire.say(rest.pop())
                    select.select([port._fd()], [], [], 1.0)
                    clock.stalled_ms += 500
                if clock.stalled_ms:
                    missed.append(stand.line.peers[NODE].lost)
                return data

            monkeypatch.setattr(SerialPort, "read", stand_still)
            async with running(stand):
                await until(lambda: clock.stalled_ms, "answers that come at once")
                node.send(DATA, pack(1))
                await until(stand.payloads, "a pack")
                assert missed[0] == missed[1], "the answer was there"

    asyncio.run(scenario())


def test_who_has_another_key_is_heard_neither_live_nor_recorded(tmp_path: Path) -> None:
    async def scenario() -> None:
        stand, node = Stand(tmp_path, NODE, OTHER), WiredNode(NODE, KEYS[NODE])
        stranger = WiredNode(OTHER, bytes(32))
        for one in (node, stranger):
            one.send(DATA, pack(1))
        with Wire(tmp_path / "port", node, stranger) as wire:
            async with running(stand):
                await until(stand.payloads, "the pack")
                await until(lambda: stand.line.peers[OTHER].misses >= 2, "polls in vain")
                recorded = wire.said
            assert len(stand.payloads()) == 1
        # The same bytes once more, towards a gateway that was started anew.
        again = Stand(tmp_path, NODE)
        with Wire(tmp_path / "port") as wire:
            async with running(again):
                await until(lambda: again.line.up, "the port")
                for _ in range(20):
                    wire.say(recorded)
                    await asyncio.sleep(0.01)
                assert again.payloads() == []
                assert not again.line.is_open(NODE)

    asyncio.run(scenario())


def test_a_port_that_is_pulled_out_is_told_once_and_used_again_when_it_returns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        stand = Stand(tmp_path, NODE)
        async with running(stand):
            with Wire(tmp_path / "port", first := WiredNode(NODE, KEYS[NODE])):
                first.send(DATA, pack(1))
                await until(stand.payloads, "the first pack")
            await until(lambda: not stand.line.up, "the port's end")
            assert not stand.line.publish_command(NODE, b"{}")
            with Wire(tmp_path / "port", second := WiredNode(NODE, KEYS[NODE], boot=8)):
                second.send(DATA, pack(2, boot=8))
                await until(lambda: len(stand.payloads()) == 2, "the second pack")
        assert stand.begun == [NODE, NODE]

    asyncio.run(scenario())
    told = [r.getMessage() for r in caplog.records if r.name.endswith("serial_line")]
    assert len([line for line in told if "trying again for ever" in line]) == 1
    assert any("is open again after" in line for line in told)


def test_a_port_that_was_open_is_tried_soon_though_it_was_away_for_long_before(
    tmp_path: Path,
) -> None:
    line = Stand(tmp_path).line
    assert pause_of_one_that_stood_s(line._redial, line._came_up) <= SERIAL_PORT.first_s


def test_two_nodes_with_one_address_cost_the_others_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        stand = Stand(tmp_path, NODE, OTHER)
        twins = [WiredNode(NODE, KEYS[NODE], epoch=epoch) for epoch in (1, 2)]
        good = WiredNode(OTHER, KEYS[OTHER])
        for seq in range(10):
            good.send(ALARM, pack(seq), urgent=True)
            for twin in twins:
                twin.send(DATA, pack(seq + 100))
        with Wire(tmp_path / "port", *twins, good):
            async with running(stand):
                wanted = {pack(seq) for seq in range(10)}
                await until(lambda: wanted <= set(stand.payloads()), "the good node's alarms")
                alarms = [one.payload for one in stand.came if one.topic.endswith("/alarm")]
                assert alarms == [pack(seq) for seq in range(10)], "each once, in order"
                assert stand.begun.count(OTHER) == good.sessions == 1
                assert stand.line.peers[OTHER].lost == 0
                assert stand.line.bus is not None
                assert stand.line.bus.strange > 0, "both of the twins spoke"

    asyncio.run(scenario())


def test_a_node_without_a_key_is_named_and_the_others_are_polled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        stand, node = Stand(tmp_path, NODE, OTHER), WiredNode(NODE, KEYS[NODE])
        (tmp_path / f"{OTHER}.serial.key").write_bytes(b"short")
        node.send(DATA, pack(1))
        with Wire(tmp_path / "port", node):
            async with running(stand):
                await until(stand.payloads, "the pack of the other")

    asyncio.run(scenario())
    assert f"{OTHER} is not polled" in caplog.text
    assert "has 5 bytes, a key has 32" in caplog.text


def test_a_line_that_babbles_takes_no_memory_and_leaves_the_others_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        loud, calm = Stand(tmp_path, OTHER, device="loud"), Stand(tmp_path, NODE)
        node = WiredNode(NODE, KEYS[NODE])
        noise = random.Random(1).randbytes(4096)
        with Wire(tmp_path / "loud") as babbler, Wire(tmp_path / "port", node):
            async with running(loud), running(calm):
                await until(lambda: loud.line.up, "the loud port")
                for _ in range(50):
                    babbler.say(noise)
                    await asyncio.sleep(0.001)
                node.send(ALARM, pack(1), urgent=True)
                await until(calm.payloads, "the alarm of the calm line")
        assert loud.payloads() == []

    asyncio.run(scenario())
