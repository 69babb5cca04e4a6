"""Knows all parts of the gateway: makes them, runs them together, ends them in order."""

import asyncio
import datetime
import logging
import zoneinfo
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from haidang_gateway.alarms.engine import Rules
from haidang_gateway.clock import Clock
from haidang_gateway.crash_points import CrashPoints
from haidang_gateway.fleet.nodes import Fleet
from haidang_gateway.inbox import Inbox
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.node_link import (
    ALARM_RECEIVE_MAXIMUM,
    DATA_RECEIVE_MAXIMUM,
    NodeLink,
)
from haidang_gateway.ingest.packs import PackReader
from haidang_gateway.intake import Intake
from haidang_gateway.model import Fact, Revision
from haidang_gateway.pipeline import Pipeline
from haidang_gateway.settings import Settings
from haidang_gateway.store import Store
from haidang_gateway.vision.cameras import Cameras
from haidang_gateway.vision.posts import post_of
from haidang_gateway.watchdog import Watchdog

_log = logging.getLogger(__name__)

# Facts of cameras, timers and the centre share the urgent queue with the alarm session.
_FACT_ROOM = 1000
_STUCK_MS = 20_000


class App:
    """One gateway; `run` returns after `stop` is set and everything has ended."""

    def __init__(self, settings: Settings, clock: Clock, watchdog: Watchdog) -> None:
        """Store the arguments; `run` makes the parts."""
        self._settings = settings
        self._clock = clock
        self._watchdog = watchdog
        self._store = Store(settings.data_dir, settings.id, settings.store)
        self._inbox = Inbox(
            urgent_limit=ALARM_RECEIVE_MAXIMUM + _FACT_ROOM,
            data_limit=DATA_RECEIVE_MAXIMUM + ALARM_RECEIVE_MAXIMUM,
            monotonic_ms=clock.monotonic_ms,
        )
        self._cameras = Cameras(
            [post_of(camera, settings.models_dir) for camera in settings.cameras],
            clock=clock,
            on_fact=self._on_fact,
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
        link = NodeLink(
            self._settings.id, self._settings.broker, clock=self._clock, inbox=self._inbox
        )
        pipeline = self._pipeline(await self._intake(), link)
        parts: dict[str, Coroutine[Any, Any, None]] = {
            "pipeline": pipeline.run(),
            "node link": link.run(),
            "cameras": self._cameras.run(),
            "watchdog": self._watchdog.run(self._healthy(pipeline)),
        }
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part, name=name) for name, part in parts.items()]
            await stop.wait()
            self._watchdog.stopping()
            for task in tasks:
                task.cancel()

    async def _intake(self) -> Intake:
        zone = zoneinfo.ZoneInfo(self._settings.timezone)

        def day_of(unix_ms: int) -> str:
            return datetime.datetime.fromtimestamp(unix_ms / 1000, zone).date().isoformat()

        ledger = Ledger(await self._store.boots(), self._store.created_ms, day_of)
        fleet = Fleet(self._settings.nodes, self._clock.now_ms())
        rules = Rules(self._settings.site(), await self._store.rule_states(), self._store.epoch)
        return Intake(
            self._settings.id,
            rules=rules,
            fleet=fleet,
            ledger=ledger,
            reader=PackReader(fleet.nodes, ledger),
        )

    def _pipeline(self, intake: Intake, link: NodeLink) -> Pipeline:
        return Pipeline(
            self._settings.id,
            intake=intake,
            inbox=self._inbox,
            store=self._store,
            answers=link,
            clock=self._clock,
            telemetry_commit_ms=self._settings.store.telemetry_commit_ms,
            batch_s=self._settings.centre.batch_s,
            on_commit=self._on_commit,
            crash_points=CrashPoints.from_environment(),
        )

    def _on_commit(self, revisions: Sequence[Revision]) -> None:
        for revision in revisions:
            _log.info("alarm %s, revision %s", revision.alarm_id, revision.rev)

    async def _on_fact(self, fact: Fact) -> None:
        if not self._inbox.put_urgent(fact):
            _log.warning("a fact of %s was refused: the pipeline does not keep up", fact)

    def _healthy(self, pipeline: Pipeline) -> Callable[[], bool]:
        return lambda: self._clock.monotonic_ms() - pipeline.last_step_ms < _STUCK_MS
