"""The Wi-Fi station."""

import network


class Radio:
    """One station interface; calls return at once, isconnected() tells the result."""

    def __init__(self) -> None:
        self._station = network.WLAN(network.WLAN.IF_STA)

    def join(self, ssid: str, key: str) -> None:
        """Starts joining a network."""
        self._station.active(True)
        self._station.connect(ssid, key)

    def leave(self) -> None:
        """Gives up a network or the attempt."""
        self._station.disconnect()

    def joined(self) -> bool:
        """Whether there is a network and an address."""
        return self._station.isconnected()

    def rssi_dbm(self) -> int | None:
        """Signal strength; None where the network has just gone."""
        try:
            return self._station.status("rssi")
        except (OSError, RuntimeError):
            return None
