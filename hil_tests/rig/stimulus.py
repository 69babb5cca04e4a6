"""A second ESP32 that plays the sensors: DAC, contact, ultrasonic level meter."""

import time
from pathlib import Path
from typing import Self

import serial

from rig.errors import StimulusFailed

_PROGRAM = Path(__file__).with_name("stimulus_board.py")
_BAUD = 115_200
_READ_S = 0.05
_ANSWER_S = 5.0
# What a UART without flow control takes while the interpreter listens.
_CHUNK_BYTES = 128
_CHUNK_S = 0.01
_STOP = b"\r\x03\x03"
_RAW = b"\x01"
_RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_RUN = b"\x04"
_PLAIN = b"\x02"
_READY = b"stimulus board ready"
# An ESP32's 8-bit DAC spans its 3.3 V supply.
_DAC_STEPS = 255
_DAC_FULL_UV = 3_300_000


class StimulusBoard:
    """Speaks the orders of `stimulus_board.py`; a context manager."""

    def __init__(self, port: str) -> None:
        """Keep the port."""
        self.name = f"stimulus board {port}"
        self._port = port
        self._said = b""

    def __enter__(self) -> Self:
        """Open the port and start the program on the board."""
        try:
            self._serial = serial.Serial(self._port, _BAUD, timeout=_READ_S, exclusive=True)
        except (serial.SerialException, OSError) as error:
            raise StimulusFailed(f"{self.name} cannot be opened: {error}; plug it in") from error
        try:
            self._begin()
        except BaseException:
            self._serial.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the program (every pin keeps its last level) and let go of the port."""
        self._serial.write(_STOP + _PLAIN)
        self._serial.flush()
        self._serial.close()

    def set_voltage(self, pin: int, uv: float) -> None:
        """A voltage at a DAC pin (25 or 26), in microvolts; steps of 13 mV."""
        steps = round(min(max(uv, 0), _DAC_FULL_UV) * _DAC_STEPS / _DAC_FULL_UV)
        self._order(f"dac {pin} {steps}")

    def set_line(self, pin: int, level: int | None) -> None:
        """Drive a pin to 0 or 1; None lets go of it, as an open contact does."""
        self._order(f"open {pin}" if level is None else f"line {pin} {level}")

    def set_distance_mm(self, pin: int, distance_mm: int | None) -> None:
        """What an A02YYUW at a pin tells ten times a second; None: the meter is silent."""
        self._order(f"level {pin} {'off' if distance_mm is None else distance_mm}")

    def _begin(self) -> None:
        self._serial.write(_STOP + _RAW)
        self._await(_RAW_PROMPT, "no MicroPython answers; press its reset button")
        program = _PROGRAM.read_bytes()
        for at in range(0, len(program), _CHUNK_BYTES):
            self._serial.write(program[at : at + _CHUNK_BYTES])
            time.sleep(_CHUNK_S)
        self._serial.write(_RUN)
        self._await(_READY, "its program did not start")

    def _order(self, order: str) -> None:
        self._serial.write(order.encode() + b"\n")
        answer = self._await(b"\n", f"no answer to `{order}`", f" {order}".encode())
        if not answer.startswith(b"ok"):
            raise StimulusFailed(f"{self.name} refused: {answer.decode(errors='replace')}")

    def _await(self, mark: bytes, what: str, within: bytes = b"") -> bytes:
        deadline_s = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline_s:
            while mark in self._said:
                said, _, self._said = self._said.partition(mark)
                if within in said:
                    return said.strip()
            self._said += self._serial.read(max(1, self._serial.in_waiting))
        raise StimulusFailed(f"{self.name}: {what}; it said {self._said[-200:]!r}")
