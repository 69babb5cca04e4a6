"""Sensors that answer with the length of a pulse."""

import time

import machine
from micropython import const

# JSN-SR04T: the trigger is at least 10 us long; 40 ms of sound are 7 m there and back.
_TRIGGER_US = const(15)
_ECHO_US = const(40000)


def echo(trigger_pin: int, echo_pin: int):
    """A function that pings: how long the echo pin is then high, in microseconds.

    -2 where it does not go high, -1 where it stays so; waits at most 40 ms for either.
    """
    trigger = machine.Pin(trigger_pin, machine.Pin.OUT, value=0).value
    pin = machine.Pin(echo_pin, machine.Pin.IN)

    def ping() -> int:
        trigger(1)
        time.sleep_us(_TRIGGER_US)
        trigger(0)
        return machine.time_pulse_us(pin, 1, _ECHO_US)

    return ping
