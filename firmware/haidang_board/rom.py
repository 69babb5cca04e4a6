"""What an ESP32 has in its ROM and firmware image: starts MicroPython on the virtual board.

Started by `rig_process.py` as `micropython -m rom KEY=VALUE ...`; runs in MicroPython.
"""

# asyncio binds the native, never wrapping ticks here: its compiled task queue uses them too.
import asyncio  # noqa: F401
import gc
import sys

import rom_link
import rom_run


def _boot(mode):
    # Ctrl-C works from before the rig lets the first key through until main.py has ended.
    rom_run.interruptible(True)
    # Every node uses it: it belongs to the ROM's share of the heap, not to the application's.
    rom_link.part("rom_extra")
    gc.collect()
    rom_link.ask("ready", gc.mem_alloc())
    if rom_run.file("boot.py") and mode == "friendly":
        rom_run.file("main.py")


def _serve(mode):
    booted = False
    while True:
        try:
            if not booted:
                booted = True
                _boot(mode)
            rom_run.interruptible(False)
            gc.collect()
            rom_link.part("rom_repl").console(mode)
        except KeyboardInterrupt:  # it may come when what it was meant for has just ended
            continue


def _prepare():
    import rom_start

    settings = dict(argument.split("=", 1) for argument in sys.argv[1:])
    rom_start.start(settings)
    sys.argv[:] = []
    del sys.modules["rom_start"]
    return settings["mode"]


_mode = _prepare()
try:
    _serve(_mode)
except rom_run.SoftReset as reset:
    rom_run.interruptible(False)
    sys.stdout.write("MPY: soft reboot\r\n")
    rom_link.die("soft", reset.args[0])
