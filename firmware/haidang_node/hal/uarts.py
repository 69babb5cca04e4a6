"""Serial sensors and the serial link."""

import asyncio

import machine
from micropython import const

# What comes while flash is written: 100 ms of the line, in the driver's memory.
_RX_PER_BAUD = const(100)
_RX_LEAST_BYTES = const(1024)
# The four frames of the longest answer and the driver's own heads, so that write() never waits.
_TX_BYTES = const(1536)
# Nobody waits for a transmitter that never ends.
_SEND_LIMIT_MS = const(3000)


def listener(number: int, baudrate: int, rx_pin: int, tx_pin: int, buffer_bytes: int):
    """Functions readinto(buffer) -> bytes read or None, which never waits, and write(bytes)."""
    rx, rate, size = machine.Pin(rx_pin), baudrate, buffer_bytes
    # Left out where there is none: not every port takes tx=None.
    if tx_pin < 0:
        uart = machine.UART(number, baudrate=rate, rxbuf=size, timeout=0, rx=rx)
    else:
        tx = machine.Pin(tx_pin)
        uart = machine.UART(number, baudrate=rate, rxbuf=size, timeout=0, rx=rx, tx=tx)
    return uart.readinto, uart.write


class Port:
    """A UART and, for RS-485, the pin that lets its driver onto the bus (-1: none)."""

    def __init__(self, number: int, baudrate: int, rx_pin: int, tx_pin: int, de_pin: int) -> None:
        self._driver = machine.Pin(de_pin, machine.Pin.OUT, value=0) if de_pin >= 0 else None
        self._uart = machine.UART(
            number,
            baudrate=baudrate,
            rxbuf=max(_RX_LEAST_BYTES, baudrate // _RX_PER_BAUD),
            txbuf=_TX_BYTES,
            timeout=0,
            rx=machine.Pin(rx_pin),
            tx=machine.Pin(tx_pin),
        )
        self.readinto = self._uart.readinto

    async def send(self, frames: list) -> None:
        """Sends frames together; back when the last bit has left and the bus is free again."""
        uart = self._uart
        if self._driver:
            self._driver(1)
        try:
            for frame in frames:
                uart.write(frame)
            for _ in range(_SEND_LIMIT_MS):
                if uart.txdone():
                    break
                await asyncio.sleep_ms(1)
        finally:
            if self._driver:
                self._driver(0)
