"""A battery node: wakes, measures, connects where there is reason to, sleeps again."""

import asyncio

from micropython import const

from haidang_node import loading, log, naps
from haidang_node.errors import LinkError
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
# What the broker kept for this node comes within a moment of the connection.
_LINGER_MS = const(1500)
# Nobody reached, or not everything acknowledged: what is left waits for the next time.
_AWAKE_MS = const(45000)
_TRIAL_MS = const(320000)
# Saying goodbye waits for the network by its own deadline.
_CLOSE_MS = const(12000)
_CANCEL_STEPS = const(8)
_TRIAL_STEP_MS = const(15000)
_IDENTIFY_MS = const(10000)
_LEAST_SLEEP_MS = const(1000)
_LOG = log.Log("sleeper")


class Sleeper:
    """One wake, from the reset to the next deep sleep; run() ends in it."""

    def __init__(self, name: str, settings: dict, clock, told: dict) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._power = settings["power"]
        # A sleeping node's heartbeat is its connection.
        settings["heartbeat_s"] = self._power["connect_s"]
        self._connect_ms = self._power["connect_s"] * 1000
        self._wake = asyncio.Event()
        self._identity = Identity(esp32.Storage(), esp32.random_32)
        self._ledger = Ledger(OUTBOX + "/ledger")
        self._outbox = Outbox(OUTBOX, settings["outbox"]["bytes"], self._ledger)
        self.sensors = self._fit()
        self._reporter = Reporter(
            name,
            clock,
            self._identity,
            self._outbox,
            self._ledger,
            self.sensors,
            self._wake,
            written,
        )
        self._orders = Orders(OUTBOX + "/orders", self._act, clock)
        self._told = told
        self._told.setdefault("mode", "sleep")
        self._nap = naps.Nap()
        self._led = None
        self._slept_ms = 0
        self._since_ms = -1
        self._stay_ms = 0
        self._trial_ms = 0
        self.lamp = self

    async def run(self) -> None:
        """Measures, delivers, sleeps; does not return."""
        began_ms = self._clock.uptime_ms()
        new = self._open()
        # Looking through a full outbox takes longer; main.py's watchdog stands until here.
        self._feed = esp32.watchdog(self._settings["watchdog_ms"])
        began_ms += self._slept_ms
        news = await self._measure() or new
        self._reporter.telemetry()
        rows = self._outbox.loose()
        alarms = self._outbox.count() > len(rows)
        now_ms = self._clock.uptime_ms()
        if self._nap.must_connect(now_ms, self._connect_ms, news, alarms, len(rows)):
            await self._deliver()
        self._sleep(began_ms)

    def stop(self, why: str) -> None:
        """Writes down what is in RAM; for a restart or a technician."""
        _LOG.warning("restart: %s", why)
        log.ring("note", why)
        log.ring("save")
        self._outbox.close()

    def restart(self, why: str) -> None:
        """The orderly end, then the reset."""
        self.stop(why)
        esp32.restart()

    def free(self) -> None:
        """Room for what a command loads: nothing is kept here that could go."""

    def identify(self) -> None:
        """The lamp flashes, and the node stays awake for it."""
        self._stay_ms = self._clock.uptime_ms() + _IDENTIFY_MS

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
        self._ledger.open()
        self._orders.open()
        if recalled and self._resume(*recalled):
            return False
        self._outbox.open(self._identity.ended())
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
        if not self._identity.resume(nap.epoch, nap.boot, nap.following):
            return False
        self._nap = nap
        # The board's clock ran through the start too.
        self._slept_ms = nap.up_ms + nap.slept_ms(sleep.rtc_ms()) - self._clock.uptime_ms()
        self._clock.go_on(self._slept_ms)
        self._outbox.open()
        now_ms = self._clock.uptime_ms()
        for epoch, boot, seq, payload in packs:
            self._outbox.put(DATA, epoch, boot, seq, payload, now_ms)
        told = nap.told.split(";")
        for sensor, words in zip(self.sensors, told):  # noqa: B905 - no strict= on the node
            words = words.split("/")
            if hasattr(sensor, "gauge"):
                flood_nap.resume(sensor, *words, self._clock.ticks_ms())
            else:
                sensor.resume(*words, self._clock.ticks_ms())
        nap.input_wakes = nap.input_wakes + 1 if sleep.woken_by_input() else 0
        return True

    async def _measure(self) -> bool:
        # Whether there is news: an alarm pack that was not there before.
        before = self._outbox.count()
        began_ms = self._clock.uptime_ms()
        busy = True
        while busy:
            self._sample()
            await asyncio.sleep_ms(_STEP_MS)
            awake_ms = self._clock.uptime_ms() - began_ms
            busy = awake_ms < _CONTACT_MS or (
                awake_ms < _MEASURE_MS and any([self._busy(sensor) for sensor in self.sensors])
            )
        return self._outbox.count() > before

    def _busy(self, sensor) -> bool:
        if hasattr(sensor, "gauge"):
            return flood_nap.busy(sensor)
        return sensor.health == "warming"

    def _sample(self) -> None:
        self._feed()
        for sensor in self.sensors:
            if sensor.health == "warming":
                # No news: this is how every wake begins.
                sensor.sample(self._clock.ticks_ms())
            else:
                self._reporter.sample(sensor)

    async def _deliver(self) -> None:
        from haidang_node import connector
        from haidang_node.health import Health

        link = self._link = connector.make(self.name, self._settings, self._clock)
        supply = self._settings["supply_pin"]
        self._health = Health(
            esp32.free_bytes, link.rssi_dbm, esp32.millivolts(supply) if supply >= 0 else None
        )
        link.attach(self._outbox, self._status(), self._orders, self._wake)
        led_pin = self._settings["led_pin"]
        self._led = esp32.output(led_pin) if led_pin >= 0 else None
        task = asyncio.create_task(link.run(self._turned, self._connected))
        delivered = await self._until_delivered(task)
        await self._hang_up(task)
        link.off()
        now_ms = self._clock.uptime_ms()
        if delivered:
            self._nap.connected(now_ms)
        else:
            _LOG.warning("not everything was delivered: it is kept")
            self._nap.failed(now_ms, self._connect_ms)

    async def _hang_up(self, task) -> None:
        # The link's loop ends by itself; a cancel alone gets lost where a wait ends with it.
        self._link.sleeping = True
        self._wake.set()
        began_ms = self._clock.uptime_ms()
        steps = 0
        while not task.done() and self._clock.uptime_ms() - began_ms < _CLOSE_MS:
            steps += 1
            if steps % _CANCEL_STEPS == 0:
                task.cancel()
            self._feed()
            await asyncio.sleep_ms(_STEP_MS)
        if task.done():
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(ended, LinkError):
                _LOG.warning("%s", ended)

    async def _until_delivered(self, task) -> bool:
        began_ms = self._clock.uptime_ms()
        while not task.done():
            now_ms = self._clock.uptime_ms()
            if self._done(now_ms):
                return True
            trial = self._told["mode"] == "trial"
            if trial and (self._link.reached or now_ms - self._trial_ms >= _TRIAL_STEP_MS):
                self._try_out(now_ms)
            if now_ms - began_ms > (_TRIAL_MS if trial else _AWAKE_MS):
                return False
            self._sample()
            if self._led and now_ms < self._stay_ms:
                self._led(1 - self._led())
            await asyncio.sleep_ms(_STEP_MS)
        return False

    def _done(self, now_ms: int) -> bool:
        return (
            0 <= self._since_ms <= now_ms - _LINGER_MS
            and self._link.online
            and now_ms >= self._stay_ms
            and not self._outbox.count()
            and not self._orders.waiting
            and self._orders.reply() is None
            and self._told["mode"] != "trial"
        )

    def _try_out(self, now_ms: int) -> None:
        self._trial_ms = now_ms
        try:
            became = loading.call(
                "haidang_node.trial",
                "step",
                "",
                esp32.Storage(),
                self._orders,
                self._link.reached,
                self._told["cfg"],
            )
        finally:
            loading.forget("haidang_node.refusals", "haidang_node.trial_files")
        if became == "kept":
            self._told["mode"] = "sleep"
        elif became:
            self.restart("configuration rolled back")

    def _connected(self) -> None:
        self._since_ms = self._clock.uptime_ms()
        self._reporter.snapshot()
        self._reporter.figures(
            self._health.records(self._since_ms, self._outbox.count(), self._ledger.dropped)
        )

    def _turned(self, name: str) -> None:
        del name

    def _status(self) -> Status:
        return Status(
            self._identity,
            self._outbox,
            self._ledger,
            self._settings["heartbeat_s"],
            sorted({sensor.kind for sensor in self.sensors}),
            esp32.reset_reason(),
            self._told,
        )

    def _act(self, do: str, args: dict, order_id: str) -> tuple:
        out, after = loading.call(module_of(do), "perform", self, do, args, order_id)
        if after:
            # A restart comes two seconds behind its reply: not asleep before.
            self._stay_ms = self._clock.uptime_ms() + _AWAKE_MS
        return out, after

    def _words(self, sensor) -> str:
        words = "%s/%s" % (sensor.state, sensor.health)
        if hasattr(sensor, "gauge"):
            words += "/" + flood_nap.kept(sensor, self._clock.ticks_ms())
        return words

    def _sleep(self, began_ms: int) -> None:
        nap, identity = self._nap, self._identity
        nap.told = ";".join([self._words(sensor) for sensor in self.sensors])
        rows = self._outbox.loose()
        if any([row[0] == ALARM for row in rows]):
            self._outbox.close()
            rows = self._outbox.loose()
        identity.save(self._outbox.lowest_loose())
        loading.call("haidang_node.boots", "settled", esp32.Storage())
        log.ring("save")
        nap.epoch, nap.boot, nap.following = identity.epoch, identity.boot, identity.following
        nap.up_ms = self._clock.uptime_ms()
        awake_ms = nap.up_ms - began_ms
        nap.sleep_ms = max(_LEAST_SLEEP_MS, self._power["sleep_s"] * 1000 - awake_ms)
        nap.clock_ms = sleep.rtc_ms()
        data = naps.pack(nap, rows, sleep.KEPT_BYTES)
        if data is None:
            self._outbox.close()
            data = naps.pack(nap, [], sleep.KEPT_BYTES) or b""
        sleep.keep(data)
        _LOG.info("awake for %d ms, sleeps for %d ms", awake_ms, nap.sleep_ms)
        pin = self._power["wake_pin"] if nap.input_may_wake() else -1
        level = self._power["wake_level"]
        # Armed for a change of what was told: an input that stays active must not wake for ever.
        closed = pin >= 0 and self.sensors[-1].closed
        sleep.deep_sleep(nap.sleep_ms, pin, 1 - level if closed else level)
