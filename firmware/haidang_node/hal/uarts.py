"""Serial sensors."""

import machine


def listener(number: int, baudrate: int, rx_pin: int, tx_pin: int, buffer_bytes: int):
    """A function readinto(buffer) -> bytes read or None; never waits."""
    rx = machine.Pin(rx_pin)
    # Left out where there is none: not every port takes tx=None.
    wiring = {"rx": rx, "tx": machine.Pin(tx_pin)} if tx_pin >= 0 else {"rx": rx}
    uart = machine.UART(number, baudrate=baudrate, rxbuf=buffer_bytes, timeout=0, **wiring)
    return uart.readinto
