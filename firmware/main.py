"""Starts the node under the watchdog; after three failed starts in a row, safe mode instead."""

import gc
import sys
import time

import esp32
import machine

# Loading leaves holes in the heap; collecting often fills them, and TLS finds whole pieces later.
gc.threshold(2048)
# Until the application sets its own. It cannot be stopped: a technician gets ten minutes.
_LOADING_MS = 60000
_SERVICE_MS = 600000
# Time for a technician's Ctrl-C before the next try.
_PAUSE_S = 5
_LIMIT = 3
_nvs = esp32.NVS("haidang")


def _set(fails: int) -> None:
    try:
        _nvs.set_i32("fails", fails)
        _nvs.commit()
    except OSError as error:
        # Worn out or full: not counted, but the node still watches.
        sys.print_exception(error)


def _fails() -> int:
    try:
        fails = _nvs.get_i32("fails")
    except OSError:
        return 0
    # A start that the power cut short has not failed: flickering mains must not blind a node.
    cut = machine.reset_cause() == machine.PWRON_RESET and 0 < fails < _LIMIT
    return fails - 1 if cut else fails


def _run(fails: int) -> bool:
    # Counted as failed until the application says otherwise; a wake from sleep is no start.
    if fails < _LIMIT and machine.reset_cause() != machine.DEEPSLEEP_RESET:
        _set(fails + 1)
    try:
        if fails < _LIMIT:
            from haidang_node import app
        else:
            from haidang_node import safe as app

        return app.run(fails)
    except Exception as error:  # noqa: BLE001 - the outermost loop: a chip standing still is blind
        sys.print_exception(error)
        time.sleep(_PAUSE_S)
        if fails >= _LIMIT:
            # Not even safe mode works: the application is tried in turn with it.
            _set(_LIMIT - 1)
        return True


machine.WDT(timeout=_LOADING_MS)
try:
    _again = _run(_fails())
except KeyboardInterrupt:
    _again = False
if _again:
    machine.reset()
machine.WDT(timeout=_SERVICE_MS)
_set(0)
