"""main.py itself: what it does where the chip's storage refuses."""

import gc
import sys


class _Module:
    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


class _Nvs:
    """Storage that can be read and takes nothing any more."""

    def __init__(self, _):
        pass

    def get_i32(self, key):
        raise OSError(-0x1102)

    def set_i32(self, key, value):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

    def commit(self):
        raise OSError(-0x1105)


def _source() -> str:
    for folder in sys.path + ["firmware"]:
        try:
            with open(folder + "/main.py") as file:
                text = file.read()
        except OSError:
            continue
        if "safe mode" in text:
            return text
    raise AssertionError("main.py is not there")


def _run(app_run) -> list:
    resets: list = []
    machine = _Module(
        reset_cause=lambda: 1,
        PWRON_RESET=1,
        DEEPSLEEP_RESET=4,
        WDT=lambda timeout: None,
        reset=lambda: resets.append(1),
    )
    fakes = {
        "esp32": _Module(NVS=_Nvs),
        "machine": machine,
        "haidang_node": _Module(app=_Module(run=app_run)),
        "haidang_node.app": _Module(run=app_run),
        "gc": _Module(threshold=lambda _: None, collect=gc.collect),
    }
    before = {name: sys.modules.get(name) for name in fakes}
    sys.modules.update(fakes)
    if not hasattr(sys, "print_exception"):
        sys.print_exception = print
    try:
        exec(_source(), {"__name__": "main"})  # noqa: S102 - as the chip does
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return resets


def test_a_chip_whose_storage_takes_nothing_still_runs_the_application() -> None:
    ran = []

    def app_run(fails):
        ran.append(fails)
        return True

    assert _run(app_run) == [1]
    assert ran == [0]


def test_and_a_technician_still_gets_the_console() -> None:
    assert _run(lambda fails: False) == []
