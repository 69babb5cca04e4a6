"""Makes the node's parts, owns every task, shuts all of them down together."""

import asyncio
import gc

from micropython import const

from haidang_node import broker, loading, log
from haidang_node.clock import Clock, system_clock
from haidang_node.connector import Connector
from haidang_node.errors import ConfigError, LinkError
from haidang_node.hal import esp32
from haidang_node.hal.radio import Radio
from haidang_node.health import Health
from haidang_node.identity import Identity
from haidang_node.lamp import Lamp
from haidang_node.ledger import Ledger
from haidang_node.link import Link
from haidang_node.outbox import Outbox
from haidang_node.reporter import Reporter
from haidang_node.status import Status
from haidang_node.supervisor import Supervisor
from haidang_node.uplink import WINDOW, Uplink
from haidang_node.window import Window
from haidang_wire.naming import node_id

_OUTBOX = "/outbox"
# The technician's Ctrl-C: the watchdog cannot be stopped, but it can be given ten minutes.
_SERVICE_MS = const(600000)
_LOOP_LIMIT_MS = const(6000)
# Connecting may take this long by its own deadlines, flash housekeeping included.
_UPLINK_LIMIT_MS = const(60000)
# Collect before the heap has grown by this much: TLS needs whole pieces.
_GC_THRESHOLD_BYTES = const(8192)
_LOG = log.Log("app")


def run() -> bool:
    """The node's life; True where the chip must be reset, False where a technician is at work.

    Returns when node.json cannot be used, on Ctrl-C, or when a loop ended in spite of all.
    """
    clock = system_clock()
    log.start(log.INFO, clock.uptime_ms)
    settings = _settings()
    if settings is None:
        return False
    try:
        # The largest piece of memory that lives on: taken while the heap has whole pieces.
        context = broker.tls(broker.CERTIFICATES)
    except LinkError as error:
        # Nobody will hear this node, but it still watches and sounds; the connector tries again.
        _LOG.error("%s", error)
        context = None
    node = Node(settings, clock, context)
    gc.threshold(_GC_THRESHOLD_BYTES)
    try:
        asyncio.run(node.run())
    except KeyboardInterrupt:
        node.stop()
        esp32.watchdog(_SERVICE_MS)
        _LOG.warning("stopped by hand; starts again by itself in %d s", _SERVICE_MS // 1000)
        return False
    return True


def _settings() -> dict | None:
    try:
        return loading.call("haidang_node.config", "load", "/node.json")
    except ConfigError as error:
        for problem in error.problems:
            _LOG.error("%s", problem)
        return None


class Node:
    """All parts of one node, built from checked settings; run() starts them."""

    def __init__(self, settings: dict, clock: Clock, context) -> None:
        self._settings = settings
        self._clock = clock
        self._context = context
        self._node = node_id(esp32.mac())
        self._wake = asyncio.Event()
        self._identity = Identity(esp32.Storage(), esp32.random_32)
        self._ledger = Ledger(_OUTBOX + "/ledger")
        self._outbox = Outbox(_OUTBOX, settings["outbox"]["bytes"], self._ledger)
        self._radio = Radio()
        self._link = Link(self._radio, settings["wifi"], esp32.random_32)
        self._sensors = loading.call("haidang_node.fitting", "sensors", settings["sensors"])
        self._reporter = Reporter(
            self._node,
            clock,
            self._identity,
            self._outbox,
            self._ledger,
            self._sensors,
            self._wake,
        )
        supply = settings["supply_pin"]
        self._health = Health(
            esp32.free_bytes,
            self._radio.rssi_dbm,
            esp32.millivolts(supply) if supply >= 0 else None,
        )
        self._uplink = self._make_uplink()
        self._supervisor = Supervisor(clock)
        led_pin = settings["led_pin"]
        led = esp32.output(led_pin) if led_pin >= 0 else None
        self._lamp = Lamp(led, self._sensors, self._uplink, self._supervisor.turned)

    async def run(self) -> None:
        """Opens what was kept, then runs every loop; returns when one has ended unbidden."""
        self._open()
        feed = esp32.watchdog(self._settings["watchdog_ms"])
        tasks = [
            self._start("link", self._keep_link(), _LOOP_LIMIT_MS),
            self._start("report", self._report(), _LOOP_LIMIT_MS),
            self._start("lamp", self._lamp.run(), _LOOP_LIMIT_MS),
            self._start("uplink", self._keep_uplink(), _UPLINK_LIMIT_MS),
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

    def _open(self) -> None:
        ended = self._identity.ended()
        self._outbox.open(ended.epoch if ended else "")
        self._ledger.open()
        if ended:
            self._ledger.end(ended, self._outbox.held(ended.epoch).get(ended.boot, []))
        self._identity.begin()
        _LOG.info(
            "%s, epoch %s, boot %d, %s, %d packs held",
            self._node,
            self._identity.epoch,
            self._identity.boot,
            esp32.reset_reason(),
            self._outbox.count(),
        )

    def _make_uplink(self) -> Uplink:
        settings = self._settings
        kinds = sorted(settings["sensors"])
        status = Status(
            self._identity,
            self._outbox,
            self._ledger,
            settings["heartbeat_s"],
            kinds,
            esp32.reset_reason(),
        )
        window = Window(self._outbox, *WINDOW)
        return Uplink(
            self._node, self._clock, self._outbox, window, status, self._commands, self._wake
        )

    def _start(self, name: str, loop, limit_ms: int):
        self._supervisor.expect(name, limit_ms)
        return asyncio.create_task(loop)

    def _keep_uplink(self):
        connector = Connector(
            self._node, self._settings, self._context, self._link, self._clock, esp32.random_32
        )
        return connector.run(self._uplink, self._supervisor.turned, self._reporter.snapshot)

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
            self._outbox.flush_due(now_ms)
            if now_ms >= due_ms:
                due_ms = now_ms + report_ms
                self._reporter.telemetry()
            if now_ms >= figures_ms:
                figures_ms = now_ms + heartbeat_ms
                self._reporter.figures(self._figures(now_ms))
            if self._uplink.online:
                self._reporter.repeat()
            await asyncio.sleep_ms(min(1000, max(1, due_ms - now_ms)))

    def _figures(self, now_ms: int) -> list:
        return self._health.records(
            now_ms, self._outbox.count(), self._ledger.dropped, self._link.up
        )

    async def _keep_link(self) -> None:
        while True:
            self._supervisor.turned("link")
            self._link.step(self._clock.uptime_ms())
            await asyncio.sleep_ms(500)

    def _commands(self):
        # Loaded when the first command comes.
        from haidang_node.commands import Commands

        commands = Commands(
            _OUTBOX + "/commands", {"identify": self._identify, "reboot": self._reboot}
        )
        commands.open()
        return commands

    def _identify(self, _: dict) -> tuple:
        self._lamp.identify()
        return {}, None

    def _reboot(self, _: dict) -> tuple:
        return {}, self._restart

    def _restart(self) -> None:
        self.stop()
        esp32.restart()
