"""Which version of MQTT a destination is spoken to in: learnt from how it answers; pure."""

from haidang_gateway.destination import Mode, Protocol
from haidang_gateway.errors import HungUp, ProtocolRefused, UplinkError

# A broker that knows only 3.1.1 may hang up on a 5 without a word; so does a bad line.
_SILENT_FAILURES = 3


class ProtocolChoice:
    """MQTT 5 where the destination has it, else 3.1.1; `old` says whether the latter.

    A broker that confirms alone must be able to refuse: without `ack`, 3.1.1 is never tried.
    """

    def __init__(self, wanted: Protocol, mode: Mode) -> None:
        """What the configuration says."""
        self.old = wanted == "3.1.1"
        self._may_change = wanted == "auto" and mode == "acked"
        self._failures = 0
        self._has_new = False

    def failed(self, error: UplinkError) -> None:
        """No connection came about, for a reason that may be the version or not."""
        if not self._may_change:
            return
        if isinstance(error, ProtocolRefused):
            self.old = not self.old
        elif isinstance(error, HungUp) and not self._has_new:
            self._failures += 1
            self.old ^= self._failures % _SILENT_FAILURES == 0

    def worked(self) -> None:
        """A connection came about: what worked is kept."""
        self._failures = 0
        self._has_new = self._has_new or not self.old
