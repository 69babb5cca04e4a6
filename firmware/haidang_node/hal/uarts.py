"""Serial sensors."""

import machine


def listener(number: int, baudrate: int, rx_pin: int, tx_pin: int, buffer_bytes: int):
    """A function readinto(buffer) -> bytes read or None; never waits."""
    rx, rate, size = machine.Pin(rx_pin), baudrate, buffer_bytes
    # Left out where there is none: not every port takes tx=None.
    if tx_pin < 0:
        return machine.UART(number, baudrate=rate, rxbuf=size, timeout=0, rx=rx).readinto
    tx = machine.Pin(tx_pin)
    return machine.UART(number, baudrate=rate, rxbuf=size, timeout=0, rx=rx, tx=tx).readinto
