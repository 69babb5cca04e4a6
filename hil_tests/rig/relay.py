"""A USB relay of the LCUS-1 kind: a CH340 and a relay, four bytes per order, no answer."""

import serial

from rig.errors import SwitchFailed

_BAUD = 9600
_WRITE_S = 2.0


def order(channel: int, closed: bool) -> bytes:
    """`A0 channel state sum` (LCUS-1 data sheet); closed joins COM and NO."""
    head = bytes([0xA0, channel, 1 if closed else 0])
    return head + bytes([sum(head) & 0xFF])


class RelaySwitch:
    """One channel; `inverted` where the wire goes through the contact that is closed at rest."""

    attended = False

    def __init__(self, port: str, channel: int = 1, *, inverted: bool = False) -> None:
        """Keep the arguments."""
        self.name = f"USB relay {port} channel {channel}"
        self._port = port
        self._channel = channel
        self._inverted = inverted

    def set(self, on: bool) -> None:
        """Switch; the relay does not answer, so only a missing port is noticed."""
        try:
            with serial.Serial(self._port, _BAUD, write_timeout=_WRITE_S) as port:
                port.write(order(self._channel, on is not self._inverted))
                port.flush()
        except (serial.SerialException, OSError) as error:
            raise SwitchFailed(
                f"{self.name} cannot be opened: {error}; plug it in, `ls /dev/serial/by-id` "
                f"names it, and you must be in the group dialout"
            ) from error
