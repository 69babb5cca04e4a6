"""Knows all parts of the gateway: makes them, runs them together, ends them in order."""

import asyncio
import dataclasses
import datetime
import functools
import importlib.metadata
import logging
import zoneinfo
from collections import Counter
from collections.abc import Callable
from typing import Any

from haidang_gateway.alarms.engine import Rules
from haidang_gateway.batch import CENTRE, Batch
from haidang_gateway.clock import Clock
from haidang_gateway.clock_watch import watch_clock
from haidang_gateway.control import Control
from haidang_gateway.crash_points import CrashPoints
from haidang_gateway.desk import Desk
from haidang_gateway.fleet.broker_watch import BrokerWatch
from haidang_gateway.fleet.nodes import Fleet
from haidang_gateway.fleet.orders import Orders
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.node_link import (
    ALARM_RECEIVE_MAXIMUM,
    DATA_RECEIVE_MAXIMUM,
    NodeLink,
)
from haidang_gateway.ingest.packs import PackReader
from haidang_gateway.ingest.serial_link import Links, SerialLink
from haidang_gateway.installed_levels import editions_by_source
from haidang_gateway.intake import Intake
from haidang_gateway.metrics import gateway_status
from haidang_gateway.metrics_page import MetricsPage, Sample, process_samples, samples_of
from haidang_gateway.model import StoreTrouble
from haidang_gateway.pipeline import DATA_GROUP, Pipeline
from haidang_gateway.quarantine_retry import QuarantineRetry
from haidang_gateway.settings import Settings
from haidang_gateway.store import clock_step, queries
from haidang_gateway.store.care import Care
from haidang_gateway.store.store import Store
from haidang_gateway.store.writes import QUARANTINE_FORGOTTEN, REPLIES_DROPPED
from haidang_gateway.uplinks import Uplinks
from haidang_gateway.vision.cameras import Cameras
from haidang_gateway.vision.evidence_care import EVIDENCE, EvidenceCare
from haidang_gateway.vision.post import Post
from haidang_gateway.watchdog import Watchdog

_log = logging.getLogger(__name__)

# Room for the facts of cameras and the centre, and for what mosquitto sends beyond our receive
# maximum: as much as its max_queued_messages (deploy/mosquitto/gateway.conf).
_URGENT_ROOM = 2000
_DATA_ROOM = 4000
_STUCK_MS = 20_000


