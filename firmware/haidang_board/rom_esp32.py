"""The `esp32` module of the virtual board: NVS, heap, chip temperature; runs in MicroPython."""

import gc as _gc

import rom_link as _link
from micropython import const as _const

HEAP_DATA = 4
HEAP_EXEC = 1

WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True

_RTC_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)
_NOT_FOUND = _const(-0x1102)
_KEY_TOO_LONG = _const(-0x1109)
_INVALID_LENGTH = _const(-0x110C)


class NVS:
    """Key-value flash of one namespace; only what was committed survives a power cut."""

    def __init__(self, namespace):
        _check(namespace)
        self._space = namespace

    def get_i32(self, key):
        return int(self._get("i", key))

    def set_i32(self, key, value):
        if not -(1 << 31) <= value < 1 << 31:
            raise OverflowError("value out of range")
        self._set("i", key, value)

    def get_blob(self, key, buffer):
        blob = bytes.fromhex(self._get("b", key))
        if len(blob) > len(buffer):
            raise OSError(_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(blob)] = blob
        return len(blob)

    def set_blob(self, key, value):
        self._set("b", key, bytes(value).hex())

    def erase_key(self, key):
        _check(key)
        if _link.ask("nvs-erase", self._space, key) != "1":
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")

    def commit(self):
        _link.ask("nvs-commit", self._space)

    def _get(self, kind, key):
        _check(key)
        answer = _link.ask("nvs-get", self._space, key)
        if answer[:1] != kind:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return answer[1:]

    def _set(self, kind, key, value):
        _check(key)
        _link.ask("nvs-set", self._space, key, kind + str(value))


def idf_heap_info(capabilities):
    """One region of (total, free, largest free, least free ever) bytes.

    The 64-bit interpreter has one heap; its largest and least free block are not known, so the
    present free size stands for them.
    """
    free = _gc.mem_free()
    return [(free + _gc.mem_alloc(), free, free, free)]


def wake_on_ext0(pin=None, level=0):
    """Wake from sleep while an input has this level; only RTC pins can (ESP32 data sheet 2.2)."""
    number = getattr(pin, "_id", -1)
    if pin is not None and number not in _RTC_PINS:
        raise ValueError("invalid pin")
    _link.ask("wake", number, 1 if level else 0)


def raw_temperature():
    """Chip temperature in degrees Fahrenheit, as on the classic ESP32."""
    return int(_link.ask("temp"))


def _check(name):
    if not 1 <= len(name) <= 15 or " " in name:
        raise OSError(_KEY_TOO_LONG, "ESP_ERR_NVS_KEY_TOO_LONG")
