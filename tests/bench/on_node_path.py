"""The sampling-to-pack path, the same on 64 and on 32 bits; prints lines of JSON.

Imported by MicroPython on the PC (64-bit) and in WebAssembly (32-bit, small integers of 31 bits as
on the ESP32), which collects only between two calls from outside: see STEPS in wasm.py.
"""

import binascii
import gc
import hashlib
import json

import micropython
from haidang_node import log
from haidang_node.clock import Clock
from haidang_node.ledger import Ledger
from haidang_node.outbox import ALARM, DATA, Outbox
from haidang_node.sensors.drivers import a02yyuw
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.footfall import Footfall
from haidang_node.sensors.smoke import Smoke
from haidang_wire.senml import Pack, encode_pack

_SECONDS = 600
_REPORT_S = 10
_WINDOW_S = 60
_FOLDER = "/outbox"
_alive = []
_SMOKE = {
    "load_ohm": 5000,
    "r0_ohm": 9830,
    "warmup_s": 60,
    "pre_alarm_permille": 600,
    "alarm_permille": 300,
    "burn_in_h": 0,
    "latch_s": 600,
    "siren_steady": False,
}
_FLOOD = {
    "mount_mm": 3000,
    "watch_mm": 150,
    "warning_mm": 300,
    "danger_mm": 600,
    "hysteresis_mm": 50,
    "sound_cc": 0,
}


class _Street:
    """What the sensors' wires give, second by second."""

    def __init__(self):
        self.mv = 1100
        self.water = bytearray(4)
        self.probe = bytearray(17)
        self.due = [False, False]

    def turn(self, second):
        self.mv = 2800 if 200 <= second < 300 else 1100 + second % 7
        distance = 3000 - (400 if 300 <= second < 420 else 10)
        water = self.water
        water[0], water[1], water[2] = 0xFF, distance >> 8, distance & 0xFF
        water[3] = (0xFF + water[1] + water[2]) & 0xFF
        probe = self.probe
        # A heartbeat in every other second, in between phones that show and hide their address.
        probe[0], probe[1], probe[2], probe[3] = 0xA5, 0x5A, second & 0xFF, second >> 8
        probe[6] = 0x80 if second % 2 == 0 else second >> 1 & 1
        probe[7], probe[10] = second // _WINDOW_S & 0xFF, second & 7
        total = 0
        for i in range(2, 16):
            total += probe[i]
        probe[16] = total & 0xFF
        self.due[0] = self.due[1] = True

    def read_mv(self):
        return self.mv

    def water_into(self, buffer):
        return self._into(0, self.water, buffer)

    def probe_into(self, buffer):
        return self._into(1, self.probe, buffer)

    def _into(self, which, data, buffer):
        if not self.due[which]:
            return None
        self.due[which] = False
        for i in range(len(data)):
            buffer[i] = data[i]
        return len(data)


def _mix(number):
    return (number * 7 + 3) & 0xFFFFFFF


class _Path:
    """Sensors, clock and outbox of one node."""

    def __init__(self, start_ms):
        self.street = _Street()
        self.ticks = 0
        self.clock = Clock(lambda: self.ticks & 0x3FFFFFFF)
        self.clock.go_on(start_ms)
        ledger = Ledger(_FOLDER + "/ledger")
        self.outbox = Outbox(_FOLDER, 1 << 20, ledger)
        ledger.open()
        self.outbox.open(None)
        footfall = Footfall({"source": "sniffer"}, self.street.probe_into)
        self.sensors = (
            Smoke(_SMOKE, self.street.read_mv),
            Flood(_FLOOD, a02yyuw.make(_FLOOD, self.street.water_into, None)),
            footfall,
        )
        self.digest = hashlib.sha256()
        self.seq = 0
        self.allocated = 0

    def sample(self, second):
        for quarter in range(4):
            self.ticks += 250
            if quarter == 0:
                self.street.turn(second)
            for sensor in self.sensors:
                # A window's end may allocate, as the sensor says.
                ends = sensor.kind == "footfall" and second % _WINDOW_S == 0
                if ends:
                    sensor.sample(self.clock.ticks_ms())
                else:
                    self._sample_locked(sensor)

    def _sample_locked(self, sensor):
        micropython.heap_lock()
        try:
            sensor.sample(self.clock.ticks_ms())
        except MemoryError:
            self.allocated += 1
        finally:
            micropython.heap_unlock()

    def keep(self, lane, records):
        clock = self.clock
        up_ms = clock.uptime_of(records[0].up_ms)
        records = [type(r)(r.name, r.value, clock.uptime_of(r.up_ms)) for r in records]
        unix_ms = 1764000000000 + up_ms
        payload = encode_pack(
            Pack("n-240ac4000001", "9f3c01aa", 7, self.seq, up_ms, unix_ms, records)
        )
        self.digest.update(payload)
        self.outbox.put(lane, "9f3c01aa", 7, self.seq, payload, clock.uptime_ms())
        self.seq += 1


def story(start_ms):
    """Ten minutes from an uptime on: digest of its packs, sampling steps that allocated."""
    log.start(log.ERROR + 1, lambda: 0)
    path = _Path(start_ms)
    _alive[:] = [path]
    most = {"path_bytes": 0, "flush_bytes": 0}
    for second in range(_SECONDS):
        path.sample(second)
        for sensor in path.sensors:
            if sensor.changed():
                path.keep(ALARM, sensor.state_records())
        if second % _REPORT_S == 0:
            took = _reported_bytes(path)
            name = "flush_bytes" if path.outbox.lowest_loose() is None else "path_bytes"
            most[name] = max(most[name], took)
        if path.seq > 20:
            path.outbox.acknowledge("9f3c01aa", 7, [[0, path.seq - 10]])
    told = {"packs": path.seq, "allocated": path.allocated}
    told.update(most)
    told["digest"] = binascii.hexlify(path.digest.digest()).decode()
    print(json.dumps(told))


def _reported_bytes(path):
    # All that a pack takes from its records on, should no collection come in between.
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    records = []
    for sensor in path.sensors:
        records.extend(sensor.records())
    path.keep(DATA, records)
    took = gc.mem_alloc() - before
    gc.enable()
    return took


def tell(name, began):
    """What is held now, beyond `began`."""
    print(json.dumps({name: gc.mem_alloc() - began}))


def small_bits():
    """Bits of a number that needs no object, its sign not counted."""
    for bits in range(20, 62):
        number = (1 << bits) - 2
        micropython.heap_lock()
        try:
            number += 2
        except MemoryError:
            break
        finally:
            micropython.heap_unlock()
    print(json.dumps({"small_bits": bits}))
