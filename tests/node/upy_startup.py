"""A start's first steps on a chip whose storage cannot be read: a node must not start for ever."""

import sys

from haidang_node import loading, log

from board_parts import RingMemory

_PATH = "haidang_node.startup"
_CHIP = "haidang_node.hal.esp32"


class _Chip(RingMemory):
    """haidang_node.hal.esp32: NVS pages that are worn out."""

    def Storage(self):
        return self

    def get(self, key):
        raise OSError(-0x1113, "ESP_ERR_NVS_CORRUPT_KEY_PART")


class _Clock:
    def uptime_ms(self):
        return 0


def _on(chip, work, *args):
    class _Hal:
        esp32 = chip

    fakes = {"haidang_node.hal": _Hal, _CHIP: chip}
    before = {name: sys.modules.get(name) for name in fakes}
    sys.modules.update(fakes)
    try:
        return work(*args)
    finally:
        log.start(log.ERROR + 1, lambda: 0)
        for name, real in before.items():
            if real is None:
                sys.modules.pop(name)
            else:
                sys.modules[name] = real


def test_a_node_whose_storage_cannot_be_read_starts_and_so_does_safe_mode() -> None:
    for whole in (True, False):
        settings, told = _on(_Chip(), loading.call, _PATH, "begin", _Clock(), 0, whole)
        assert settings is None, "there is no node.json here"
        assert "cfg" not in told


def test_safe_mode_itself_needs_no_storage() -> None:
    safe = _on(_Chip(), loading.load, "haidang_node.safe")
    loading.forget("haidang_node.safe")
    node = safe.Safe("n-240ac4000001", _Clock(), None, {})
    assert (node.epoch, node.boot) == ("00000000", 0)
