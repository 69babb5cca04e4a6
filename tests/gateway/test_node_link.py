"""What the gateway tells its nodes is told again until a session has room for it."""

import asyncio
import contextlib
import json

import pytest
from fakes import FakeClock
from haidang_gateway.clock import Clock
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.broker_session import BrokerSession
from haidang_gateway.ingest.node_link import NodeLink, _ack
from haidang_wire import messages, ranges
from haidang_wire.mqtt5 import Message
from hypothesis import given
from hypothesis import strategies as st
from node_packs import EPOCH, NODE
from store_kit import NO_BROKER
from waiting import DEADLINE_S


class _Line:
    """Both sessions at once: up, and full until it is told otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self.sent: list[str] = []
        self.payloads: list[bytes] = []
        self.changed = asyncio.Event()

        async def run(session: BrokerSession) -> None:
            session.up = True
            session._on_change()
            await asyncio.Event().wait()

        def publish(_session: BrokerSession, topic: str, payload: bytes, **_: object) -> bool:
            if self.full:
                return False
            self.sent.append(topic)
            self.payloads.append(payload)
            self.changed.set()
            return True

        monkeypatch.setattr(BrokerSession, "run", run)
        monkeypatch.setattr(BrokerSession, "publish", publish)
        monkeypatch.setattr(BrokerSession, "has_room", lambda _session: not self.full)


def test_online_and_acks_that_find_no_room_are_sent_as_soon_as_there_is_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        line = _Line(monkeypatch)
        clock = Clock()
        link = NodeLink(
            "gw-01",
            NO_BROKER,
            clock=clock,
            inbox=Inbox(urgent_limit=1, data_limit=1, monotonic_ms=clock.monotonic_ms),
        )
        running = asyncio.create_task(link.run())
        for _ in range(3):
            await asyncio.sleep(0)
        assert link.up
        link.publish_ack((NODE, EPOCH, 7), [[1, 4]], "alarm")
        assert line.sent == []
        line.full = False
        async with asyncio.timeout(DEADLINE_S):
            while len(line.sent) < 2:
                line.changed.clear()
                await line.changed.wait()
        assert sorted(line.sent) == ["hd/1/gw/status", f"hd/1/n/{NODE}/ack"]
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(scenario())


def test_many_ranges_are_told_in_packets_that_a_node_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ranges = [[n, n + 1] for n in range(4_294_960_000, 4_294_961_000, 5)]

    async def scenario() -> None:
        line = _Line(monkeypatch)
        line.full = False
        clock = Clock()
        inbox = Inbox(urgent_limit=1, data_limit=1, monotonic_ms=clock.monotonic_ms)
        link = NodeLink("gw-01", NO_BROKER, clock=clock, inbox=inbox)
        running = asyncio.create_task(link.run())
        link.publish_ack((NODE, EPOCH, 7), ranges, "data")
        async with asyncio.timeout(DEADLINE_S):
            while sum(topic.endswith("/ack") for topic in line.sent) < 3:
                line.changed.clear()
                await line.changed.wait()
        acks = [json.loads(one) for one in line.payloads if b'"s"' in one]
        assert [pair for ack in acks for pair in ack["s"]] == ranges
        assert max(map(len, line.payloads)) < 2048 - 64, "topic and head take the rest"
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["alarm", "data", "status", "reply"])
def test_nothing_but_alarms_waits_in_line_with_alarms(kind: str) -> None:
    inbox = Inbox(urgent_limit=9, data_limit=9, monotonic_ms=Clock().monotonic_ms)
    link = NodeLink("gw-01", NO_BROKER, clock=Clock(), inbox=inbox)
    topic = f"hd/1/n/{NODE}/{kind}"
    link._take("data", [Message(topic, b"{}", 1, False, 1)], 1)
    assert inbox.urgent_waits is (kind == "alarm")
    assert inbox.data_count == (kind != "alarm")


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=80),
)
def test_an_ack_is_written_as_the_contract_writes_it(
    epoch: int, boot: int, numbers: set[int]
) -> None:
    doc = {"he": f"{epoch:08x}", "hb": boot, "s": ranges.from_sorted(sorted(numbers))}
    assert _ack(doc["he"], boot, doc["s"]) == messages.encode("ack", doc)


def test_a_node_that_floods_with_statuses_or_asks_for_the_time_all_the_time_is_slowed_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, clock = _Line(monkeypatch), FakeClock()
    line.full = False
    inbox = Inbox(urgent_limit=999, data_limit=999, monotonic_ms=clock.monotonic_ms)
    link = NodeLink("gw-01", NO_BROKER, clock=clock, inbox=inbox)
    asks = Message(f"hd/1/n/{NODE}/time", b'{"nonce":1,"up_ms":1}', 0, False, 0)
    tells = Message(f"hd/1/n/{NODE}/status", b"{}", 1, False, 1)
    for second in range(10):
        link._take("data", [asks, tells] * 100, 1)
        assert len(line.sent) == 20 + second
        clock.advance(1000)
    assert len(inbox.take_data(999)) == 29
    assert inbox.take_refused()[NODE] == 2 * (1000 - 29)
