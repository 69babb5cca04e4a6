"""The `network` module of the virtual board: a Wi-Fi station; runs in MicroPython."""

import rom_link as _link

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_hostname = "mpy-esp32"


class WLAN:
    """The station interface; the world decides which networks exist and whether they are up."""

    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface_id=0):
        self._id = interface_id

    def active(self, *is_active):
        if not is_active:
            return _link.ask("wifi", "active") == "1"
        _link.ask("wifi", "active", 1 if is_active[0] else 0)

    def connect(self, ssid=None, password=None, *, bssid=None):
        if not self.active():
            raise OSError("Wifi Not Started")
        bssid = "x" + bssid.hex() if bssid else "x"
        answer = _link.ask("wifi", "join", _hex(ssid), _hex(password), bssid)
        if answer == "!busy":
            raise OSError("Wifi Internal Error")
        if answer:
            raise RuntimeError("Wifi Unknown Error 0x0102")

    def disconnect(self):
        _link.ask("wifi", "leave")

    def scan(self):
        return _link.part("rom_scan").scan()

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, *param):
        if param and param[0] == "rssi":
            if not self.isconnected():
                raise OSError("Wifi Not Connected")
            return int(_link.ask("wifi", "rssi"))
        return int(_link.ask("wifi", "status"))

    def ifconfig(self, *ip_mask_gateway_dns):
        if ip_mask_gateway_dns:
            raise NotImplementedError("the virtual board has no fixed addresses")
        if not self.isconnected():
            return ("0.0.0.0",) * 4  # noqa: S104  an address, not a listener
        return ("192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1")

    def config(self, *param, **settings):
        if param == ("mac",):
            return bytes.fromhex(_link.ask("mac"))
        if param == ("channel",):
            return 6
        if "reconnects" in settings:
            _link.ask("wifi", "reconnects", settings.pop("reconnects"))
        settings.pop("pm", None)
        if param or settings:
            raise ValueError("unknown config param")


def hostname(*name):
    global _hostname
    if not name:
        return _hostname
    _hostname = name[0]


def _hex(text):
    return "x" + (text or "").encode().hex()
