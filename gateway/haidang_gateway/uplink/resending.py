"""When a message that lies at the broker is sent again; pure."""

from dataclasses import dataclass

from haidang_gateway.batch import Outgoing
from haidang_gateway.model import OutLane

AT_ONCE = 0
RESEND_MS = 2_000
RESEND_CAP_MS = 60_000
# The oldest alarm asks more often whether the centre is back; so does whatever a broker had
# nobody to give to, and one over which the connection may have ended.
PROBE_CAP_MS = 5_000
# Telemetry is in no hurry, and a bundle is dear on a slow line: while the centre says nothing at
# all, what the broker holds for it is sent no second time before this.
SILENCE_MS = 30_000
DATA_RESEND_MS = 5_000
_MOST_PATIENCE_MS = 600_000
_DOUBLINGS = 10


@dataclass(slots=True)
class Entry:
    """A message and what became of it so far."""

    message: Outgoing
    sendings: int = 0
    # None while the message is on its way to the broker, or waits for the centre.
    due_ms: int | None = AT_ONCE
    # Since when it is at the broker.
    taken_ms: int | None = None
    # Place of the newest sending among all.
    order: int = 0
    # Since when the centre has acknowledged something of its lane that was sent later.
    overtaken_ms: int | None = None
    # The broker had nobody to give it to.
    is_unheard: bool = False
    # What it waited for the centre has an outage of the line in it.
    spans_cut: bool = False
    # Since it was last accepted; a connection that ended over it counts as one.
    refusals: int = 0
    # How many messages had been accepted when this one was first refused.
    accepted_before: int = 0


class Patience:
    """How long the centre may take: as usual and four times how far that strays (RFC 6298)."""

    def __init__(self, least_ms: int) -> None:
        """Nothing was acknowledged yet; `wait_ms` is never less than `least_ms`."""
        self.wait_ms = least_ms
        self._least_ms = least_ms
        self._mean_ms: float | None = None
        self._stray_ms = 0.0

    def acknowledged(self, after_ms: int) -> None:
        """A message that was sent once was acknowledged so long after it had arrived."""
        if self._mean_ms is None:
            self._mean_ms, self._stray_ms = float(after_ms), after_ms / 2
        else:
            self._stray_ms += (abs(after_ms - self._mean_ms) - self._stray_ms) / 4
            self._mean_ms += (after_ms - self._mean_ms) / 8
        wait_ms = self._mean_ms + 4 * self._stray_ms
        self.wait_ms = round(min(_MOST_PATIENCE_MS, max(self._least_ms, wait_ms)))


class Lane:
    """What the centre's acknowledgements tell of the messages of one lane.

    `newest` is the latest sending of what was acknowledged.
    """

    def __init__(self, name: OutLane) -> None:
        """Nothing was sent yet."""
        is_data = name == "data"
        self.cursor = 0
        self.newest = 0
        self._patience = Patience(DATA_RESEND_MS if is_data else RESEND_MS)
        self._silence_ms = SILENCE_MS if is_data else RESEND_MS
        self._probe_cap_ms = RESEND_CAP_MS if is_data else PROBE_CAP_MS
        self._heard_ms = 0

    def acknowledged(self, entry: Entry, now_ms: int) -> None:
        """The centre has committed a message."""
        self._heard_ms = now_ms
        self.newest = max(self.newest, entry.order)
        # Of what was sent twice nobody knows which sending was acknowledged.
        if entry.sendings == 1 and entry.taken_ms is not None and not entry.spans_cut:
            self._patience.acknowledged(now_ms - entry.taken_ms)

    def again_ms(self, entry: Entry, *, is_oldest: bool) -> int | None:
        """When a message that lies at the broker is sent again; None: not by time."""
        assert entry.taken_ms is not None, "it lies at the broker"
        if entry.is_unheard:
            wait_ms = doubled(RESEND_MS, entry.sendings, PROBE_CAP_MS)
            return entry.taken_ms + wait_ms if is_oldest else None
        usual_ms = self._patience.wait_ms
        if entry.overtaken_ms is not None:
            wait_ms = doubled(usual_ms, entry.sendings, RESEND_CAP_MS)
            return max(entry.taken_ms, entry.overtaken_ms) + wait_ms
        if not is_oldest:
            return None
        # As long as others are acknowledged, so may this one be.
        wait_ms = doubled(max(usual_ms, self._silence_ms), entry.sendings, self._probe_cap_ms)
        return max(entry.taken_ms, self._heard_ms) + wait_ms


def doubled(first_ms: int, times: int, cap_ms: int) -> int:
    """The wait behind the so-manieth time; the cap never shortens the first."""
    return min(first_ms << min(times - 1, _DOUBLINGS), max(first_ms, cap_ms))
