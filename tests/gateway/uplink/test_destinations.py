"""Several destinations over real brokers: whatever one does, the others and the alarms go on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.commands import Refused, Resync
from haidang_gateway.uplink.pace import FIRST_BYTES
from haidang_tools.brokers import Broker, certificates
from haidang_tools.fault_proxy import FaultProxy
from haidang_wire import messages
from mqtt_peer import Peer
from node_packs import START_MS
from old_broker import OldBroker
from paho.mqtt.client import MQTTMessage
from running_centre import RunningCentre
from running_destinations import RunningDestinations, packs_in, told_up_to
from running_uplink import destination_at
from specimens import pack
from store_kit import row
from waiting import until

_OTHER = "fire-service"


@pytest.fixture
def other(ca: Path, tmp_path: Path) -> Broker:
    return Broker("centre", ca, tmp_path / "other")


def test_every_format_reaches_the_centre_numbered_without_gaps(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        formats = ("native", "cap", "ngsi")
        city = RunningDestinations(
            tmp_path, destination_at(ca, broker.port, formats=formats, deflate=True)
        )
        with Peer(ca, "gw-02", broker.port):
            async with city.running():
                await city.raise_alarm(1)
                await city.read(100)
                await city.emptied(CENTRE)
        kinds = {message.kind for message in centre.messages if message.seq}
        assert kinds == {"alarm", "cap", "ngsi", "data"}
        assert centre.refusals == []
        assert centre.ledger.gaps() == {}

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["cut", "half-open", "refused", "wrong authority"])
def test_a_bad_destination_touches_neither_the_centre_nor_its_own_alarms(
    ca: Path, broker: Broker, other: Broker, tmp_path: Path, fault: str
) -> None:
    if fault == "wrong authority":
        certificates(tmp_path / "foreign", "gw-01")

    async def scenario() -> None:
        with FaultProxy(other.port) as line:
            more: dict[str, Any] = {"name": _OTHER, "mode": "broker-only"}
            if fault == "wrong authority":
                more["ca"] = tmp_path / "foreign" / "ca.pem"
            if fault == "refused":
                # A certificate that the broker's access list has no line for.
                more |= {"cert": ca / "centre-01.pem", "key": ca / "centre-01.key"}
            city = RunningDestinations(
                tmp_path, destination_at(ca, broker.port), destination_at(ca, line.port, **more)
            )
            if fault == "half-open":
                line.stall()
            if fault == "cut":
                line.set_up(False)
            async with city.running():
                for number in range(1, 6):
                    await city.raise_alarm(number)
                await city.read(100)
                await city.emptied(CENTRE)
                state = await city.state(_OTHER)
                assert (state["queue_alarms"], state["sent"]) == (5, 0)
                assert not state["connected"] or fault == "refused"

    with broker, other, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert centre.ledger.gaps() == {}
        assert len([1 for message in centre.messages if message.kind == "alarm"]) == 5


def test_after_a_day_away_all_alarms_are_there_and_what_is_missing_is_counted(
    ca: Path, broker: Broker, other: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with FaultProxy(other.port) as line:
            line.set_up(False)
            there = destination_at(ca, line.port, name=_OTHER, queue_packs=100, mode="broker-only")
            city = RunningDestinations(tmp_path, destination_at(ca, broker.port), there)
            async with city.running():
                # As many numbered messages as may wait, and packs beyond the queue's bound.
                for round_ in range(3):
                    await city.read(4000)
                    await city.raise_alarm(round_ + 1)
                    await asyncio.sleep(0.3)
                await city.emptied(CENTRE)
                with Peer(ca, "centre-01", other.port) as listener:
                    await asyncio.to_thread(listener.subscribe, "hd/1/g/+/#")
                    line.set_up(True)
                    await city.emptied(_OTHER)
                    told = await asyncio.to_thread(told_up_to, listener, 12_000)
                state = await city.state(_OTHER)
        alarms = {message.topic for message in told if "/alarm/" in message.topic}
        assert len(alarms) == 3
        packs = packs_in(told)
        assert state["dropped_packs"] > 0
        assert len(packs) + state["dropped_packs"] == 12_000
        assert max(packs) == 12_000

    with broker, other, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert centre.ledger.gaps() == {}


def test_what_found_no_room_for_a_destination_is_numbered_when_it_has_taken_some(
    ca: Path, other: Broker, tmp_path: Path
) -> None:
    async def scenario(line: FaultProxy) -> list[MQTTMessage]:
        there = destination_at(ca, line.port, name=_OTHER, mode="broker-only", batch_s=300.0)
        # Nobody is at the centre.
        async with RunningDestinations(tmp_path, destination_at(ca, 1), there).running():
            pass
        city = RunningDestinations(tmp_path, destination_at(ca, 1), there)
        await city.store.open(START_MS)
        # What may be numbered for a line that nothing is known of holds some hundreds.
        rows = tuple(row(n, pack(n)) for n in range(12_000))
        await city.store.commit(Batch(now_ms=START_MS, packs=rows))
        await city.store.close()
        line.set_up(False)
        city = RunningDestinations(tmp_path, destination_at(ca, 1), there)
        async with city.running():
            while (await city.store.backlog(_OTHER)).data < 32:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            with Peer(ca, "centre-01", other.port) as listener:
                await asyncio.to_thread(listener.subscribe, "hd/1/g/+/#")
                line.set_up(True)
                await city.emptied(_OTHER)
                return await asyncio.to_thread(told_up_to, listener, 11_999)

    with other, FaultProxy(other.port) as line:
        assert packs_in(asyncio.run(scenario(line))) == set(range(12_000))


@pytest.mark.parametrize("silent", [False, True])
def test_a_broker_from_before_mqtt_5_is_spoken_to_in_3_1_1(
    ca: Path,
    broker: Broker,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    silent: bool,
) -> None:
    caplog.set_level("INFO")

    async def scenario(port: int) -> None:
        city = RunningDestinations(tmp_path, destination_at(ca, port, formats=("native", "cap")))
        async with city.running():
            await city.raise_alarm(1)
            await city.read(60)
            await city.emptied(CENTRE)
            assert (await city.state(CENTRE))["mqtt"] == "3.1.1"

    with (
        broker,
        OldBroker(ca, broker.port, "gw-01", silent=silent) as old,
        RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre,
    ):
        asyncio.run(scenario(old.port))
        assert old.versions[0] == 5
        assert set(old.versions[3 if silent else 1 :]) == {4}
        assert centre.ledger.gaps() == {}
        assert {message.kind for message in centre.messages} == {"alarm", "cap", "data", "status"}
        assert centre.messages[-1].document["state"] == "offline"


def test_another_destination_may_ask_for_a_resync_and_command_nothing(
    ca: Path, broker: Broker, other: Broker, tmp_path: Path
) -> None:
    def command(do: str, **args: str) -> bytes:
        document = {"id": do, "do": do, "exp_ms": 2**45, "args": args}
        return bytes(messages.encode("centre_cmd", document))

    async def scenario() -> None:
        city = RunningDestinations(
            tmp_path, destination_at(ca, broker.port), destination_at(ca, other.port, name=_OTHER)
        )
        async with city.running():
            await city.connected(_OTHER)
            with Peer(ca, "centre-01", other.port) as stranger:
                alarm_id = "gw-01-5f3a9c1e-0001"
                send = stranger.publish
                dismiss = command("dismiss_alarm", alarm_id=alarm_id, by="x")
                await asyncio.to_thread(send, "hd/1/g/gw-01/cmd", dismiss)
                await asyncio.to_thread(send, "hd/1/g/gw-01/cmd", command("resync"))
            await until(lambda: len(city.wishes) == 2, "both came")
        assert [type(wish.what) for wish in city.wishes] == [Refused, Resync]
        assert {wish.origin for wish in city.wishes} == {_OTHER}

    with broker, other:
        asyncio.run(scenario())


def test_a_command_leaves_the_broker_only_when_it_is_durable(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    def ask(name: str) -> None:
        document = {"id": name, "do": "resync", "exp_ms": 2**45}
        with Peer(ca, "centre-01", broker.port) as centre:
            centre.publish("hd/1/g/gw-01/cmd", bytes(messages.encode("centre_cmd", document)))

    async def life(asked: str, count: int, *, durable: bool = True) -> list[str]:
        city = RunningDestinations(tmp_path, destination_at(ca, broker.port))
        if not durable:
            city.is_durable.clear()
        async with city.running():
            await city.connected(CENTRE)
            await asyncio.to_thread(ask, asked)
            await until(lambda: len(city.wishes) == count, "all came")
        return [wish.id for wish in city.wishes]

    async def scenario() -> None:
        assert await life("r-1", 1, durable=False) == ["r-1"]
        assert await life("r-2", 2) == ["r-1", "r-2"]
        assert await life("r-3", 1) == ["r-3"]

    with broker:
        asyncio.run(scenario())


def test_how_much_may_be_under_way_to_each_destination_is_shown(ca: Path, tmp_path: Path) -> None:
    city = RunningDestinations(
        tmp_path, destination_at(ca, 1), destination_at(ca, 1, name=_OTHER, mode="broker-only")
    )
    assert {
        (name, labels["destination"], labels["mode"], value)
        for name, labels, value in city.uplinks.samples()
    } == {
        ("haidang_destination_window_bytes", CENTRE, "acked", FIRST_BYTES),
        ("haidang_destination_window_bytes", _OTHER, "broker-only", FIRST_BYTES),
    }
