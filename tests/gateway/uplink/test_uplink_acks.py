"""What the centre acknowledges is confirmed: as few times as can be, and only what was sent."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haidang_gateway.batch import CENTRE, Confirmed
from haidang_gateway.store.store import Store
from haidang_tools.brokers import Broker
from haidang_wire import messages
from mqtt_peer import Peer
from running_uplink import RunningUplink
from waiting import until


class _HeldStore(Store):
    """Notes what is confirmed, and confirms it when it is let go."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.confirmed: list[list[list[int]]] = []
        self.go = asyncio.Event()

    async def confirm(
        self, destination: str, epoch: str, ranges: Sequence[Sequence[int]]
    ) -> Confirmed:
        self.confirmed.append([list(pair) for pair in ranges])
        await self.go.wait()
        return await super().confirm(destination, epoch, ranges)


def test_acks_that_wait_are_confirmed_in_one_and_a_command_among_them_has_its_turn(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port, store=_HeldStore)
        store: Any = uplink.store
        async with uplink.running():
            await uplink.make("alarm", 8)
            await until(lambda: uplink.forwarder.sendings >= 8, "sent")
            with Peer(ca, "centre-01", broker.port) as centre:
                for number in range(1, 9):
                    ack = {"epoch": store.epoch, "s": [[number, number]]}
                    payload = messages.encode("centre_ack", ack)
                    await asyncio.to_thread(centre.publish, "hd/1/g/gw-01/ack", payload)
                    await until(lambda: store.confirmed, "the first is taken alone")
                    if number == 4:
                        await asyncio.to_thread(centre.publish, "hd/1/g/gw-01/cmd", b"do")
            connection: Any = uplink.client._connection
            await until(lambda: connection._arrived.qsize() == 8, "all but the first wait")
            store.go.set()
            await uplink.emptied()
            assert store.confirmed == [[[1, 1]], [[2, 4]], [[5, 8]]]
            assert uplink.commands == [b"do"]

    with broker:
        asyncio.run(scenario())


def test_acks_of_another_epoch_or_without_sense_confirm_nothing(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        uplink = RunningUplink(ca, tmp_path, broker.port)
        async with uplink.running():
            await uplink.make("alarm", 2)
            await until(lambda: uplink.forwarder.sendings >= 2, "sent")
            foreign = messages.encode("centre_ack", {"epoch": "00000000", "s": [[1, 2]]})
            assert await uplink.forwarder.acknowledge([foreign]) == 0
            assert await uplink.forwarder.acknowledge([b"[]"]) == 0
            assert uplink.forwarder.foreign_acks == 1
            assert (await uplink.store.backlog(CENTRE)).alarms == 2
            ours = messages.encode("centre_ack", {"epoch": uplink.store.epoch, "s": [[1, 1]]})
            assert await uplink.forwarder.acknowledge([ours]) == 1
            assert await uplink.forwarder.acknowledge([ours]) == 0
            assert (await uplink.store.backlog(CENTRE)).alarms == 1

    with broker:
        asyncio.run(scenario())
