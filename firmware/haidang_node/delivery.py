"""A battery node's connection: what it holds is delivered, or kept for the next one."""

import asyncio

from micropython import const

from haidang_node import connector, loading, log
from haidang_node.errors import LinkError
from haidang_node.hal import esp32
from haidang_node.health import Health

_STEP_MS = const(250)
# What the broker kept for this node comes within a moment of the connection.
_LINGER_MS = const(1500)
# Nobody reached, or not everything acknowledged: what is left waits for the next time.
_AWAKE_MS = const(45000)
_TRIAL_MS = const(320000)
# Saying goodbye waits for the network by its own deadline.
_CLOSE_MS = const(12000)
_CANCEL_STEPS = const(8)
_TRIAL_STEP_MS = const(15000)
_LOG = log.Log("delivery")


class Delivery:
    """One connection of a wake; `node` is the Sleeper, which goes on measuring meanwhile."""

    def __init__(self, node, settings: dict) -> None:
        self._node = node
        self._link = connector.make(node.name, settings, node.clock)
        supply = settings["supply_pin"]
        self._health = Health(
            esp32.free_bytes,
            self._link.rssi_dbm,
            esp32.millivolts(supply) if supply >= 0 else None,
            (settings["supply_low_mv"], settings["supply_high_mv"]),
        )
        led_pin = settings["led_pin"]
        self._led = esp32.output(led_pin) if led_pin >= 0 else None
        self._since_ms = -1
        self._trial_ms = 0

    async def run(self) -> bool:
        """Connects, delivers, hangs up; whether everything was delivered."""
        node, link = self._node, self._link
        link.attach(node.outbox, node.status(), node.orders, node.wake)
        task = asyncio.create_task(link.run(self._turned, self._connected))
        delivered = await self._until_delivered(task)
        await self._hang_up(task)
        link.off()
        return delivered

    async def _until_delivered(self, task) -> bool:
        node = self._node
        began_ms = node.clock.uptime_ms()
        while not task.done():
            now_ms = node.clock.uptime_ms()
            if self._done(now_ms):
                return True
            trial = node.told["mode"] == "trial"
            if trial and (self._link.reached or now_ms - self._trial_ms >= _TRIAL_STEP_MS):
                self._try_out(now_ms)
            if now_ms - began_ms > (_TRIAL_MS if trial else _AWAKE_MS):
                return False
            node.sample()
            if self._led and now_ms < node.stay_ms:
                self._led(1 - self._led())
            await asyncio.sleep_ms(_STEP_MS)
        return False

    def _done(self, now_ms: int) -> bool:
        node = self._node
        return (
            0 <= self._since_ms <= now_ms - _LINGER_MS
            and self._link.online
            and now_ms >= node.stay_ms
            and not node.outbox.count()
            and not node.orders.waiting
            and not node.orders.owing
            and node.told["mode"] != "trial"
        )

    async def _hang_up(self, task) -> None:
        # The link's loop ends by itself; a cancel alone gets lost where a wait ends with it.
        self._link.sleeping = True
        self._node.wake.set()
        began_ms = self._node.clock.uptime_ms()
        steps = 0
        while not task.done() and self._node.clock.uptime_ms() - began_ms < _CLOSE_MS:
            steps += 1
            if steps % _CANCEL_STEPS == 0:
                task.cancel()
            self._node.feed()
            await asyncio.sleep_ms(_STEP_MS)
        if task.done():
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(ended, LinkError):
                _LOG.warning("%s", ended)

    def _try_out(self, now_ms: int) -> None:
        node = self._node
        self._trial_ms = now_ms
        try:
            became = loading.call(
                "haidang_node.trial",
                "step",
                "",
                esp32.Storage(),
                node.orders,
                self._link.reached,
                node.told["cfg"],
            )
        finally:
            loading.forget("haidang_node.refusals", "haidang_node.trial_files")
        if became == "kept":
            node.told["mode"] = "sleep"
        elif became:
            node.restart("configuration rolled back")

    def _connected(self) -> None:
        node = self._node
        self._since_ms = node.clock.uptime_ms()
        node.reporter.snapshot()
        node.reporter.figures(
            self._health.records(self._since_ms, node.outbox.count(), node.ledger.dropped)
        )

    def _turned(self, name: str) -> None:
        del name
