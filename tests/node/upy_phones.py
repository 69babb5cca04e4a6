# heap: 320K
"""Each source without a companion, on stand-ins for the modules: lines, label, no address."""

import sys

from haidang_node import log
from haidang_node.sensors.footfall import Footfall

log.start(log.ERROR + 1, lambda: 0)

_SEEN = [bytes([0x12, 0x34, 0x56, 0x78, 0x9A, n]) for n in range(12)]
_now = [0]


class _Module:
    pass


class _Point:
    IF_AP = 1

    def __init__(self, interface):
        self.settings = {}

    def active(self, on):
        self.on = on

    def config(self, **settings):
        assert settings["security"] == 3
        assert settings["key"]

    def status(self, what):
        # New objects each time, as the chip's driver gives them.
        return [(bytes(bytearray(address)), -60) for address in _SEEN]


class _Radio:
    heard = None

    def active(self, on):
        pass

    def irq(self, heard):
        _Radio.heard = heard

    def gap_scan(self, duration_ms, every_us, listens_us):
        assert duration_ms == 0
        assert listens_us < every_us


def _module(name, **names):
    module = _Module()
    for key, value in names.items():
        setattr(module, key, value)
    sys.modules[name] = module


def _counted(source, heard=None):
    from haidang_node.hal import phones

    phones._ticks_ms = lambda: _now[0]
    settings = {"source": source, "window_s": 60, "ssid": "Haidang", "key": "12345678"}
    readinto = getattr(phones, source)(settings)
    for name in ("network", "bluetooth", "haidang_probe"):
        sys.modules.pop(name, None)
    footfall = Footfall(settings, readinto)
    values = {}
    for step in range(1300):
        _now[0] += 100
        if heard and not step % 10:
            heard()
        footfall.sample(_now[0])
        # No address is in what goes on to the parser and the tables.
        assert not any([address[2:] in bytes(footfall._buffer) for address in _SEEN])
        values.update({record.name: record.value for record in footfall.records()})
    return values


def test_stations_of_its_own_network_are_counted_and_labelled() -> None:
    _module("network", WLAN=_Point)
    values = _counted("stations")
    assert values["footfall/devices"] == 12
    assert values["footfall/source"] == "stations"
    assert values["footfall/health"] == "ok"


def test_bluetooth_advertisements_are_counted_and_labelled() -> None:
    _module("bluetooth", BLE=_Radio)

    def heard():
        for address in _SEEN:
            _Radio.heard(5, (0, memoryview(address), 0, -70, b"name"))
        _Radio.heard(6, None)

    values = _counted("ble", heard)
    assert values["footfall/devices"] == 12
    assert values["footfall/source"] == "ble"


def test_the_module_in_c_is_read_as_the_companion_is() -> None:
    from haidang_node.sensors.addresses import Addresses

    # The same lines, as haidang_probe gives them.
    lines = Addresses(60, lambda: _now[0], lambda count: bytes([_now[0] & 255] * count))

    def listen(note):
        for address in _SEEN:
            note(address)

    lines._listen = listen
    started = []
    _module("haidang_probe", start=started.append, readinto=lines.readinto)
    values = _counted("module")
    assert started == [60]
    assert values["footfall/devices"] == 12
    assert values["footfall/source"] == "module"
