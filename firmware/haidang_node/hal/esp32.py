"""The chip: pins, ADC, watchdog, non-volatile storage, resets, memory figures."""

import os

import esp32
import machine
from micropython import const

# ESP_ERR_NVS_NOT_FOUND of ESP-IDF
_NVS_NOT_FOUND = const(-0x1102)
# The first piece of RTC memory; the rest belongs to the sleeper.
_RING_BYTES = const(384)
_RESETS = {
    machine.PWRON_RESET: "power_on",
    machine.HARD_RESET: "hard",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deepsleep",
    machine.SOFT_RESET: "soft",
}


def mac() -> bytes:
    """The chip's 6-byte MAC."""
    return machine.unique_id()


def reset_reason() -> str:
    """Why the chip started: a word of the status message."""
    return _RESETS.get(machine.reset_cause(), "unknown")


def restart() -> None:
    """Resets the chip; does not return."""
    machine.reset()


def random_32() -> int:
    """A random 32-bit number from the hardware."""
    return int.from_bytes(os.urandom(4), "big")


def free_bytes() -> tuple[int, int]:
    """ESP-IDF heap that TLS uses: free bytes, largest free block."""
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    return sum([region[1] for region in regions]), max([region[2] for region in regions])


def millivolts(pin: int):
    """A function that reads an analogue pin in mV (0 to 3300)."""
    adc = machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)

    def read_mv() -> int:
        return adc.read_uv() // 1000

    return read_mv


def contact(pin: int, other_pin: int = -1):
    """A function that is 1 while a relay contact pulls one of the pins to ground."""
    level = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP).value
    other = level
    if other_pin >= 0:
        other = machine.Pin(other_pin, machine.Pin.IN, machine.Pin.PULL_UP).value

    def closed() -> int:
        return 1 - (level() & other())

    return closed


def output(pin: int):
    """A function that sets an output pin to 0 or 1."""
    return machine.Pin(pin, machine.Pin.OUT, value=0).value


def watchdog(timeout_ms: int):
    """Starts the watchdog, which cannot be stopped; the function that feeds it."""
    return machine.WDT(timeout=timeout_ms).feed


def ring_read() -> bytes:
    """The piece of RTC memory that belongs to the error ring; it outlives all but power cuts."""
    return machine.RTC().memory()[:_RING_BYTES]


def ring_write(data: bytes) -> None:
    """Sets it; the sleeper's piece behind it stays."""
    rtc = machine.RTC()
    rest = rtc.memory()[_RING_BYTES:]
    rtc.memory(data + bytes(_RING_BYTES - len(data)) + rest)


class Storage:
    """Small whole numbers that survive power cuts (NVS namespace `haidang`)."""

    # Opened once: MicroPython never closes a namespace, and each opening takes ESP-IDF's heap.
    _nvs = esp32.NVS("haidang")

    def get(self, key: str) -> int | None:
        """The stored number; None where there is none."""
        try:
            return self._nvs.get_i32(key)
        except OSError as error:
            if error.errno != _NVS_NOT_FOUND:
                raise
            return None

    def put(self, key: str, value: int) -> None:
        """Sets a number (signed 32 bits); safe after commit()."""
        self._nvs.set_i32(key, value)

    def commit(self) -> None:
        """Makes what was put safe."""
        self._nvs.commit()
