"""Where phones are heard without a companion: each function gives a readinto(buffer)."""

import os
import time

import uctypes

from haidang_node.sensors.addresses import Addresses

_SCAN_RESULT = 5
# Listens 30 ms of each 100 ms, so that Wi-Fi has its share of the radio.
_EVERY_US = 100000
_LISTENS_US = 30000
_TICKS_MASK = (1 << 30) - 1


def module(settings: dict):
    """The sniffer inside a MicroPython built with haidang_probe."""
    import haidang_probe  # pyright: ignore[reportMissingImports] - a module built in C

    haidang_probe.start(settings["window_s"])
    return haidang_probe.readinto


def stations(settings: dict):
    """Phones joined to this node's own access point."""
    import network

    point = network.WLAN(network.WLAN.IF_AP)
    point.active(True)
    # 3: WPA2; an open network would let anybody reach the node.
    point.config(ssid=settings["ssid"], key=settings["key"], security=3)

    def listen(note) -> None:
        joined: list = point.status("stations")  # pyright: ignore[reportAssignmentType]
        for station in joined:
            address = station[0]
            note(address)
            # Freed memory keeps what it held; this copy is the driver's gift to us alone.
            uctypes.bytearray_at(uctypes.addressof(address), len(address))[:] = bytes(len(address))

    return Addresses(settings["window_s"], _ticks_ms, os.urandom, listen).readinto


def ble(settings: dict):
    """Bluetooth advertisements, connectable or not."""
    import bluetooth

    addresses = Addresses(settings["window_s"], _ticks_ms, os.urandom)

    def heard(event: int, data: tuple) -> None:
        if event == _SCAN_RESULT:
            addresses.note(data[1])

    radio = bluetooth.BLE()
    radio.active(True)
    radio.irq(heard)
    radio.gap_scan(0, _EVERY_US, _LISTENS_US)
    return addresses.readinto


def _ticks_ms() -> int:
    ticks: int = time.ticks_ms()  # pyright: ignore[reportAssignmentType]
    return ticks & _TICKS_MASK
