"""The rig a virtual board sits in: USB-serial chip, power supply and the wires to its world.

One thread per board does everything (console, requests, sensors at their pace, watchdog), so that
no file descriptor is ever closed under another thread's feet.
"""

import contextlib
import math
import os
import pty
import threading
import time
import tty
from pathlib import Path
from typing import Self

from haidang_board import rig_life, rig_process
from haidang_board.errors import BoardSilent
from haidang_board.rig_chip import WOKEN_BY_PIN, WOKEN_BY_TIMER, Again, Chip
from haidang_board.rig_hurry import Hurry
from haidang_board.rig_life import LifeWires
from haidang_board.rig_lines import Lines
from haidang_board.rig_loop import Loop
from haidang_board.rig_net import Relay
from haidang_board.rig_nvs import Nvs
from haidang_board.rig_pace import IDLE_S, Pace
from haidang_board.world import World

_CONSOLE_KEPT_BYTES = 262_144
_TYPING_S = 0.005
_CRASHED_S = 1.0
_READY_S = 20.0


class Board:
    """One virtual board; `port` is what `mpremote connect` takes.

    `image` is its flash, kept between runs; its NVS lies beside it. `mac` is 12 hex digits.
    `heap` caps the interpreter's heap, the ROM's own share included (see `rom_heap_bytes`).
    `ticks_start_ms` is what `time.ticks_ms()` says at power-on: near 2**30 it wraps soon.
    `fast` (to be set before a start) lets `hurry` skip idle waits of that life.
    """

    def __init__(
        self,
        image: Path,
        mac: str = "240ac4000001",
        world: World | None = None,
        heap: str = "160K",
        ticks_start_ms: int = 0,
    ) -> None:
        self.world = world or World()
        self.mac = mac
        self.heap = heap
        self.boots = 0
        self.fast = False
        self.port = ""
        self._image = image
        self._ticks_start_us = ticks_start_ms * 1000
        self._nvs = Nvs(image.with_suffix(image.suffix + ".nvs.json"))
        self._chip = Chip(mac, self.world, self._nvs)
        self._chip.waiting = self._waiting
        self._chip.idle = self._idle
        self._hurry = Hurry()
        self._pace = Pace(self.world, self._chip)
        self._lines = Lines(self.world, self._chip)
        self._console = bytearray()
        self._typed = bytearray()  # a USB chip holds what comes while the board restarts
        self._wires: LifeWires | None = None
        self._again_at_s: float | None = None
        self._again = Again("power")
        self._power_on_us = 0
        self._ready = threading.Event()
        self._loop = Loop(f"board-{mac}", self._turn)
        self._relay = Relay(lambda: self._loop.selector)
        self._chip.route = self._relay.route
        self._open = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def console(self) -> bytes:
        """What the board printed lately, at most 256 KiB."""
        return bytes(self._console)

    @property
    def powered(self) -> bool:
        """Whether the board has power (a sleeping board has none)."""
        return self._wires is not None

    @property
    def power_on_s(self) -> float:
        """When its uptime was 0, in the time of its world."""
        return self._power_on_us / 1_000_000

    @property
    def rom_heap_bytes(self) -> int:
        """Heap the ROM used before boot.py, out of the board's `heap`."""
        return self._chip.rom_heap_bytes

    def open(self) -> None:
        """Plug the USB side in: from now on `port` exists. The board has no power yet."""
        if self._open:
            return
        rig_process.interpreter()
        rig_process.make_image(self._image)
        self._nvs.load()
        self._host_fd, self._port_fd = pty.openpty()
        tty.setraw(self._port_fd)
        os.set_blocking(self._host_fd, False)
        self.port = os.ttyname(self._port_fd)
        self._loop = Loop(f"board-{self.mac}", self._turn)
        self._loop.start()
        self._loop.call(lambda: self._loop.watch(self._host_fd, self._from_host))
        self.world.listen(self._edge)
        self._open = True

    def close(self) -> None:
        """Power off and unplug."""
        if not self._open:
            return
        self._open = False
        self.world.listen(None)
        self.power_off()
        self._loop.call(self._relay.close)
        self._loop.stop()
        os.close(self._host_fd)
        os.close(self._port_fd)

    def power_on(self) -> None:
        """Give the board power and wait until boot.py may run; BoardSilent after 20 s."""
        self.open()
        self._loop.call(lambda: self._start(Again("power")))
        if not self._ready.wait(_READY_S):
            raise BoardSilent(
                f"Board {self.mac} did not start within {_READY_S:.0f} s; "
                f"it printed: {self.console[-500:]!r}"
            )

    def power_off(self) -> None:
        """Cut the power (SIGKILL): what is not in flash is gone."""
        if self._loop.running:
            self._loop.call(self._stop)

    def reset(self) -> None:
        """Press the reset button."""
        self._loop.call(lambda: self._start(Again("reset")))
        self._ready.wait(_READY_S)

    def hurry(self, ms: int, limit_s: float = 600.0) -> None:
        """Let the board live through `ms` of its time, skipping its idle waits.

        Only in a life begun with `fast` set, and with a program in asyncio; BoardSilent where it
        does not get there in `limit_s` of real time. On a connection it waits for answers.
        """
        self._loop.call(lambda: self._hurry.begin(self._now_s() + ms / 1000))
        reached = self._hurry.done.wait(limit_s)
        self._loop.call(self._hurry.stop)
        if not reached:
            raise BoardSilent(f"Board {self.mac} did not live through {ms} ms in {limit_s:.0f} s")

    def erase_nvs(self) -> None:
        """Erase the NVS partition, as reflashing by USB does; the board must be off."""
        self._nvs.wipe()

    def pin(self, pin: int) -> int:
        """The level the board drives on an output pin."""
        return self.world.pin(pin)

    def _edge(self, pin: int, level: int) -> None:
        self._loop.post(lambda: self._deliver_edge(pin, level))

    def _deliver_edge(self, pin: int, level: int) -> None:
        edge = 1 if level else 2  # Pin.IRQ_RISING, Pin.IRQ_FALLING
        if self._wires is not None and self._chip.armed.get(pin, 0) & edge:
            self._wires.edge(pin, level)

    def _waiting(self, uart: int) -> int:
        return self._wires.waiting(uart) if self._wires is not None else 0

    def _printed(self) -> None:
        if self._wires is not None:
            self._to_host(self._wires.read_console())

    def _asked(self) -> None:
        if self._wires is None:
            return
        alive = self._wires.answer(self._chip, self._now_s())
        if self._chip.ready:
            self._ready.set()
        if self._chip.again is not None:
            self._schedule(self._chip.again)
        elif not alive:
            self._schedule(Again("reset", delay_s=_CRASHED_S))

    def _from_host(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self._host_fd, 4096)
            if self._wires is not None or self._again_at_s is not None:
                self._typed += data

    def _to_host(self, data: bytes) -> None:
        self._console += data
        del self._console[:-_CONSOLE_KEPT_BYTES]
        with contextlib.suppress(OSError):  # nobody listens: a serial chip drops bytes too
            os.write(self._host_fd, data)

    def _now_s(self) -> float:
        """The board's steady time: the host's, and what was skipped."""
        return time.monotonic() + self._hurry.ahead_s

    def _idle(self, skipped_ms: int, wait_ms: int) -> str:
        self._hurry.skipped(skipped_ms)
        wires, pace, now_s = self._wires, self._pace, self._now_s()
        if wires is None:
            return "0 0"
        due_s, alone = pace.tick(now_s, wires), pace.feed(now_s, wires) == math.inf
        skip_ms, real_ms = self._hurry.idle(wait_ms, now_s, due_s, self._relay, alone)
        if not alone:
            # The board reads its UARTs without a question: all that is said while it waits now.
            pace.feed(now_s + skip_ms / 1000, wires)
        return f"{skip_ms} {real_ms}"

    def _turn(self, host_s: float) -> float:
        """Do what is due; returns when the next thing is, in the host's time."""
        due_s = self._turn_board(host_s + self._hurry.ahead_s)
        return due_s - self._hurry.ahead_s

    def _turn_board(self, now_s: float) -> float:
        if self._again_at_s is not None:
            asleep = self._again.cause == "sleep"
            if now_s >= self._again_at_s:
                self._chip.woken_by = WOKEN_BY_TIMER if asleep else 0
                self._start(self._again)
            elif asleep and self._chip.wakes():
                self._chip.woken_by = WOKEN_BY_PIN
                self._start(self._again)
        wires = self._wires
        if wires is None:
            again_s = math.inf if self._again_at_s is None else self._again_at_s
            self._hurry.asleep(now_s, again_s)
            return min(now_s + IDLE_S, again_s)
        if self._pace.watchdog_bites(now_s):
            self._schedule(Again("watchdog"))
            return now_s
        self._relay.set_up(self._chip.wifi_connected(now_s))
        if self._typed and self._chip.ready:
            wires.type(self._typed)
        due_s = self._pace.turn(now_s, wires)
        return min(due_s, now_s + _TYPING_S) if self._typed else due_s

    def _schedule(self, again: Again) -> None:
        if self._wires is not None:
            self._to_host(self._wires.last_words())
        self._stop(hang_up=again.cause == "soft")
        self._again = again
        self._again_at_s = self._now_s() + again.delay_s

    def _stop(self, hang_up: bool = False) -> None:
        """End this life; only a soft reset hangs its connections up."""
        self._again_at_s = None
        wires, self._wires = self._wires, None
        if wires is not None:
            self._lines.end()
            self._loop.unwatch(wires.console_fd)
            self._loop.unwatch(wires.control.fileno())
            if not hang_up:
                self._relay.power_cut()
            wires.close()

    def _start(self, again: Again) -> None:
        self._stop()
        self._ready.clear()
        if again.cause == "power":
            self._typed.clear()
        if again.cause != "soft":
            now_us = int(self._now_s() * 1_000_000)
            self._chip.clock_us += now_us - self._power_on_us
            self._power_on_us = now_us
        self._chip.power_on(again.cause)
        life = rig_process.Life(
            image=self._image,
            heap=self.heap,
            mode=again.mode,
            power_on_us=self._power_on_us - int(self._hurry.ahead_s * 1_000_000),
            ticks_offset_us=self._ticks_start_us,
            clock_us=self._chip.clock_us,
            fast=self.fast,
        )
        self._wires = rig_life.begin(life)
        self._chip.events_fd = life.events_fd
        self._chip.interruptible = self._wires.set_interruptible
        self._lines.begin(self._loop, self._wires)
        self._loop.watch(self._wires.console_fd, self._printed)
        self._loop.watch(self._wires.control.fileno(), self._asked)
        self.boots += 1
