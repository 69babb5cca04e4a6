"""A node with all three sensors, its real parts up to its flash; hardware and time are played.

`second()` is one second of its life. Imported by the other scripts that run on MicroPython.
"""

import os

import vfs
from haidang_node import loading, log
from haidang_node.clock import Clock
from haidang_node.health import Health
from haidang_node.identity import Identity
from haidang_node.ledger import Ledger
from haidang_node.outbox import Outbox
from haidang_node.reporter import Reporter
from haidang_node.sensors.drivers import a02yyuw
from haidang_node.sensors.flood import Flood
from haidang_node.sensors.footfall import Footfall
from haidang_node.sensors.smoke import Smoke
from haidang_node.status import Status
from haidang_wire.senml import encode_pack

log.start(log.ERROR + 1, lambda: 0)
# Loading modules anew from their sources for each of thousands of flushes would take minutes.
loading.forget = lambda *_: None
_PERIOD = 1 << 30
# What the application, the certificates and node.json take on a real node's file system.
_APPLICATION_BYTES = 300000
_SMOKE = {
    "r0_ohm": 10000,
    "load_ohm": 5000,
    "warmup_s": 0,
    "pre_alarm_permille": 700,
    "alarm_permille": 500,
    "burn_in_h": 0,
    "latch_s": 600,
    "siren_steady": False,
}
_FLOOD = {
    "mount_mm": 3000,
    "watch_mm": 300,
    "warning_mm": 500,
    "danger_mm": 800,
    "hysteresis_mm": 30,
    "sound_cc": 0,
}


class Nvs:
    """The non-volatile storage; counts its writes."""

    def __init__(self):
        self.kept = {}
        self.writes = 0

    def get(self, key):
        return self.kept.get(key)

    def put(self, key, value):
        self.kept[key] = value
        self.writes += 1

    def commit(self):
        pass


class _Wake:
    def set(self):
        pass


class _Line:
    """A UART: what was put on it comes out once."""

    def __init__(self):
        self.data = b""

    def readinto(self, buffer):
        count = min(len(buffer), len(self.data))
        if not count:
            return None
        buffer[:count] = self.data[:count]
        self.data = self.data[count:]
        return count


def _sniffed(address, flags, window, sequence):
    record = address.to_bytes(4, "little") + bytes([flags, window])
    record += sequence.to_bytes(2, "little") + b"\x11\x22\x33\x44\xc4\x06"
    return b"\xa5\x5a" + record + bytes([sum(record) & 0xFF])


def _distance(mm):
    head = bytes([0xFF, mm >> 8, mm & 0xFF])
    return head + bytes([sum(head) & 0xFF])


def mount(device):
    """A file system with the application on it, at /f."""
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), "/f")
    with open("/f/application", "wb") as file:
        for _ in range(_APPLICATION_BYTES // 1000):
            file.write(b"\x5a" * 1000)


class Street:
    """The node at /f/outbox; `report_s` and `heartbeat_s` as in node.json."""

    def __init__(self, nvs, report_s, heartbeat_s=30, limit_bytes=1 << 20):
        self._ticks = 0
        self._report_s, self._heartbeat_s = report_s, heartbeat_s
        self.clock = Clock(lambda: self._ticks % _PERIOD)
        question = self.clock.question()
        self.clock.answer(question["nonce"], 1764000000000)
        self._water, self._probes = _Line(), _Line()
        smoke = Smoke(_SMOKE, self._smoke_mv, lambda: 0, None)
        flood = Flood(_FLOOD, a02yyuw.make(_FLOOD, self._water.readinto, None))
        footfall = Footfall({"source": "sniffer"}, self._probes.readinto)
        self.sensors = [smoke, flood, footfall]
        self.identity = Identity(nvs, lambda: 0x9F3C01AA)
        ended = self.identity.ended()
        self.ledger = Ledger("/f/outbox/ledger")
        self.ledger.open()
        self.outbox = Outbox("/f/outbox", limit_bytes, self.ledger)
        self.outbox.open(ended)
        self.identity.begin()
        self.reporter = Reporter(
            "n-240ac4000001",
            self.clock,
            self.identity,
            self.outbox,
            self.ledger,
            self.sensors,
            _Wake(),
            encode_pack,
        )
        self._health = Health(lambda: (91000, 61000), lambda: -71, lambda: 1655)
        self.status = Status(
            self.identity, self.outbox, self.ledger, heartbeat_s, ["smoke"], "power_on"
        )
        self.second_number = 0

    def second(self):
        """Samples, reports and keeps, as node.py does."""
        self._ticks += 1000
        self.second_number += 1
        now = self.second_number
        until_report = -now % self._report_s
        if until_report < 2:
            self._sample_water(now)
        if now % 5 == 0:
            self._sample_people(now)
        if until_report < 2:
            self.sensors[0].sample(self.clock.uptime_ms() - 20)
        now_ms = self.clock.uptime_ms()
        if until_report == 0:
            self.reporter.telemetry()
        if now % self._heartbeat_s == 0:
            self.reporter.figures(
                self._health.records(now_ms, self.outbox.count(), self.ledger.dropped)
            )
        self.reporter.turn(now_ms)

    def _smoke_mv(self):
        return 1100 + self.second_number % 23

    def _sample_water(self, now):
        # A tide of 100 mm in six hours, so that rate and time to the next level are told.
        level_mm = 150 + abs(now % 43200 - 21600) // 216
        for quarter in range(4):
            self._water.data += _distance(3000 - level_mm + quarter % 2)
            self.sensors[1].sample(self.clock.uptime_ms() - 900 + 250 * quarter)

    def _sample_people(self, now):
        phone = (now * 7919) % 41
        window = now // 60 & 0xFF
        self._probes.data += _sniffed(now, 0x80, window, 0)
        self._probes.data += _sniffed(phone * 0x1234567, 0, window, now & 0xFFF)
        self.sensors[2].sample(self.clock.uptime_ms())


def close(street):
    """Nothing open may outlive its file system."""
    street.outbox.close()
    vfs.umount("/f")


def bytes_used():
    """What the outbox's files take by their sizes."""
    folder = "/f/outbox/"
    return sum([os.stat(folder + entry[0])[6] for entry in os.ilistdir(folder)])