class App:
    """One gateway; `run` returns after `stop` is set and everything has ended."""

    def __init__(self, settings: Settings, clock: Clock, watchdog: Watchdog) -> None:
        """Make the parts that need nothing from the store; `run` makes the others."""
        self._settings = settings
        self._clock = clock
        self._watchdog = watchdog
        self._store = Store(settings.data_dir, settings.id, settings.store)
        self._fleet = Fleet(settings.nodes, clock.now_ms())
        self._inbox = Inbox(
            urgent_limit=ALARM_RECEIVE_MAXIMUM + _URGENT_ROOM,
            data_limit=DATA_RECEIVE_MAXIMUM + _DATA_ROOM,
            monotonic_ms=clock.monotonic_ms,
            data_group=DATA_GROUP,
        )
        self._nodes = NodeLink(settings.id, settings.broker, clock=clock, inbox=self._inbox)
        self._serial = SerialLink(settings.serial, clock=clock, inbox=self._inbox)
        self._uplinks = Uplinks(
            settings,
            store=self._store,
            clock=clock,
            on_command=self._inbox.tell_durably,
        )
        self._control = Control(settings.data_dir, clock=clock, on_order=self._inbox.tell_durably)
        self._cameras = Cameras(
            _posts(settings),
            clock=clock,
            on_fact=self._inbox.tell,
            vision=settings.vision,
        )

        self._evidence = EvidenceCare(
            settings.data_dir / EVIDENCE, settings.evidence, self._store, clock
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Open the store, work until `stop`, close everything."""
        await self._store.open(self._clock.now_ms())
        try:
            await self._work(stop)
        finally:
            await self._store.close()
            _log.info("the gateway has stopped")

    async def _work(self, stop: asyncio.Event) -> None:
        await self._uplinks.adopt()
        orders = Orders(
            await self._store.commands(), gateway=self._settings.id, nodes=self._fleet.nodes
        )
        self._nodes.tell_missed(orders.missed)
        pipeline = self._pipeline(await self._intake(orders), orders)
        parts = {
            "pipeline": pipeline.run(),
            "numbering": self._uplinks.centre.number(),
            "nodes": self._nodes.run(),
            "serial": self._serial.run(orders.unsent),
            "uplinks": self._uplinks.run(lambda: self._status(orders)),
            "control": self._control.run(),
            "cameras": self._cameras.run(),
            "evidence": self._evidence.run(),
            "quarantine": QuarantineRetry(
                self._settings.data_dir, self._store, self._inbox.tell_durably
            ).run(),
            "care": Care(self._store, self._settings.store, self._clock, self._tell_store).run(),
            "figures": MetricsPage(
                self._settings.metrics_port, lambda: self._samples(pipeline, orders)
            ).run(),
            "clock": watch_clock(self._clock, self._store),
            "watchdog": self._watchdog.run(self._healthy(pipeline)),
        }
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part, name=name) for name, part in parts.items()]
            await stop.wait()
            self._watchdog.stopping()
            for task in tasks:
                task.cancel()

    async def _intake(self, orders: Orders) -> Intake:
        zone = zoneinfo.ZoneInfo(self._settings.timezone)

        @functools.lru_cache(maxsize=1440)
        def day_of_minute(minute: int) -> str:
            return datetime.datetime.fromtimestamp(minute * 60, zone).date().isoformat()

        def day_of(unix_ms: int) -> str:
            return day_of_minute(unix_ms // 60_000)

        self._fleet = Fleet(self._settings.nodes, self._clock.now_ms(), await self._store.nodes())
        step_ms = await self._store.read(
            functools.partial(clock_step.lately, now_ms=self._clock.now_ms())
        )
        boots = await self._store.boots()
        ledger = Ledger(boots, self._store.created_ms, day_of, step_ms)
        states = await self._store.rule_states()
        source = f"gateway:{self._settings.id}"
        official, problems = editions_by_source(self._settings)
        for problem in problems:
            _log.error("%s", problem)
        rules = Rules(self._settings.site(official), states, self._store.epoch)
        return Intake(
            self._settings.id,
            rules=rules,
            desk=Desk(rules, orders),
            fleet=self._fleet,
            watch=BrokerWatch(
                self._fleet,
                source=source,
                place=self._settings.place,
                told=rules.calls_silent(source),
                wired=self._serial.nodes,
            ),
            link_up=lambda: self._nodes.up,
            ledger=ledger,
            reader=PackReader(self._fleet.nodes, ledger, rules.is_idle),
            feeds=self._uplinks.feeds,
            refused_by=self._inbox.take_refused,
        )

    def _pipeline(self, intake: Intake, orders: Orders) -> Pipeline:
        return Pipeline(
            intake=intake,
            orders=orders,
            inbox=self._inbox,
            store=self._store,
            answers=Links(self._nodes, self._serial),
            clock=self._clock,
            telemetry_commit_ms=self._settings.store.telemetry_commit_ms,
            on_commit=self._on_commit,
            on_answer=self._control.answer,
            crash_points=CrashPoints.from_environment(),
        )

    def _on_commit(self, batch: Batch) -> None:
        if batch.for_destinations:
            self._uplinks.wake()
        if batch.packs:
            self._uplinks.committed(len(batch.packs))
        for revision in batch.revisions:
            _log.info("alarm %s, revision %s", revision.alarm_id, revision.rev)

    async def _status(self, orders: Orders) -> dict[str, Any]:
        cameras = self._cameras.counters().values()
        up = sum(counter.up for counter in cameras)
        counted = Counter(await self._store.counters())
        return gateway_status(
            version=importlib.metadata.version("haidang"),
            epoch=self._store.epoch,
            backlog=await self._store.backlog(CENTRE),
            destinations=await self._uplinks.states(counted),
            nodes=self._fleet.up_and_down(),
            cameras=(up, len(self._settings.cameras) - up),
            ledger=await self._store.ledger_sums(),
            sent=dataclasses.asdict(self._uplinks.centre.confirmed),
            overflow={
                "inbox": self._inbox.refused,
                "rows": self._store.room_made,
                "frames": sum(counter.dropped for counter in cameras),
                "quarantine": counted[QUARANTINE_FORGOTTEN],
                "replies": counted[REPLIES_DROPPED],
            },
            nodes_safe=self._fleet.safe_count(),
            acks={
                "late": self._nodes.late_acks,
                "foreign": self._uplinks.centre.foreign_acks,
                "unheard": self._uplinks.centre.unheard,
            },
            orders={
                "waiting": orders.waiting,
                "taken": counted["orders"],
                "refused": counted["orders_refused"],
                "expired": counted["orders_expired"],
            },
            audit=await self._store.read(queries.audit_head),
            storms={
                "floods": counted["alarm_floods"],
                "chattering": counted["alarms_chattering"],
            },
            now_ms=self._clock.now_ms(),
        )

    async def _samples(self, pipeline: Pipeline, orders: Orders) -> list[Sample]:
        return [
            *samples_of(await self._status(orders)),
            ("haidang_commit_retries_total", {}, pipeline.retries),
            *self._serial.figures(),
            *await self._store.samples(),
            *self._uplinks.samples(),
            *self._cameras.samples(),
            *self._evidence.samples(),
            *process_samples(),
        ]

    async def _tell_store(self, word: str) -> None:
        if (place := self._settings.place) is None:
            return
        now_ms = self._clock.now_ms()
        await self._inbox.tell(
            StoreTrouble(
                source=f"gateway:{self._settings.id}",
                place=place,
                word=word,
                at_ms=now_ms,
                received_ms=now_ms,
            )
        )

    def _healthy(self, pipeline: Pipeline) -> Callable[[], bool]:
        return lambda: self._clock.monotonic_ms() - pipeline.last_step_ms < _STUCK_MS


def _posts(settings: Settings) -> list[Post]:
    if not settings.cameras:
        return []
    # numpy, which a gateway without cameras does not need.
    from haidang_gateway.vision.posts import post_of  # noqa: PLC0415

    return [
        post_of(camera, settings.models_dir, settings.data_dir, settings.evidence)
        for camera in settings.cameras
    ]
