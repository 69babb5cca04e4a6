"""The chip's storage: its namespace is opened once, however often a part asks for it."""

import sys

from haidang_node import loading

_CHIP = "haidang_node.hal.esp32"
_opened: list = []
_values: dict = {}


class _Module:
    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


class _Nvs:
    """A namespace of ESP-IDF: it stays open until the chip is reset."""

    def __init__(self, name):
        _opened.append(name)
        self.values = _values

    def get_i32(self, key):
        if key not in self.values:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return self.values[key]

    def set_i32(self, key, value):
        self.values[key] = value


def _chip():
    resets = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET")
    fakes = {
        "esp32": _Module(NVS=_Nvs),
        "machine": _Module(**{name: number for number, name in enumerate(resets)}),
    }
    names = [_CHIP] + list(fakes)
    before = {name: sys.modules.pop(name, None) for name in names}
    sys.modules.update(fakes)
    try:
        return loading.load(_CHIP)
    finally:
        loading.forget(_CHIP)
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def test_a_day_of_rounds_opens_the_storage_once() -> None:
    chip = _chip()
    for minute in range(1440):
        storage = chip.Storage()
        storage.put("minute", minute)
    assert storage.get("minute") == 1439
    assert storage.get("nothing") is None
    assert _opened == ["haidang"], len(_opened)
