"""The Wi-Fi station of the chip: joining, giving up, scanning, and a driver that can hang.

Codes and their order are those of ports/esp32/network_wlan.c of MicroPython 1.29.
"""

import binascii

from haidang_board.world import World

_JOIN_S = 0.2  # association and DHCP of a near access point
_IDLE, _CONNECTING, _GOT_IP = 1000, 1001, 1010
_BEACON_TIMEOUT, _NO_AP, _WRONG_KEY = 200, 201, 202
_FOR_EVER = -1


class Station:
    """Answers the ROM's `wifi` requests; `now_s` is the host's steady time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._now_s = 0.0
        self._reconnects = _FOR_EVER
        self.power_on()

    def power_on(self) -> None:
        """A reset: the driver is fresh."""
        self._active = False
        self._ssid: str | None = None
        self._key = ""
        self._bssid = ""
        self._joined_s = 0.0
        self._was_up = False
        self._tries = 0
        self._reason = 0
        self._reconnects = _FOR_EVER
        if self._world.radio_cure in ("cycle", "reset"):
            self._world.radio_fault = ""

    def connected(self, now_s: float) -> bool:
        """Whether the station has an address."""
        self._now_s = now_s
        return self._status() == _GOT_IP

    def answer(self, words: list[str], now_s: float) -> str:
        """One request: `!` and a text where the driver refuses."""
        self._now_s = now_s
        match words:
            case ["active", *given]:
                return self._switch(given)
            case ["join", ssid, key, bssid]:
                return self._join(_text(ssid), _text(key), bssid[1:])
            case ["leave"]:
                self._ssid = None
            case ["status"]:
                return str(self._status())
            case ["rssi"]:
                return str(self._strength(self._ssid or ""))
            case ["reconnects", count]:
                self._reconnects = int(count)
            case ["scan"]:
                return self._scan()
        return ""

    def _switch(self, given: list[str]) -> str:
        if not given:
            return str(int(self._active))
        active = given[0] == "1"
        if self._active and not active and self._world.radio_cure == "cycle":
            self._world.radio_fault = ""
        self._active = active
        if not active:
            self._ssid = None
        return ""

    def _join(self, ssid: str, key: str, bssid: str) -> str:
        if self._world.radio_fault == "error":
            return "!state"
        if self._ssid is not None and self._status() == _CONNECTING:
            return "!busy"
        self._ssid, self._key, self._bssid = ssid, key, bssid
        self._joined_s = self._now_s + _JOIN_S
        self._was_up, self._tries, self._reason = False, 0, 0
        return ""

    def _status(self) -> int:
        if not self._active or self._ssid is None:
            return _IDLE
        if self._reason:
            return self._reason
        if self._now_s < self._joined_s:
            return _CONNECTING
        reason = self._hindrance(self._ssid)
        if not reason:
            self._was_up = True
            return _GOT_IP
        return self._failed(_BEACON_TIMEOUT if self._was_up else reason)

    def _failed(self, reason: int) -> int:
        self._was_up = False
        self._tries += 1
        if self._reconnects != _FOR_EVER and self._tries > self._reconnects:
            self._reason = reason
            return reason
        self._joined_s = self._now_s + _JOIN_S
        return _CONNECTING

    def _hindrance(self, ssid: str) -> int:
        world = self._world
        away = not world.wifi_up or ssid not in world.networks or world.radio_fault == "deaf"
        if away or self._bssid not in ("", _bssid(ssid)):
            return _NO_AP
        return 0 if world.networks[ssid] == self._key else _WRONG_KEY

    def _scan(self) -> str:
        if not self._active:
            return "!inactive"
        world = self._world
        if self._status() == _CONNECTING or not world.wifi_up or world.radio_fault:
            return ""
        rows = []
        for ssid in sorted(world.networks):
            name = "" if ssid in world.hidden else ssid.encode().hex()
            rows.append(f"{name}:{_bssid(ssid)}:{self._strength(ssid)}")
        return ",".join(rows)

    def _strength(self, ssid: str) -> int:
        return self._world.signals_dbm.get(ssid, self._world.rssi_dbm)


def _text(word: str) -> str:
    return bytes.fromhex(word[1:]).decode()


def _bssid(ssid: str) -> str:
    return f"0200{binascii.crc32(ssid.encode()):08x}"
