"""The Wi-Fi station."""

import network
from micropython import const

# ESP-IDF gives up by itself after one try: who it was and why is then told by status().
_TRIES = const(0)
_UNDECIDED = (network.STAT_IDLE, network.STAT_CONNECTING, network.STAT_GOT_IP)


class Radio:
    """One station interface; calls return at once, joined() and refusal() tell the result.

    Every call may raise OSError or RuntimeError where the driver hangs. `saving` leaves the
    radio's power saving on: good for a battery, 100 ms and more of delay per packet.
    """

    def __init__(self, saving: bool = False) -> None:
        self._station = network.WLAN(network.WLAN.IF_STA)
        self._power = network.WLAN.PM_PERFORMANCE if saving else network.WLAN.PM_NONE

    def join(self, ssid: str, key: str, bssid: bytes | None = None) -> None:
        """Starts joining a network, at one of its access points where `bssid` names it."""
        self._switch_on()
        if bssid:
            self._station.connect(ssid, key, bssid=bssid)
        else:
            self._station.connect(ssid, key)

    def leave(self) -> None:
        """Gives up a network or the attempt."""
        self._station.disconnect()

    def off(self) -> None:
        """Switches the radio off; the next join switches it on again with a fresh driver."""
        self._station.active(False)

    def joined(self) -> bool:
        """Whether there is a network and an address."""
        return self._station.isconnected()

    def refusal(self) -> int:
        """Why the attempt has failed (a number of ESP-IDF), 0 while it has not."""
        status = self._station.status()
        return 0 if status in _UNDECIDED else status

    def scan(self) -> list:
        """Networks in reach as (ssid, bssid, channel, rssi_dbm, ...); blocks for about 2 s."""
        self._switch_on()
        return self._station.scan()

    def rssi_dbm(self) -> int | None:
        """Signal strength; None where the network has just gone."""
        try:
            return self._station.status("rssi")
        except (OSError, RuntimeError):
            return None

    def _switch_on(self) -> None:
        if not self._station.active():
            self._station.active(True)
            self._station.config(pm=self._power, reconnects=_TRIES)
