"""Modules that are loaded on demand leave neither a name nor memory behind."""

import gc
import sys

import haidang_node
from haidang_node import loading

PATH = "haidang_node.config"


def _used() -> int:
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


def test_a_called_module_is_forgotten_also_when_it_raises() -> None:
    for path, raised in (("/no/such/node.json", "ConfigError"), (None, "TypeError")):
        try:
            loading.call(PATH, "load", path)
            told = None
        except Exception as error:  # noqa: BLE001 (whatever it is, the module must go)
            told = type(error).__name__
        assert told == raised
        assert PATH not in sys.modules
        assert not hasattr(haidang_node, "config")


def test_loading_and_forgetting_again_and_again_takes_no_memory() -> None:
    loading.load(PATH)
    loading.forget(PATH)
    before = _used()
    for _ in range(5):
        module = loading.load(PATH)
        assert module is sys.modules[PATH]
        del module
        loading.forget(PATH)
    assert _used() <= before + 512


def test_what_was_never_loaded_can_be_forgotten() -> None:
    before = sorted(sys.modules)
    loading.forget("haidang_node.no_such_module", "no_such_package.module")
    assert sorted(sys.modules) == before
