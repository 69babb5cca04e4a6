"""The console of the virtual board: friendly, raw and raw-paste REPL as mpremote expects them.

Runs in MicroPython, loaded when main.py has ended. Protocol: MicroPython's documentation, "The
raw REPL".
"""

import gc
import select
import sys

import rom_link
import rom_run
from micropython import const

BANNER = (
    b"MicroPython v1.29.0-preview; virtual board with ESP32\r\n"
    b'Type "help()" for more information.\r\n'
)

_RAW = b"raw REPL; CTRL-B to exit\r\n"
_CTRL_A = const(1)
_CTRL_B = const(2)
_CTRL_C = const(3)
_CTRL_D = const(4)
_CTRL_E = const(5)
_WINDOW = const(128)

_byte = bytearray(1)
_input = sys.stdin.buffer
_output = sys.stdout.buffer
_readable = select.poll()
_readable.register(sys.stdin, select.POLLIN)


def console(mode):
    """Serve the console until a soft reset is asked for."""
    while True:
        try:
            if mode == "raw":
                _raw()
            mode = "friendly"
            _friendly()
            mode = "raw"
        except KeyboardInterrupt:
            continue  # a Ctrl-C that came when the program had already ended


def _next():
    while not _readable.poll(10):  # scheduled interrupt handlers run between two polls
        pass
    if not _input.readinto(_byte):
        rom_link.die("reset")
    return _byte[0]


def _raw():
    _output.write(_RAW)
    while True:
        _output.write(b">")
        source = _raw_source()
        if source is None:
            return
        if not source:
            raise rom_run.SoftReset("raw")
        _execute_raw(source)


def _raw_source():
    """Read one program; None for Ctrl-B, empty for a Ctrl-D on an empty line."""
    source = bytearray()
    while True:
        key = _next()
        if key == _CTRL_A:
            _output.write(_RAW + b">")
            source = bytearray()
        elif key == _CTRL_B:
            _output.write(b"\r\n")
            return None
        elif key == _CTRL_C:
            source = bytearray()
        elif key == _CTRL_D:
            _output.write(b"OK")
            return source
        elif key == _CTRL_E and not source:
            pasted = _paste()
            if pasted is not None:
                return pasted
        else:
            source.append(key)


def _paste():
    """Read a program by raw paste; None when the host asked for something else."""
    if _next() != ord("A"):
        _output.write(b"R\x00")
        _next()
        return None
    _next()
    _output.write(b"R\x01" + bytes([_WINDOW, 0]) + b"\x01")
    source = bytearray()
    left = _WINDOW
    while True:
        key = _next()
        if key == _CTRL_D:
            _output.write(b"\x04")
            return source or bytearray(b"\n")
        if key == _CTRL_C:
            _output.write(b"\x04")
            return bytearray(b"raise KeyboardInterrupt")
        source.append(key)
        left -= 1
        if not left:
            _output.write(b"\x01")
            left = _WINDOW


def _execute_raw(source):
    gc.collect()
    ended_well = rom_run.program(bytes(source), "raw", b"\x04", "exec")
    _output.write(b"\x04\x04" if ended_well else b"\x04")


def _friendly():
    """Serve the REPL for people until Ctrl-A."""
    _output.write(BANNER)
    while True:
        source = _statement()
        if source is None:
            _output.write(b"\r\n")
            return
        if source.strip():
            rom_run.program(source, "friendly", b"", "single")


def _statement():
    """Read lines until a statement is whole; None for Ctrl-A."""
    source = ""
    while True:
        line = _line(b"... " if source else b">>> ")
        if line is None:
            return None
        source += line + "\n"
        block = source.startswith("@") or source.split("\n", 1)[0].rstrip().endswith(":")
        if not block or not line.strip():
            return source


def _line(prompt):
    _output.write(prompt)
    line = bytearray()
    while True:
        key = _next()
        if key == _CTRL_A:
            return None
        if key in (_CTRL_B, _CTRL_C):
            _output.write(b"\r\n" + (BANNER if key == _CTRL_B else b"") + prompt)
            line = bytearray()
        elif key == _CTRL_D:
            if not line:
                _output.write(b"\r\n")
                raise rom_run.SoftReset("friendly")
        elif key in b"\r\n":
            _output.write(b"\r\n")
            return line.decode()
        elif key in b"\x08\x7f":
            if line:
                line = line[:-1]
                _output.write(b"\b \b")
        else:
            line.append(key)
            _output.write(_byte)
