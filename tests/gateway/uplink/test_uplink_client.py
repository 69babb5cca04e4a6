"""The connection to the centre's broker: names, bounds, commands, the end, the last will."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from haidang_gateway.errors import UplinkError
from haidang_gateway.uplink import client
from haidang_tools.brokers import Broker
from haidang_tools.fault_proxy import FaultProxy
from haidang_wire import messages
from mqtt_peer import Peer
from old_broker import OldBroker
from running_uplink import RunningUplink
from waiting import until

_HOUR_S = 3600
# For whoever would wait for one of those hours.
_HANGS_S = 30.0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every deadline but the goodbye's lasts an hour: what ends, the gateway has ended."""

    class Patient(paho.Client):
        def __init__(self, *values: Any, **options: Any) -> None:
            super().__init__(*values, **options)
            self.connect_timeout = _HOUR_S

    monkeypatch.setattr(paho, "Client", Patient)
    for name in ("_KEEPALIVE_S", "_OPEN_TIMEOUT_S", "_ANSWER_S"):
        monkeypatch.setattr(client, name, _HOUR_S)


@contextlib.asynccontextmanager
async def _ends_by_itself(line: FaultProxy) -> AsyncIterator[None]:
    """What still waits for the line after half a minute is freed, and the test has failed."""
    cut = asyncio.get_running_loop().call_later(_HANGS_S, line.set_up, False)
    try:
        yield
    finally:
        cut.cancel()
    assert cut.when() > asyncio.get_running_loop().time(), "it waited for the line"


