"""Makes the node's parts, owns every task, shuts all of them down together."""

import asyncio

from micropython import const

from haidang_node import loading, log
from haidang_node.clock import Clock
from haidang_node.hal import esp32
from haidang_node.health import Health
from haidang_node.identity import Identity
from haidang_node.lamp import Lamp
from haidang_node.ledger import Ledger
from haidang_node.orders import Orders
from haidang_node.outbox import Outbox
from haidang_node.reporter import Reporter
from haidang_node.status import Status
from haidang_node.supervisor import Supervisor

OUTBOX = "/outbox"
_LOOP_LIMIT_MS = const(6000)
_LOG = log.Log("node")


class Node:
    """All parts of one node, built from checked settings; run() starts them.

    `link` is the part that reaches the gateway: run(turned, connected), attach(outbox, status,
    orders, wake), online, reached, limit_ms, rssi_dbm().
    """

    def __init__(self, name: str, settings: dict, clock: Clock, link) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._link = link
        wake = asyncio.Event()
        self._identity = Identity(esp32.Storage(), esp32.random_32)
        self._ledger = Ledger(OUTBOX + "/ledger")
        self._outbox = Outbox(OUTBOX, settings["outbox"]["bytes"], self._ledger)
        self._sensors = loading.call("haidang_node.fitting", "sensors", settings["sensors"])
        self._reporter = Reporter(
            name, clock, self._identity, self._outbox, self._ledger, self._sensors, wake
        )
        supply = settings["supply_pin"]
        self._health = Health(
            esp32.free_bytes,
            link.rssi_dbm,
            esp32.millivolts(supply) if supply >= 0 else None,
        )
        self._orders = Orders(OUTBOX + "/orders", self._act, clock)
        link.attach(self._outbox, self._status(), self._orders, wake)
        self._supervisor = Supervisor(clock)
        led_pin = settings["led_pin"]
        led = esp32.output(led_pin) if led_pin >= 0 else None
        self.lamp = Lamp(led, self._sensors, link, self._supervisor.turned)

    async def run(self) -> None:
        """Opens what was kept, then runs every loop; returns when one has ended unbidden."""
        self._open()
        feed = esp32.watchdog(self._settings["watchdog_ms"])
        turned = self._supervisor.turned
        connecting = self._link.run(turned, self._reporter.snapshot)
        tasks = [
            self._start("report", self._report(), _LOOP_LIMIT_MS),
            self._start("lamp", self.lamp.run(), _LOOP_LIMIT_MS),
            self._start("uplink", connecting, self._link.limit_ms),
        ]
        for sensor in self._sensors:
            tasks.append(self._start(sensor.kind, self._sample(sensor), _LOOP_LIMIT_MS))
        try:
            await self._supervisor.run(tasks, feed)
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                _LOG.error("a loop ended: %s", repr(ended))
            self.stop()

    def stop(self) -> None:
        """Writes down what is in RAM; for an orderly end."""
        self._outbox.close()

    def restart(self) -> None:
        """The orderly end, then the reset."""
        self.stop()
        esp32.restart()

    def _open(self) -> None:
        ended = self._identity.ended()
        self._ledger.open()
        self._outbox.open(ended)
        self._identity.begin()
        self._orders.open()
        _LOG.info(
            "%s, epoch %s, boot %d, %s, %d packs held",
            self._name,
            self._identity.epoch,
            self._identity.boot,
            esp32.reset_reason(),
            self._outbox.count(),
        )

    def _status(self) -> Status:
        settings = self._settings
        return Status(
            self._identity,
            self._outbox,
            self._ledger,
            settings["heartbeat_s"],
            sorted(settings["sensors"]),
            esp32.reset_reason(),
        )

    def _start(self, name: str, loop, limit_ms: int):
        self._supervisor.expect(name, limit_ms)
        return asyncio.create_task(loop)

    async def _sample(self, sensor) -> None:
        while True:
            self._supervisor.turned(sensor.kind)
            self._reporter.sample(sensor)
            await asyncio.sleep_ms(sensor.period_ms)

    async def _report(self) -> None:
        report_ms = self._settings["report_s"] * 1000
        heartbeat_ms = self._settings["heartbeat_s"] * 1000
        due_ms = report_ms
        figures_ms = due_ms
        while True:
            self._supervisor.turned("report")
            self._health.watch()
            now_ms = self._clock.uptime_ms()
            if now_ms >= due_ms:
                due_ms = now_ms + report_ms
                self._reporter.telemetry()
            if now_ms >= figures_ms:
                figures_ms = now_ms + heartbeat_ms
                self._reporter.figures(self._figures(now_ms))
            self._reporter.turn(now_ms)
            if self._link.online:
                self._reporter.repeat()
            await asyncio.sleep_ms(min(1000, max(1, due_ms - now_ms)))

    def _figures(self, now_ms: int) -> list:
        return self._health.records(now_ms, self._outbox.count(), self._ledger.dropped)

    def _act(self, do: str, args: dict, order_id: str) -> tuple:
        # Loaded for each command: they come seldom.
        return loading.call("haidang_node.actions", "perform", self, do, args, order_id)
