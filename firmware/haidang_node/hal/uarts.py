"""Serial sensors."""

import machine


def listener(number: int, baudrate: int, rx_pin: int, tx_pin: int, buffer_bytes: int):
    """A function readinto(buffer) -> bytes read or None; never waits."""
    pins = {"rx": machine.Pin(rx_pin)}
    if tx_pin >= 0:
        pins["tx"] = machine.Pin(tx_pin)
    uart = machine.UART(number, baudrate=baudrate, rxbuf=buffer_bytes, timeout=0, **pins)
    return uart.readinto