@pytest.mark.usefixtures("patient")
def test_a_stalled_line_ends_within_seconds_when_the_gateway_stops(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with _ends_by_itself(line), uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.stall()
                # More than all buffers on the way hold: the goodbye does not get out either.
                taken = [uplink.client.publish("t", bytes(200_000)) for _ in range(90)]
                await uplink.make("alarm", 3)
                await until(lambda: uplink.forwarder.sendings == 3, "handed to the line")
                assert uplink.forwarder.unconfirmed == 3
                assert not any(future.done() for future in taken)

    with broker:
        asyncio.run(scenario())


def test_who_asks_twice_to_be_told_is_told_once(ca: Path, broker: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        uplink, told = RunningUplink(ca, tmp_path, broker.port), list[str]()

        def note() -> None:
            told.append("news")

        for _ in range(2):
            uplink.client.notify(note)
        async with uplink.running():
            await until(uplink.client.connected.is_set, "connected")
            assert len(told) == 1

    with broker:
        asyncio.run(scenario())


@pytest.mark.usefixtures("patient")
def test_a_handshake_that_hangs_does_not_hold_up_the_end(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as line:
            line.stall()
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with _ends_by_itself(line), uplink.running():
                await until(lambda: line.connections == 1, "dialled")
            # Left in the midst of the handshake: neither connected nor dialled again.
            assert (uplink.client.connections, line.connections) == (0, 1)

    with broker:
        asyncio.run(scenario())


def test_a_command_waits_at_the_broker_while_the_line_is_cut(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.set_up(False)
                await until(lambda: not uplink.client.connected.is_set(), "cut")
                with Peer(ca, "centre-01", broker.port) as centre:
                    await asyncio.to_thread(centre.publish, "hd/1/g/gw-01/cmd", b"one")
                line.set_up(True)
                await until(lambda: bool(uplink.commands), "the command")
            # Also in the time that leaving takes there is but one.
            assert uplink.commands == [b"one"]

    with broker:
        asyncio.run(scenario())


@pytest.mark.parametrize("room", [None, 40])
def test_no_command_is_left_at_a_broker_that_sends_more_than_it_was_allowed(
    ca: Path, broker: Broker, tmp_path: Path, room: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [b"%d" % number for number in range(200 if room is None else 70)]
    if room is not None:
        monkeypatch.setattr(client, "_ARRIVED_ROOM", room)

    async def scenario() -> int:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port, slow_s=0.002)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.set_up(False)
                await until(lambda: not uplink.client.connected.is_set(), "cut")
                with Peer(ca, "centre-01", broker.port) as centre:
                    for command in commands:
                        await asyncio.to_thread(centre.publish, "hd/1/g/gw-01/cmd", command)
                line.set_up(True)
                await until(lambda: set(uplink.commands) == set(commands), "all commands")
                return uplink.client.connections

    with broker:
        connections = asyncio.run(scenario())
    assert connections == 2 if room is None else connections > 2


def test_a_broker_with_another_name_is_not_trusted(
    ca: Path, broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port, name="centre.example")
        async with uplink.running():
            await until(lambda: "no connection" in caplog.text, "the refusal is logged")
            assert not uplink.client.connected.is_set()
            with pytest.raises(UplinkError):
                uplink.client.publish("t", b"x")

    with broker:
        asyncio.run(scenario())
    assert "centre.example" in caplog.text


def test_the_window_of_the_line_is_bounded(ca: Path, broker: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                line.stall()
                taken = [uplink.client.publish("hd/1/g/gw-01/data", b"x") for _ in range(100)]
                with pytest.raises(UplinkError, match="wait for the broker"):
                    uplink.client.publish("hd/1/g/gw-01/data", b"x")
                line.set_up(False)
                await until(lambda: all(future.cancelled() for future in taken), "given back")

    with broker:
        asyncio.run(scenario())


def test_a_session_is_taken_for_kept_only_where_the_broker_says_so_each_time(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        # It hangs up three times behind a CONNECT, which may have begun a session.
        with OldBroker(ca, broker.port, "gw-01", silent=True) as old, FaultProxy(old.port) as line:
            uplink = RunningUplink(ca, tmp_path, line.port)
            async with uplink.running():
                await until(uplink.client.connected.is_set, "connected")
                assert (uplink.client.connections, uplink.client.sessions) == (1, 4)
                line.set_up(False)
                await until(lambda: not uplink.client.connected.is_set(), "cut")
                line.set_up(True)
                await until(uplink.client.connected.is_set, "connected again")
                assert (uplink.client.connections, uplink.client.sessions) == (2, 4)

    with broker:
        asyncio.run(scenario())


def test_a_broker_that_never_answers_a_message_is_left_and_dialled_again(
    ca: Path, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_ANSWER_S", 0.3)
    answer = client.Connection._answer
    swallowed: list[int] = []

    def swallow_first(connection: client.Connection, mid: int, reason: int) -> None:
        if swallowed:
            answer(connection, mid, reason)
        swallowed.append(mid)

    monkeypatch.setattr(client.Connection, "_answer", swallow_first)

    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await until(uplink.client.connected.is_set, "connected")
            await uplink.make("alarm")
            await until(lambda: uplink.client.connections == 2, "dialled again")
            await until(lambda: len(swallowed) > 1, "sent again")
            assert uplink.client.connections == 2, "left once: the second was answered"

    with broker:
        asyncio.run(scenario())


def test_a_gateway_that_leaves_or_vanishes_is_offline_after_a_while(
    ca: Path, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_WILL_DELAY_S", 1)

    async def online(line: FaultProxy, centre: Peer, *, vanish: bool) -> None:
        uplink = RunningUplink(ca, tmp_path, line.port)
        async with uplink.running():
            await until(uplink.client.connected.is_set, "connected")
            uplink.client.publish("hd/1/g/gw-01/status", b"online", retain=True)
            assert (await asyncio.to_thread(centre.next)).payload == b"online"
            if vanish:
                line.stall()
                line.set_up(False)
        offline = await asyncio.to_thread(centre.next)
        assert messages.decode("gateway_status", bytes(offline.payload))["state"] == "offline"

    async def scenario() -> None:
        with Peer(ca, "centre-01", broker.port) as centre:
            await asyncio.to_thread(centre.subscribe, "hd/1/g/+/status")
            with FaultProxy(broker.port) as line:
                await online(line, centre, vanish=False)
                await online(line, centre, vanish=True)

    with broker:
        asyncio.run(scenario())
