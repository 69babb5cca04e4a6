"""A message too large for the centre's broker is set aside and holds up nobody."""

import asyncio
from pathlib import Path

import pytest
from haidang_gateway.batch import CENTRE, Batch, Draft
from haidang_gateway.destination import Protocol
from haidang_gateway.redial import Pace
from haidang_gateway.store import dead_letters
from haidang_gateway.uplink import centre as client
from haidang_gateway.uplink import resending
from haidang_tools.brokers import Broker, render
from haidang_wire.documents import wrap_packs
from running_centre import RunningCentre
from running_uplink import RunningUplink
from specimens import pack
from waiting import until


class NarrowBroker(Broker):
    """Takes packets of 2,000 bytes, and hangs up on whoever sends a larger one."""

    def _config(self, port: int) -> str:
        return render(super()._config(port), {"max_packet_size": 2000})


_LARGE = Draft(
    destination=CENTRE,
    lane="data",
    topic="hd/1/g/gw-01/data",
    compose=lambda message_id: bytes(wrap_packs(message_id, [pack(n) for n in range(20)])),
)


def test_a_message_too_large_for_the_broker_counts_as_refused_and_holds_up_nobody(
    ca: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.store.commit(Batch(now_ms=1_764_000_000_000, drafts=(_LARGE,)))
            await uplink.make("data")
            await uplink.make("alarm")
            await until(lambda: uplink.forwarder.confirmed.messages == 2, "the others")
            assert uplink.forwarder.refusals == 1
            assert "limit of a packet's size" in caplog.text
            assert uplink.client.connections == 1
            assert (await uplink.store.backlog(CENTRE)).data == 1

    broker = NarrowBroker("centre", ca, tmp_path / "broker")
    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert sorted(centre.numbers()) == [2, 3]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_message_that_a_broker_never_takes_is_set_aside_in_either_version(
    ca: Path, tmp_path: Path, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RESEND_MS", "RESEND_CAP_MS", "PROBE_CAP_MS"):
        monkeypatch.setattr(resending, name, 50)
    quick = Pace(first_s=0.05, cap_s=0.05, refused_s=0.05)
    monkeypatch.setattr(client, "DESTINATION", quick)

    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port, protocol=protocol)
        async with uplink.running():
            await uplink.store.commit(Batch(now_ms=1_764_000_000_000, drafts=(_LARGE,)))
            await uplink.make("data")
            await uplink.make("alarm", 2)
            await until(lambda: uplink.forwarder.confirmed.messages == 3, "the others")
            await until(lambda: uplink.forwarder.unconfirmed == 0, "set aside")
            (letter,) = await uplink.store.read(dead_letters.letters)
            assert letter[:3] == (CENTRE, 1, "data")
            connections = uplink.client.connections
            await uplink.make("alarm")
            await uplink.emptied()
            assert uplink.client.connections == connections

    broker = NarrowBroker("centre", ca, tmp_path / "broker")
    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
        assert sorted(centre.numbers()) == [2, 3, 4, 5]
