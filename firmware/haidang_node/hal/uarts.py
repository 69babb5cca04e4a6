"""Serial sensors."""

import machine


def listener(number: int, baudrate: int, rx_pin: int, tx_pin: int, buffer_bytes: int):
    """A function readinto(buffer) -> bytes read or None; never waits."""
    rx = machine.Pin(rx_pin)
    tx = machine.Pin(tx_pin) if tx_pin >= 0 else None
    uart = machine.UART(number, baudrate=baudrate, rx=rx, tx=tx, rxbuf=buffer_bytes, timeout=0)
    return uart.readinto
