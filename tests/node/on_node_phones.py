"""One source of footfall through two windows on stand-ins, then still: its memory is searched.

The stand-ins keep what they play masked, and wipe what a chip's driver keeps on its own side.
"""

import sys

from haidang_node import log
from haidang_node.hal import phones
from haidang_node.sensors.footfall import Footfall
from haidang_wire import senml

_source = sys.argv[1]
_MASKED = bytes.fromhex(sys.argv[2])
_MASK = 0x5A
_NAME_BYTES = 16
_now = [0]
_ring = bytearray(6)
_name = bytearray(_NAME_BYTES)

log.start(log.DEBUG, lambda: _now[0])


class _Module:
    pass


def _module(name, **names):
    module = _Module()
    for key, value in names.items():
        setattr(module, key, value)
    sys.modules[name] = module


def _fill(buffer, at):
    for n in range(len(buffer)):
        buffer[n] = _MASKED[at + n] ^ _MASK


def _wipe():
    _ring[:] = bytes(6)
    _name[:] = bytes(_NAME_BYTES)


def _addresses():
    return range(_NAME_BYTES, len(_MASKED), 6)


class _Point:
    IF_AP = 1

    def __init__(self, interface):
        pass

    def active(self, on):
        pass

    def config(self, **settings):
        pass

    def status(self, what):
        stations = []
        for at in _addresses():
            _fill(_ring, at)
            stations.append((bytes(_ring), -60))
        _wipe()
        return stations


class _Radio:
    heard = None

    def active(self, on):
        pass

    def irq(self, heard):
        _Radio.heard = heard

    def gap_scan(self, duration_ms, every_us, listens_us):
        pass


def _advertise():
    for at in _addresses():
        _fill(_ring, at)
        _fill(_name, 0)
        _Radio.heard(5, (0, memoryview(_ring), 0, -70, memoryview(_name)))
    _wipe()


def _probe():
    # As the module in C: what it heard leaves it as keyed lines only.
    from haidang_node.sensors.addresses import Addresses

    def listen(note):
        for at in _addresses():
            _fill(_ring, at)
            note(memoryview(_ring))
        _wipe()

    def drawn(count):
        return bytes([7 + _now[0] % 251] * count)

    lines = Addresses(60, lambda: _now[0], drawn, listen)
    _module("haidang_probe", start=lambda window_s: None, readinto=lines.readinto)


def _run():
    _module("network", WLAN=_Point)
    _module("bluetooth", BLE=_Radio)
    _probe()
    phones._ticks_ms = lambda: _now[0]
    settings = {"source": _source, "window_s": 60, "ssid": "Haidang", "key": "12345678"}
    footfall = Footfall(settings, getattr(phones, _source)(settings))
    for step in range(1300):
        _now[0] += 100
        if _source == "ble" and not step % 10:
            _advertise()
        footfall.sample(_now[0])
        records = footfall.records()
        if records:
            pack = senml.Pack("n-240ac4000001", "9f3c01aa", 7, 1 + step, _now[0], None, records)
            print(senml.encode_pack(pack).decode())
    return footfall


_kept = _run()
print("READY")
sys.stdin.read(1)
