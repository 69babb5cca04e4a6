"""Safe mode: nothing is watched; link, status and the commands that mend a node are what is left.

After three failed starts in a row, or with a node.json that only its link can be read from. The
console stays free for Ctrl-C. After an hour the application is tried once more.
"""

import asyncio
import gc

from micropython import const

from haidang_node import loading, log
from haidang_node.clock import system_clock
from haidang_node.hal import esp32
from haidang_wire.node_names import id_of

_TRY_AGAIN_MS = const(3600000)
_WATCHDOG_MS = const(30000)
_STEP_MS = const(250)
# Three short flashes, a pause.
_FLASHES = (1, 0, 1, 0, 1, 0, 0, 0, 0, 0)
_IDENTIFY_STEPS = const(40)
_LOG = log.Log("safe")


def run(fails: int) -> bool:
    """Safe mode, from main.py; True where the chip must be reset, False on Ctrl-C."""
    clock = system_clock()
    settings, told = loading.call("haidang_node.startup", "begin", clock, fails, False)
    loading.forget(*loading.STARTUP)
    return live(clock, settings, told)


def live(clock, settings: dict | None, told: dict) -> bool:
    """The same where clock and log have been started; without settings there is no link."""
    told["mode"] = "safe"
    _LOG.error("safe mode: nothing is watched; see the lines above or send the command log")
    node = Safe(id_of(esp32.mac()), clock, settings, told)
    gc.threshold(8192)
    try:
        asyncio.run(node.run())
    except KeyboardInterrupt:
        _LOG.warning("stopped by hand; starts again by itself in ten minutes")
        return False
    loading.call("haidang_node.boots", "one_more_try", esp32.Storage())
    return True


class Safe:
    """What is left of a node; without settings it only waits for a technician."""

    sensors = ()

    def __init__(self, name: str, clock, settings: dict | None, told: dict) -> None:
        self.name = name
        # What the command identify asks for.
        self.lamp = self
        self._clock = clock
        self._told = told
        self._flashes = 0
        self._led = None
        self._turned_ms = 0
        # The names of the last boot: what is in the outbox stays as it is.
        storage = esp32.Storage()
        self.identity = self
        try:
            epoch, self.boot = storage.get("epoch") or 0, storage.get("boot") or 0
        except OSError as error:
            _LOG.error("NVS cannot be read: %s", error)
            epoch = self.boot = 0
        self.epoch = "%08x" % (epoch & 0xFFFFFFFF)
        self._link = self._make_link(settings) if settings else None

    def identify(self) -> None:
        """Flashes for 10 s, so that a technician finds this node."""
        self._flashes = _IDENTIFY_STEPS

    def restart(self, why: str) -> None:
        """One more try of the application."""
        log.ring("note", why)
        log.ring("save")
        # A new configuration gets its own tries; otherwise one more failure comes back here.
        on_trial = loading.call("haidang_node.trial_files", "is_on", "")
        tries = "settled" if on_trial else "one_more_try"
        loading.call("haidang_node.boots", tries, esp32.Storage())
        esp32.restart()

    async def run(self) -> None:
        """Until it is time to try the application again."""
        feed = esp32.watchdog(_WATCHDOG_MS)
        task = None
        step = 0
        while self._clock.uptime_ms() < _TRY_AGAIN_MS:
            if self._link and (task is None or task.done()):
                if task:
                    _LOG.error("the link ended; it is started again")
                task = asyncio.create_task(self._link.run(self._turned, self._connected))
            step += 1
            self._blink(step)
            if not self._link or self._clock.uptime_ms() - self._turned_ms < self._link.limit_ms:
                feed()
            await asyncio.sleep_ms(_STEP_MS)
        if task:
            task.cancel()
        _LOG.warning("the application is tried once more")

    def _blink(self, step: int) -> None:
        if self._flashes:
            self._flashes -= 1
        if self._led:
            self._led(step & 1 if self._flashes else _FLASHES[step % len(_FLASHES)])

    def _make_link(self, settings: dict):
        if "serial" in settings:
            from haidang_node import serial_uplink as uplink
        else:
            from haidang_node import connector as uplink
        from haidang_node.ledger import Ledger
        from haidang_node.orders import PATH, Orders
        from haidang_node.outbox import Outbox

        if settings["led_pin"] >= 0:
            self._led = esp32.output(settings["led_pin"])
        self._heartbeat_s = settings["heartbeat_s"]
        orders = Orders(PATH, self._act, self._clock)
        orders.open()
        link = uplink.make(self.name, settings, self._clock)
        # Never opened: it holds nothing and writes nothing; what was kept stays for later.
        outbox = Outbox("/outbox", settings["outbox"]["bytes"], Ledger("/outbox/ledger"))
        link.attach(outbox, self, orders, asyncio.Event())
        return link

    def message(self, up_ms: int) -> bytes:
        """The status message: no sensors."""
        from haidang_node.status import FIRMWARE, encode

        document = {
            "v": 1,
            "state": "online",
            "fw": FIRMWARE,
            "slot": "a",
            "he": self.epoch,
            "hb": self.boot,
            "reset": esp32.reset_reason(),
            "up_ms": up_ms,
            "heartbeat_s": self._heartbeat_s,
            "sensors": [],
            "boots": [],
        }
        document.update(self._told)
        return encode(document)

    def _act(self, do: str, args: dict, order_id: str) -> tuple:
        from haidang_node.orders import module_of

        return loading.call(module_of(do), "perform", self, do, args, order_id)

    def _turned(self, _: str) -> None:
        self._turned_ms = self._clock.uptime_ms()

    def _connected(self) -> None:
        _LOG.info("waiting for commands: config, log, reboot, identify")
