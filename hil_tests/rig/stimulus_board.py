# ruff: noqa: T201, BLE001 - it speaks through its console, and no order may end it
# Turns a second ESP32 into the world around the board under test; runs in MicroPython, sent
# there over its serial port at the begin of each run, nothing is installed.
# Orders are lines: `dac PIN 0..255`, `line PIN 0|1`, `open PIN`, `level PIN MM|off`, `ping`.
# The answer to each is `ok` or `err` with a reason. `line` drives a pin, `open` lets go of it.
import select
import sys
import time

from machine import DAC, UART, Pin

PERIOD_MS = 100  # an A02YYUW tells its distance ten times a second
outputs = {}
meters = {}


def dac(pin, value):
    if pin not in outputs:
        outputs[pin] = DAC(Pin(pin))
    outputs[pin].write(value)


def line(pin, value):
    Pin(pin, Pin.OUT, value=value)


def let_go(pin):
    Pin(pin, Pin.IN)


def level(pin, distance):
    if distance == "off":
        if pin in meters:
            meters[pin][1] = None
        return
    if pin not in meters:
        if len(meters) == 2:
            raise ValueError("there are two UARTs for meters only")
        # The meter's wire is one way; the UART's other pin is one that an ESP32 cannot drive.
        meters[pin] = [UART(1 + len(meters), 9600, tx=Pin(pin), rx=Pin(39)), None]
    mm = int(distance)
    head = bytes((0xFF, mm >> 8, mm & 0xFF))
    meters[pin][1] = head + bytes((sum(head) & 0xFF,))


def obey(words):
    name = words[0]
    if name == "ping":
        return
    pin = int(words[1])
    if name == "dac":
        dac(pin, int(words[2]))
    elif name == "line":
        line(pin, int(words[2]))
    elif name == "open":
        let_go(pin)
    elif name == "level":
        level(pin, words[2])
    else:
        raise ValueError("unknown order " + name)


def serve():
    readable = select.poll()
    readable.register(sys.stdin, select.POLLIN)
    typed = ""
    due = time.ticks_ms()
    print("stimulus board ready")
    while True:
        if readable.poll(5):
            key = sys.stdin.read(1)
            if key not in "\r\n":
                typed += key
            elif typed:
                try:
                    obey(typed.split())
                    print("ok", typed)
                except Exception as error:
                    print("err", typed, repr(error))
                typed = ""
        if time.ticks_diff(time.ticks_ms(), due) >= 0:
            due = time.ticks_add(due, PERIOD_MS)
            for uart, frame in meters.values():
                if frame:
                    uart.write(frame)


serve()
