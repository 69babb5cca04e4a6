"""One serial device, read and written without waiting; the only importer of pyserial."""

import contextlib
import os
import termios

import serial

from haidang_gateway.errors import SerialPortError

READ_BYTES = 4096
# What pyserial and the system raise for a device that is away or no terminal.
_TROUBLE = (OSError, ValueError, EOFError, termios.error)


class SerialPort:
    """An open device: 8 data bits, no parity, one stop bit, no flow control, held alone."""

    def __init__(self, device: str, baud: int) -> None:
        """Store the arguments; `open` opens."""
        self._device = device
        self._baud = baud
        self._port: serial.Serial | None = None

    def open(self) -> int:
        """Open the device and forget what lies in its buffers; its file descriptor.

        SerialPortError where it is away, another program holds it or the rate is impossible.
        """
        try:
            self._port = serial.Serial(self._device, self._baud, timeout=0, exclusive=True)
            return int(self._port.fileno())
        except _TROUBLE as error:
            raise SerialPortError(
                f"{self._device} cannot be opened: {error}; is it plugged in?"
            ) from error

    def read(self) -> bytes:
        """What has come, at most 4 KiB; SerialPortError where it has gone.

        Only where the system calls the device readable: nothing to read then means its end.
        """
        try:
            data = os.read(self._fd(), READ_BYTES)
        except BlockingIOError:
            return b""
        except _TROUBLE as error:
            raise SerialPortError(f"{self._device} has gone: {error}") from error
        if not data:
            raise SerialPortError(f"{self._device} has gone")
        return data

    def write(self, data: bytes) -> None:
        """Send a frame; what a full driver does not take is lost, as on any line.

        pyserial's own write would wait for ever where a device takes nothing any more.
        """
        try:
            os.write(self._fd(), data)
        except BlockingIOError:
            return
        except _TROUBLE as error:
            raise SerialPortError(f"{self._device} has gone: {error}") from error

    def close(self) -> None:
        """Let go of it at once: unsent bytes of a dead line are not waited for."""
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(*_TROUBLE):
                port.reset_output_buffer()
            with contextlib.suppress(*_TROUBLE):
                port.close()

    def _fd(self) -> int:
        if self._port is None:
            raise SerialPortError(f"{self._device} is not open")
        return int(self._port.fileno())
