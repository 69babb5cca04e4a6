"""A whole pipeline on a real store, stepped by hand, and what it answered."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.batch import CENTRE, Batch, BootKey
from haidang_gateway.desk import Desk
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import StoreBusy, StoreError
from haidang_gateway.fleet.broker_watch import BrokerWatch
from haidang_gateway.fleet.nodes import Fleet
from haidang_gateway.fleet.orders import Orders
from haidang_gateway.inbox import Durable, Inbox
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import PackReader
from haidang_gateway.intake import Intake
from haidang_gateway.model import Fact, Lane, Outcome
from haidang_gateway.pipeline import Pipeline
from haidang_gateway.settings import (
    NodeSettings,
    Settings,
    StoreSettings,
)
from haidang_gateway.site import Place
from haidang_gateway.store.store import Store
from haidang_gateway.work import Said
from node_packs import EPOCH, NODE, START_MS, status
from store_kit import NO_BROKER

_FILE = Path("unused.pem")
KEY = (NODE, EPOCH, 7)
BOOTS = [{"hb": 7, "next": 0, "held": [], "dropped": []}]


def city_settings() -> Settings:
    return Settings(
        id="gw-01",
        timezone="Asia/Ho_Chi_Minh",
        data_dir=_FILE,
        broker=NO_BROKER,
        centre=DestinationSettings(
            host="h", port=1, server_name="h", ca=_FILE, cert=_FILE, key=_FILE, batch_s=5
        ),
        places=(Place(id="m", name="Chợ", name_en="Market", lat=1, lon=2, radius_m=5),),
        nodes=(NodeSettings(id=NODE, place="m"),),
    )


class Answers:
    """Notes the answers in the order in which they are given."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.away = False

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        self.given.extend(("puback", arrival.packet_id) for arrival in arrivals)

    def publish_ack(self, key: BootKey, ranges: Sequence[Sequence[int]], lane: Lane) -> None:
        self.given.append(("ack", key, [list(pair) for pair in ranges], lane))

    def publish_heard(self, node: str, crc: int) -> None:
        self.given.append(("heard", node, crc))

    def publish_command(self, node: str, payload: bytes) -> bool:
        if self.away:
            return False
        self.commands.append((node, json.loads(payload)))
        return True


class FailingStore(Store):
    """The real store, whose disk fails for the first `failures` commits."""

    failures = 0
    error: type[StoreError] = StoreBusy

    async def commit(self, batch: Batch) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error("the disk failed")
        await super().commit(batch)


class Bench:
    """A whole pipeline on a real store, stepped by hand."""

    def __init__(
        self,
        store: FailingStore,
        states: dict[str, Any],
        orders: dict[str, Any],
        *,
        boots: Mapping[BootKey, Mapping[str, Any]] = {},
        step_ms: int = 0,
    ) -> None:
        self.node = NODE
        self.link_up = True
        self.clock = FakeClock(START_MS)
        self.store = store
        self.answers = Answers()
        self.inbox = Inbox(urgent_limit=10, data_limit=600, monotonic_ms=self.clock.monotonic_ms)
        settings = city_settings()
        self.rules = Rules(settings.site(), states, store.epoch)
        self.fleet = Fleet(settings.nodes, START_MS)
        ledger = Ledger(boots, 0, lambda _ms: "2026-11-22", step_ms)
        self.orders = Orders(orders, gateway="gw-01", nodes=self.fleet.nodes)
        self.answered: list[Said] = []
        self.committed: list[Batch] = []
        self.pipeline = Pipeline(
            orders=self.orders,
            intake=Intake(
                "gw-01",
                rules=self.rules,
                desk=Desk(self.rules, self.orders),
                fleet=self.fleet,
                watch=BrokerWatch(
                    self.fleet,
                    source="gateway:gw-01",
                    place="m",
                    told=self.rules.calls_silent("gateway:gw-01"),
                ),
                link_up=lambda: self.link_up,
                ledger=ledger,
                reader=PackReader(self.fleet.nodes, ledger, self.rules.is_idle),
            ),
            inbox=self.inbox,
            store=store,
            answers=self.answers,
            clock=self.clock,  # type: ignore[arg-type]
            telemetry_commit_ms=1000,
            on_commit=self.committed.append,
            on_answer=self.answered.append,
        )

    def arrive(self, kind: str, payload: bytes, packet_id: int, *, retained: bool = False) -> None:
        arrival = Arrival(
            topic=f"hd/1/n/{self.node}/{kind}",
            payload=payload,
            lane="alarm" if kind == "alarm" else "data",
            retained=retained,
            packet_id=packet_id,
            received_ms=self.clock.now_ms(),
            session="data",
            connection=1,
        )
        puts = {"alarm": self.inbox.put_urgent, "status": self.inbox.put_status}
        puts.get(kind, self.inbox.put_data)(arrival)

    async def hear(self, kind: str, payload: bytes, packet_id: int = 1) -> None:
        """A message arrives; a second later it is committed, with all that waited."""
        self.arrive(kind, payload, packet_id)
        self.clock.advance(1000)
        await self.pipeline.step()

    async def hear_status(self, **more: Any) -> None:
        """The same for the status of a node that has sent nothing yet."""
        await self.hear("status", status(boots=BOOTS, **more))

    async def tell(self, item: Durable) -> None:
        """Returns when it is durable."""
        told = asyncio.create_task(self.inbox.tell_durably(item))
        await asyncio.sleep(0)
        await self.pipeline.step()
        await told

    def trip(self, monkeypatch: pytest.MonkeyPatch, over: Callable[[Fact], bool]) -> None:
        """Rules with a programming error that some facts bring out."""
        apply = self.rules.apply

        def tripping(fact: Fact, now_ms: int) -> Outcome:
            if over(fact):
                raise ZeroDivisionError
            return apply(fact, now_ms)

        monkeypatch.setattr(self.rules, "apply", tripping)

    def fires(self) -> int:
        """How many revisions of fires were committed."""
        revisions = (revision for batch in self.committed for revision in batch.revisions)
        return sum(b'"hazard":"fire"' in revision.document for revision in revisions)

    async def alarms(self) -> int:
        return (await self.store.backlog(CENTRE)).alarms


@contextlib.asynccontextmanager
async def open_bench(folder: Path, step_ms: int = 0) -> AsyncIterator[Bench]:
    """`step_ms`: so far the wall clock was set shortly before this start."""
    store = FailingStore(folder, "gw-01", StoreSettings())
    await store.open(START_MS)
    try:
        states, orders = await store.rule_states(), await store.commands()
        yield Bench(store, states, orders, boots=await store.boots(), step_ms=step_ms)
    finally:
        await store.close()
