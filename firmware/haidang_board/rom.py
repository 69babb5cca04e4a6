"""What an ESP32 has in its ROM and firmware image: starts MicroPython on the virtual board.

Started by `rig_process.py` as `micropython -m rom KEY=VALUE ...`; runs in MicroPython.
"""

import gc
import os
import sys
import vfs

# asyncio binds the native, never wrapping ticks here: its compiled task queue uses them too.
import asyncio  # noqa: F401
import micropython

import flash
import rom_esp32
import rom_link
import rom_machine
import rom_neopixel
import rom_network
import rom_pins
import rom_repl
import rom_socket
import rom_time
import rom_uart

_HOST_ONLY = ("VfsPosix", "system", "getenv", "putenv", "unsetenv")


class _Module:
    """A stand-in for a built-in module; attributes are set by `_shadow`."""


def _shadow(name, module, **changed):
    """Put a copy of a module in its place, without the doors to the host."""
    copy = _Module()
    for key in dir(module):
        if key not in _HOST_ONLY and key[:2] != "__":
            setattr(copy, key, getattr(module, key))
    for key in changed:
        setattr(copy, key, changed[key])
    sys.modules[name] = sys.modules["u" + name] = copy


def _attach(settings):
    open(settings["tty"], "r+b", 0)  # the first terminal opened becomes the controlling one
    rom_link.attach(int(settings["control"]))
    rom_pins.attach(int(settings["events"]))
    rom_uart.attach({1: int(settings["uart1"]), 2: int(settings["uart2"])})
    rom_time.attach(int(settings["up"]), int(settings["ticks"]), int(settings["clock"]))


def _install():
    for name, module in (
        ("machine", rom_machine),
        ("network", rom_network),
        ("esp32", rom_esp32),
        ("neopixel", rom_neopixel),
        ("time", rom_time),
    ):
        sys.modules[name] = sys.modules["u" + name] = module
    _shadow("os", os)
    _shadow("vfs", vfs)
    _shadow("micropython", micropython, kbd_intr=lambda key: rom_repl.interruptible(key == 3))
    rom_socket.install(_shadow)


def _mount(device):
    os.umount("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    try:
        vfs.mount(vfs.VfsLfs2(device), "/")
    except OSError:
        if not device.blank():
            print("The filesystem appears to be corrupted: flash is neither blank nor LittleFS2.")
            return
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(vfs.VfsLfs2(device), "/")
    os.chdir("/")


def _boot(mode):
    if rom_repl.run_file("boot.py") and mode == "friendly":
        rom_repl.run_file("main.py")


def _main(settings):
    device = flash.Flash(settings["image"], int(settings["blocks"]), count_wear=False)
    _attach(settings)
    _install()
    _mount(device)
    for name in [name for name in sys.modules if name.startswith("rom")]:
        if name != "rom_link":
            del sys.modules[name]
    gc.collect()
    mode = settings["mode"]
    rom_link.ask("ready", gc.mem_alloc())
    try:
        try:
            _boot(mode)
        except KeyboardInterrupt:
            rom_repl.interruptible(False)
        rom_repl.console(mode)
    except rom_repl.SoftReset as reset:
        sys.stdout.write("MPY: soft reboot\r\n")
        rom_link.die("soft", reset.mode)


_main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
