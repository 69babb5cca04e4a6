"""Scanning for networks; runs in MicroPython, loaded when first used."""

import rom_link


def scan():
    """As WLAN.scan(): (ssid, bssid, channel, rssi, security, hidden) of each network in reach."""
    answer = rom_link.ask("wifi", "scan")
    if answer[:1] == "!":
        raise OSError("STA must be active")
    rows = [row.split(":") for row in answer.split(",") if row]
    return [
        (bytes.fromhex(ssid), bytes.fromhex(bssid), 6, int(rssi), 3, not ssid)
        for ssid, bssid, rssi in rows
    ]
