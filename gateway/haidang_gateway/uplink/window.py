"""What is under way to a destination, when it is sent again, and what goes first; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from haidang_wire import ranges

from haidang_gateway.batch import Outgoing
from haidang_gateway.model import OutLane

# In the order in which they are sent.
LANES: tuple[OutLane, ...] = ("alarm", "reply", "data")
# The link takes 100 unconfirmed publishes; four are left for the gateway's own status.
WINDOW = 96
# The other lanes leave this many places free, so that an alarm never waits for one.
ALARM_PLACES = 32
# What lies in the socket cannot be overtaken: on a 256 kbit/s line these bytes take 2 s.
DATA_BYTES = 64 * 1024

_RESEND_MS = 2_000
_RESEND_CAP_MS = 60_000
# The oldest message asks more often whether the centre is back; its ack wakes all the others.
# So does one over which the connection may have ended.
_PROBE_CAP_MS = 5_000
_AT_ONCE = 0
# A destination that refuses a message so often, and takes others meanwhile, will never take it:
# 8 refusals are five minutes. One that takes nothing at all is mended rather: 40 are half an hour.
_REFUSALS = 8
_REFUSALS_OF_ALL = 40


@dataclass(slots=True)
class _Entry:
    message: Outgoing
    sendings: int = 0
    # None while the message is on its way to the broker.
    due_ms: int | None = _AT_ONCE
    # Since it was last accepted; a connection that ended over it counts as one.
    refusals: int = 0
    # How many messages had been accepted when this one was first refused.
    accepted_before: int = 0


class Window:
    """Messages that were loaded and are not yet confirmed, by sequence."""

    def __init__(self) -> None:
        """Start empty, before the first sequence."""
        self._entries: dict[int, _Entry] = {}
        self._cursors: dict[OutLane, int] = dict.fromkeys(LANES, 0)
        # Whether a time-out has made us send again since the centre's last word.
        self._centre_silent = False
        self._accepted = 0
        # What was handed to the link and has no answer yet, in the order of sending.
        self._in_hand: dict[int, None] = {}

    def __len__(self) -> int:
        """How many messages are unconfirmed."""
        return len(self._entries)

    def cursor(self, lane: OutLane) -> int:
        """The highest sequence of a lane that was loaded."""
        return self._cursors[lane]

    def room(self, lane: OutLane) -> int:
        """How many more messages of a lane may be loaded."""
        limit = WINDOW if lane == "alarm" else WINDOW - ALARM_PLACES
        return max(0, limit - len(self._entries))

    def add(self, message: Outgoing) -> None:
        """Load a message; it is due at once."""
        self._entries[message.seq] = _Entry(message)
        self._cursors[message.lane] = max(self._cursors[message.lane], message.seq)

    def due(self, now_ms: int) -> list[Outgoing]:
        """What is to be sent now: by lane, data as far as the line may hold."""
        ready = sorted(
            (entry for entry in self._entries.values() if _is_due(entry, now_ms)),
            key=lambda entry: (LANES.index(entry.message.lane), entry.message.seq),
        )
        under_way = self._data_bytes_under_way()
        chosen: list[Outgoing] = []
        for entry in ready:
            if entry.message.lane == "data":
                size = len(entry.message.payload)
                if under_way and under_way + size > DATA_BYTES:
                    break
                under_way += size
            chosen.append(entry.message)
        return chosen

    def sent(self, seq: int) -> None:
        """Note that a message is on its way to the broker."""
        entry = self._entries[seq]
        entry.sendings += 1
        self._centre_silent |= entry.sendings > 1 and entry.due_ms != _AT_ONCE
        entry.due_ms = None
        self._in_hand[seq] = None

    def taken(self, seq: int, now_ms: int) -> None:
        """Note the broker's PUBACK: from now on the centre has time to acknowledge.

        The time doubles with every sending from 2 s to 60 s, for the oldest message to 5 s.
        """
        self._in_hand.pop(seq, None)
        entry = self._entries.get(seq)
        if entry is None:
            return
        self._accepted += 1
        entry.refusals = 0
        doubled = _RESEND_MS << min(entry.sendings - 1, 10)
        cap = _PROBE_CAP_MS if seq == min(self._entries) else _RESEND_CAP_MS
        entry.due_ms = now_ms + min(doubled, cap)

    def refused(self, seq: int, now_ms: int) -> bool:
        """Note the broker's refusal; whether the message is hopeless and holds up the others."""
        self._in_hand.pop(seq, None)
        entry = self._entries.get(seq)
        if entry is None:
            return False
        if not entry.refusals:
            entry.accepted_before = self._accepted
        entry.refusals += 1
        entry.due_ms = now_ms + min(_RESEND_MS << min(entry.refusals - 1, 10), _RESEND_CAP_MS)
        limit = _REFUSALS if self._accepted > entry.accepted_before else _REFUSALS_OF_ALL
        return entry.refusals >= limit

    def drop(self, seq: int) -> None:
        """Forget a message that is no longer to be sent."""
        self._entries.pop(seq, None)

    def reconnected(self, now_ms: int) -> int | None:
        """Note a new connection: what the old one had in hand may be lost and is due at once.

        But for the oldest of it the second time: in MQTT 3.1.1 a broker that cannot take a message
        says so by hanging up. The sequence of one that is hopeless by now, if there is one.
        """
        oldest = next((seq for seq in self._in_hand if seq in self._entries), None)
        self._in_hand.clear()
        for entry in self._entries.values():
            entry.due_ms = _AT_ONCE
        if oldest is None:
            return None
        hopeless = self.refused(oldest, now_ms)
        entry = self._entries[oldest]
        # A line that is cut often may have an alarm at stake: it waits no longer than this.
        entry.due_ms = _AT_ONCE if entry.refusals == 1 else now_ms + _PROBE_CAP_MS
        return oldest if hopeless else None

    def under_way(self, acknowledged: Sequence[Sequence[int]]) -> list[list[int]]:
        """The acknowledged sequences that were really sent and are not yet confirmed.

        A sequence that was never sent is not taken for confirmed, whatever the centre says.
        """
        known = [list(pair) for pair in acknowledged]
        return ranges.from_sorted(
            seq
            for seq, entry in sorted(self._entries.items())
            if entry.sendings and ranges.contains(known, seq)
        )

    def confirm(self, confirmed: list[list[int]]) -> None:
        """Drop what the centre has committed."""
        for seq in ranges.each(confirmed):
            self._entries.pop(seq, None)
        if self._centre_silent:
            self._centre_silent = False
            self._hurry()

    def next_due_ms(self, now_ms: int) -> int | None:
        """When the next message becomes due after `now_ms`."""
        times = (entry.due_ms for entry in self._entries.values())
        return min((due for due in times if due is not None and due > now_ms), default=None)

    def _hurry(self) -> None:
        """The centre is back: send at once what was sent in vain."""
        for entry in self._entries.values():
            if entry.sendings and entry.due_ms is not None:
                entry.due_ms = _AT_ONCE

    def _data_bytes_under_way(self) -> int:
        return sum(
            len(entry.message.payload)
            for entry in self._entries.values()
            if entry.due_ms is None and entry.message.lane == "data"
        )


def _is_due(entry: _Entry, now_ms: int) -> bool:
    return entry.due_ms is not None and entry.due_ms <= now_ms
