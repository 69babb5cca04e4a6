"""A battery node: wakes, measures, connects where there is reason to, sleeps again."""

import asyncio

from micropython import const

from haidang_node import loading, log, naps
from haidang_node.hal import esp32, sleep
from haidang_node.identity import Identity
from haidang_node.ledger import Ledger
from haidang_node.orders import Orders, module_of
from haidang_node.outbox import ALARM, DATA, Outbox
from haidang_node.reporter import Reporter
from haidang_node.sensors import flood_nap
from haidang_node.sensors.contact import Contact
from haidang_node.status import Status
from haidang_wire.senml_text import written

OUTBOX = "/outbox"
_STEP_MS = const(250)
# A meter says when it has seen enough: 3 s for a level, 9 s more for a state that may change; a
# contact needs two looks.
_MEASURE_MS = const(15000)
_CONTACT_MS = const(750)
_IDENTIFY_MS = const(10000)
# As long as a delivery may take.
_AWAKE_MS = const(45000)
_LEAST_SLEEP_MS = const(1000)
_LOG = log.Log("sleeper")


class Sleeper:
    """One wake, from the reset to the next deep sleep; run() ends in it."""

    def __init__(self, name: str, settings: dict, clock, told: dict) -> None:
        self.name = name
        self._settings = settings
        self.clock = clock
        self._power = settings["power"]
        # A sleeping node's heartbeat is its connection.
        settings["heartbeat_s"] = self._power["connect_s"]
        self._connect_ms = self._power["connect_s"] * 1000
        self.wake = asyncio.Event()
        self._identity = Identity(esp32.Storage(), esp32.random_32)
        self.ledger = Ledger(OUTBOX + "/ledger")
        self.outbox = Outbox(OUTBOX, settings["outbox"]["bytes"], self.ledger)
        self.sensors = self._fit()
        self.reporter = Reporter(
            name,
            clock,
            self._identity,
            self.outbox,
            self.ledger,
            self.sensors,
            self.wake,
            written,
        )
        self.orders = Orders(OUTBOX + "/orders", self._act, clock)
        self.told = told
        self.told.setdefault("mode", "sleep")
        self._nap = naps.Nap()
        self._slept_ms = 0
        # Awake at least until then.
        self.stay_ms = 0
        self.lamp = self

    async def run(self) -> None:
        """Measures, delivers, sleeps; does not return."""
        began_ms = self.clock.uptime_ms()
        new = self._open()
        # Looking through a full outbox takes longer; main.py's watchdog stands until here.
        self.feed = esp32.watchdog(self._settings["watchdog_ms"])
        began_ms += self._slept_ms
        news = await self._measure() or new
        self.reporter.telemetry()
        rows = naps.loose(self.outbox)
        alarms = self.outbox.count() > len(rows)
        now_ms = self.clock.uptime_ms()
        if self._nap.must_connect(now_ms, self._connect_ms, news, alarms, len(rows)):
            await self._deliver()
        self._sleep(began_ms)

    def sample(self) -> None:
        """Every sensor's step; feeds the watchdog."""
        self.feed()
        for sensor in self.sensors:
            if sensor.health == "warming":
                # No news: this is how every wake begins.
                sensor.sample(self.clock.ticks_ms())
            else:
                self.reporter.sample(sensor)

    def status(self) -> Status:
        """A status message's maker."""
        return Status(
            self._identity,
            self.outbox,
            self.ledger,
            self._settings["heartbeat_s"],
            sorted({sensor.kind for sensor in self.sensors}),
            esp32.reset_reason(),
            self.told,
        )

    def stop(self, why: str) -> None:
        """Writes down what is in RAM; for a restart or a technician."""
        _LOG.warning("restart: %s", why)
        log.ring("note", why)
        log.ring("save")
        self.outbox.close()

    def restart(self, why: str) -> None:
        """The orderly end, then the reset."""
        self.stop(why)
        esp32.restart()

    def free(self) -> None:
        """Room for what a command loads: nothing is kept here that could go."""

    def identify(self) -> None:
        """The lamp flashes, and the node stays awake for it."""
        self.stay_ms = self.clock.uptime_ms() + _IDENTIFY_MS

    def _fit(self) -> list:
        settings = self._settings
        sensors = loading.call("haidang_node.fitting", "sensors", settings["sensors"])
        pin = self._power["wake_pin"]
        if pin >= 0:
            meaning = self._power["wake_as"]
            alone = ("flood" if meaning == "float" else "smoke") not in settings["sensors"]
            level = self._power["wake_level"]
            sensors.append(Contact(meaning, sleep.level(pin), level, alone))
        return sensors

    def _open(self) -> bool:
        # Whether a boot begins: power-on, reset, or RTC memory that cannot be trusted.
        recalled = naps.unpack(sleep.kept()) if sleep.woken() else None
        self.ledger.open()
        self.orders.open()
        if recalled and self._resume(*recalled):
            return False
        self.outbox.open(self._identity.ended())
        self._identity.begin()
        self._nap = naps.Nap()
        _LOG.info(
            "%s, epoch %s, boot %d begins: %s",
            self.name,
            self._identity.epoch,
            self._identity.boot,
            esp32.reset_reason(),
        )
        return True

    def _resume(self, nap, packs: list) -> bool:
        if not naps.resume(self._identity, nap.epoch, nap.boot, nap.following):
            return False
        self._nap = nap
        # The board's clock ran through the start too.
        self._slept_ms = nap.up_ms + nap.slept_ms(sleep.rtc_ms()) - self.clock.uptime_ms()
        self.clock.go_on(self._slept_ms)
        self.outbox.open()
        now_ms = self.clock.uptime_ms()
        for at, (epoch, boot, seq, payload) in enumerate(packs):
            lane = ALARM if at < nap.alarms else DATA
            self.outbox.put(lane, epoch, boot, seq, payload, now_ms)
        told = nap.told.split(";")
        now_ms = self.clock.ticks_ms()
        for sensor, words in zip(self.sensors, told):  # noqa: B905 - no strict= on the node
            if hasattr(sensor, "gauge"):
                state, health, text = words.split("/")
                flood_nap.resume(sensor, state, health, text, now_ms)
            else:
                state, health = words.split("/")
                sensor.resume(state, health, now_ms)
        nap.input_wakes = nap.input_wakes + 1 if sleep.woken_by_input() else 0
        return True

    async def _measure(self) -> bool:
        # Whether there is news: an alarm pack that was not there before.
        before = self.outbox.count()
        began_ms = self.clock.uptime_ms()
        busy = True
        while busy:
            self.sample()
            await asyncio.sleep_ms(_STEP_MS)
            awake_ms = self.clock.uptime_ms() - began_ms
            busy = awake_ms < _CONTACT_MS or (
                awake_ms < _MEASURE_MS and any([self._busy(sensor) for sensor in self.sensors])
            )
        return self.outbox.count() > before

    def _busy(self, sensor) -> bool:
        if hasattr(sensor, "gauge"):
            return flood_nap.busy(sensor)
        return sensor.health == "warming"

    async def _deliver(self) -> None:
        from haidang_node.delivery import Delivery

        delivered = await Delivery(self, self._settings).run()
        now_ms = self.clock.uptime_ms()
        if delivered:
            self._nap.connected(now_ms)
        else:
            _LOG.warning("not everything was delivered: it is kept")
            self._nap.failed(now_ms, self._connect_ms)

    def _act(self, do: str, args: dict, order_id: str) -> tuple:
        out, after = loading.call(module_of(do), "perform", self, do, args, order_id)
        if after:
            # A restart comes two seconds behind its reply: not asleep before.
            self.stay_ms = self.clock.uptime_ms() + _AWAKE_MS
        return out, after

    def _words(self, sensor) -> str:
        words = "%s/%s" % (sensor.state, sensor.health)
        if hasattr(sensor, "gauge"):
            words += "/" + flood_nap.kept(sensor, self.clock.ticks_ms())
        return words

    def _sleep(self, began_ms: int) -> None:
        nap, identity = self._nap, self._identity
        nap.told = ";".join([self._words(sensor) for sensor in self.sensors])
        rows = naps.loose(self.outbox)
        if any([row[0] == ALARM for row in rows]):
            self.outbox.close()
            rows = naps.loose(self.outbox)
        identity.save(self.outbox.lowest_loose())
        loading.call("haidang_node.boots", "settled", esp32.Storage())
        log.ring("save")
        nap.epoch, nap.boot, nap.following = identity.epoch, identity.boot, identity.following
        nap.up_ms = self.clock.uptime_ms()
        awake_ms = nap.up_ms - began_ms
        nap.sleep_ms = max(_LEAST_SLEEP_MS, self._power["sleep_s"] * 1000 - awake_ms)
        nap.clock_ms = sleep.rtc_ms()
        data = naps.pack(nap, rows, sleep.KEPT_BYTES)
        if data is None:
            self.outbox.close()
            # Where flash refuses: what fits, alarms first.
            data = naps.pack_most(nap, naps.loose(self.outbox), sleep.KEPT_BYTES)
        sleep.keep(data)
        _LOG.info("awake for %d ms, sleeps for %d ms", awake_ms, nap.sleep_ms)
        pin = self._power["wake_pin"] if nap.input_may_wake() else -1
        level = self._power["wake_level"]
        # Armed for a change of what was told: an input that stays active must not wake for ever.
        closed = pin >= 0 and self.sensors[-1].closed
        sleep.deep_sleep(nap.sleep_ms, pin, 1 - level if closed else level)
