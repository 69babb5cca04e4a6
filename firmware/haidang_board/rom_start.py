"""Builds the board's modules and file system; runs in MicroPython, once, and is then forgotten."""

import os
import sys

import flash
import micropython
import rom_esp32
import rom_link
import rom_machine
import rom_network
import rom_run
import rom_socket
import rom_time
import rom_uart
import vfs


class _Without:
    """A built-in module without some of its names: the doors to the host."""

    def __init__(self, module, names, **changed):
        self._module = module
        self._names = names
        for name, value in changed.items():
            setattr(self, name, value)

    def __getattr__(self, name):
        if name in self._names:
            raise AttributeError(name)
        return getattr(self._module, name)

    def __dir__(self):
        return [name for name in dir(self._module) if name not in self._names]


class _Later:
    """A module of the ROM that is loaded when a name of it is first asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        return getattr(rom_link.part(self._name), name)


def start(settings):
    """Connect the wires, put the modules in their places and mount the flash as `/`."""
    device = flash.Flash(settings["image"], int(settings["blocks"]))
    _attach(settings)
    _install()
    if settings["fast"] == "1":
        rom_link.part("rom_hurry").install()
    _mount(device)


def _attach(settings):
    open(settings["tty"], "r+b", 0)  # the first terminal opened becomes the controlling one
    rom_link.attach(int(settings["control"]), settings["rom"])
    rom_uart.attach((int(settings["uart1"]), int(settings["uart2"])))
    rom_time.attach(int(settings["up"]), int(settings["ticks"]), int(settings["clock"]))


def _interrupt_key(key):
    rom_run.interruptible(key == 3)


def _install():
    host_only = ("VfsPosix", "system", "getenv", "putenv", "unsetenv")
    for name, module in (
        ("machine", rom_machine),
        ("network", rom_network),
        ("esp32", rom_esp32),
        ("neopixel", _Later("rom_neopixel")),
        ("time", rom_time),
        ("socket", rom_socket),
        ("os", _Without(os, host_only)),
        ("vfs", _Without(vfs, host_only)),
        ("micropython", _Without(micropython, (), kbd_intr=_interrupt_key)),
    ):
        sys.modules[name] = module


def _mount(device):
    os.umount("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    try:
        vfs.mount(vfs.VfsLfs2(device), "/")
    except OSError:
        first = bytearray(256)
        device.readblocks(0, first)
        if first != b"\xff" * 256:
            print("The filesystem appears to be corrupted: flash is neither blank nor LittleFS2.")
            return
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(vfs.VfsLfs2(device), "/")
    os.chdir("/")
