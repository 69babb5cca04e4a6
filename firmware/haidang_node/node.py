"""Makes the node's parts, owns every task, shuts all of them down together."""

import asyncio

from micropython import const

from haidang_node import loading, log
from haidang_node.clock import Clock
from haidang_node.hal import esp32
from haidang_node.orders import module_of
from haidang_node.supervisor import Supervisor

_LOOP_LIMIT_MS = const(6000)
_FIRST_ROUND_MS = const(15000)
_ROUND_MS = const(60000)
# A backlog being sent or a connection being made is short of memory for a moment.
_SHORT_ROUNDS = const(3)
# Where the last restart for memory has not helped, another one is worth an hour's wait: a smoke
# sensor that starts every three minutes never gets warm.
_SHORT_AGAIN_ROUNDS = const(60)
# After so long it has helped.
_HELPED_MS = const(86400000)
_LOST_ROUND_MS = const(3600000)
_BUILDING = "haidang_node.building"
_LOG = log.Log("node")


class Node:
    """All parts of one node, built from checked settings; run() starts them.

    `link` is the part that reaches the gateway: run(turned, connected), attach(outbox, status,
    orders, wake), encode_pack(pack), online, reached, limit_ms, rssi_dbm().
    """

    def __init__(self, name: str, settings: dict, clock: Clock, link, told: dict) -> None:
        self.name = name
        # Not the whole: most of it is needed once.
        self._watchdog_ms = settings["watchdog_ms"]
        self._report_ms = settings["report_s"] * 1000
        self._heartbeat_ms = settings["heartbeat_s"] * 1000
        self.clock = clock
        self.link = link
        self.supervisor = Supervisor(clock)
        # What is made once is not kept in memory.
        (
            self._identity,
            self._ledger,
            self.outbox,
            self.sensors,
            self._reporter,
            self._health,
            self.orders,
            self.status,
            self.lamp,
        ) = loading.call(_BUILDING, "parts", self, settings, told, self._act)
        # What the rounds remember.
        self.settled = False
        self.short_rounds = 0
        self._round_ms = _FIRST_ROUND_MS

    @property
    def short_limit(self) -> int:
        """After how many rounds in a row that are short of memory the node restarts."""
        again = self.status.told.get("why", "").startswith("memory: ")
        fresh = self.clock.uptime_ms() < _HELPED_MS
        return _SHORT_AGAIN_ROUNDS if again and fresh else _SHORT_ROUNDS

    async def run(self) -> None:
        """Opens what was kept, then runs every loop; returns when the node must restart."""
        loading.call(
            _BUILDING, "begin", self.name, self._identity, self._ledger, self.outbox, self.orders
        )
        feed = esp32.watchdog(self._watchdog_ms)
        expect = self.supervisor.expect
        for sensor in self.sensors:
            expect(sensor.kind, _LOOP_LIMIT_MS, lambda sensor=sensor: self._sample(sensor))
        expect("report", _LOOP_LIMIT_MS, self._report)
        expect("lamp", _LOOP_LIMIT_MS, self.lamp.run)
        expect("uplink", self.link.limit_ms, self._connect)
        why = "the application crashed"
        try:
            why = await self.supervisor.run(feed, self._step)
        finally:
            self.stop(why)

    def stop(self, why: str) -> None:
        """Writes down what is in RAM, and why the node ends; for an orderly end."""
        _LOG.warning("restart: %s", why)
        log.ring("note", why)
        log.ring("save")
        self.outbox.close()
        if self.outbox.lowest_loose() is None:
            self._identity.close()

    def restart(self, why: str) -> None:
        """The end that somebody asked for, then the reset; this start did not fail."""
        self.stop(why)
        loading.call("haidang_node.boots", "settled", esp32.Storage())
        esp32.restart()

    def _step(self) -> str | None:
        # Called by the supervisor; gives a reason to restart.
        on_trial = self.link.reached and self.status.told.get("mode") == "trial"
        if self.clock.uptime_ms() < self._round_ms and not on_trial:
            return None
        try:
            short = loading.call(
                "haidang_node.shortage", "look", esp32.free_bytes, self.link.online
            )
            self._round_ms, why = loading.call(
                "haidang_node.rounds", "go", self, esp32.Storage(), short
            )
        except MemoryError:
            # Looked at again sooner than there, unless a restart has not helped.
            self.short_rounds += 1
            limit = self.short_limit
            wait_ms = _FIRST_ROUND_MS if limit == _SHORT_ROUNDS else _ROUND_MS
            self._round_ms = self.clock.uptime_ms() + wait_ms
            why = "memory: none for a round" if self.short_rounds >= limit else None
        except (ImportError, OSError, ValueError) as error:
            # Flash has lost its file, which others need not have: the node watches on.
            self._round_ms, why = self.clock.uptime_ms() + _LOST_ROUND_MS, None
            _LOG.error("no round: %s; flash the application again", error)
        return why

    def _connect(self):
        return self.link.run(self.supervisor.turned, self._reporter.snapshot)

    async def _sample(self, sensor) -> None:
        while True:
            self.supervisor.turned(sensor.kind)
            self._reporter.sample(sensor)
            await asyncio.sleep_ms(sensor.period_ms)

    async def _report(self) -> None:
        report_ms = due_ms = self._report_ms
        figures_ms = due_ms
        while True:
            self.supervisor.turned("report")
            self._health.watch()
            now_ms = self.clock.uptime_ms()
            if now_ms >= due_ms:
                due_ms = now_ms + report_ms
                self._reporter.telemetry()
            if now_ms >= figures_ms:
                figures_ms = now_ms + self._heartbeat_ms
                self._reporter.figures(self._figures(now_ms))
            self._reporter.turn(now_ms)
            if self.link.online:
                self._reporter.repeat()
            await asyncio.sleep_ms(min(1000, max(1, due_ms - now_ms)))

    def _figures(self, now_ms: int) -> list:
        return self._health.records(now_ms, self.outbox.count(), self._ledger.dropped)

    def _act(self, do: str, args: dict, order_id: str) -> tuple:
        # Loaded for each command: they come seldom.
        return loading.call(module_of(do), "perform", self, do, args, order_id)
