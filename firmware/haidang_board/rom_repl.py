"""The console of the virtual board: friendly, raw and raw-paste REPL as mpremote expects them.

Runs in MicroPython. Protocol: MicroPython's documentation, "The raw REPL".
"""

import gc
import select
import sys
import termios

import rom_link

BANNER = b'MicroPython v1.29.0-preview; virtual board with ESP32\r\nType "help()" for more information.\r\n'

_RAW = b"raw REPL; CTRL-B to exit\r\n"
_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = 1, 2, 3, 4, 5
_BACKSPACE, _DELETE = 8, 127
_WINDOW = 128
_LFLAG = 3
_ISIG = 1
_NOFLSH = 0x80  # without it the terminal drops what follows a Ctrl-C

_terminal = termios.tcgetattr(0)
_byte = bytearray(1)
_input = sys.stdin.buffer
_output = sys.stdout.buffer
_readable = select.poll()
_readable.register(sys.stdin, select.POLLIN)
_globals = {"__name__": "__main__"}


class SoftReset(Exception):
    """The program or the person asked for a soft reset; `mode` is the REPL to come back in."""

    def __init__(self, mode):
        super().__init__(mode)
        self.mode = mode


def interruptible(on):
    """Let Ctrl-C raise KeyboardInterrupt (or not): the terminal makes the signal."""
    _terminal[0] = _terminal[1] = 0
    _terminal[_LFLAG] = _NOFLSH | (_ISIG if on else 0)
    termios.tcsetattr(0, 0, _terminal)


def run_file(name):
    """Run a file as boot.py and main.py are run; False when it ended with an exception."""
    try:
        with open(name) as file:
            source = file.read()
    except OSError:
        return True
    try:
        code = compile(source, name, "exec")
    except SyntaxError as error:
        sys.print_exception(error, sys.stdout)
        return False
    source = None
    return _run(code, "friendly", b"")


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


def _run(code, mode, mark):
    """Run code; True when it ended well. `mark` is written before a traceback."""
    try:
        interruptible(True)
        exec(code, _globals)
        return True
    except SystemExit:
        _output.write(mark)
        raise SoftReset(mode)
    except BaseException as error:
        interruptible(False)
        _output.write(mark)
        sys.print_exception(error, sys.stdout)
        return False
    finally:
        interruptible(False)


def _next():
    while not _readable.poll(1000):
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
            raise SoftReset("raw")
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
    try:
        code = compile(bytes(source), "<stdin>", "exec")
    except Exception as error:
        _output.write(b"\x04")
        sys.print_exception(error, sys.stdout)
        _output.write(b"\x04")
        return
    source = None
    gc.collect()
    ended_well = _run(code, "raw", b"\x04")
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
            _execute_friendly(source)


def _statement():
    """Read lines until a statement is whole; None for Ctrl-A."""
    source = ""
    while True:
        line = _line(b"... " if source else b">>> ")
        if line is None:
            return None
        source += line + "\n"
        block = source.lstrip().startswith("@") or source.split("\n", 1)[0].rstrip().endswith(":")
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
                raise SoftReset("friendly")
        elif key in b"\r\n":
            _output.write(b"\r\n")
            return line.decode()
        elif key in (_BACKSPACE, _DELETE):
            if line:
                line = line[:-1]
                _output.write(b"\b \b")
        else:
            line.append(key)
            _output.write(_byte)


def _execute_friendly(source):
    try:
        code = compile(source, "<stdin>", "single")
    except Exception as error:
        sys.print_exception(error, sys.stdout)
        return
    _run(code, "friendly", b"")
