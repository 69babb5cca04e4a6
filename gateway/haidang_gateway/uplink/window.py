"""What is under way to a destination, when it is sent again, and what goes first; pure."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from haidang_wire import ranges

from haidang_gateway.batch import Outgoing
from haidang_gateway.model import OutLane
from haidang_gateway.uplink import resending
from haidang_gateway.uplink.pace import Pace
from haidang_gateway.uplink.resending import AT_ONCE, Entry, Lane, doubled

# In the order in which they are sent.
LANES: tuple[OutLane, ...] = ("alarm", "reply", "data")
# The link takes 100 unconfirmed publishes; four are left for the gateway's own status.
WINDOW = 96
# The other lanes leave this many places free, so that an alarm never waits for one.
ALARM_PLACES = 32
# A destination that refuses a message so often, and takes others meanwhile, will never take it:
# 8 refusals are five minutes. One that takes nothing at all is mended rather: 40 are half an hour.
_REFUSALS = 8
_REFUSALS_OF_ALL = 40


class _Look(NamedTuple):
    """What is due at a moment, in the order of sending, and when more will be (inf: never)."""

    at_ms: int
    ready: list[Entry]
    later_ms: float


class Window:
    """Messages that were loaded and are not yet confirmed, by sequence.

    A message at the broker is sent again when it must be lost: the broker had nobody to give it
    to, or the centre has acknowledged what was sent later. Where the centre says nothing at all,
    the oldest message of each lane alone asks, more and more seldom.
    """

    def __init__(self) -> None:
        """Start empty, before the first sequence."""
        self.pace = Pace()
        self._entries: dict[int, Entry] = {}
        self._lanes: dict[OutLane, Lane] = {lane: Lane(lane) for lane in LANES}
        self._accepted = 0
        self._sendings = 0
        self._has_unheard = False
        # Until a message changes: it is asked for many times between two changes.
        self._look: _Look | None = None
        # What was handed to the link and has no answer yet, in the order of sending.
        self._in_hand: dict[int, None] = {}

    def __len__(self) -> int:
        """How many messages are unconfirmed."""
        return len(self._entries)

    def cursor(self, lane: OutLane) -> int:
        """The highest sequence of a lane that was loaded."""
        return self._lanes[lane].cursor

    def room(self, lane: OutLane) -> int:
        """How many more messages of a lane may be loaded."""
        limit = WINDOW if lane == "alarm" else WINDOW - ALARM_PLACES
        return max(0, limit - len(self._entries))

    def sent_of(self, lane: OutLane) -> int:
        """How many unconfirmed messages of a lane have been sent."""
        return sum(
            entry.sendings > 0 and entry.message.lane == lane for entry in self._entries.values()
        )

    def add(self, message: Outgoing) -> None:
        """Load a message; it is due at once."""
        self._look = None
        self._entries[message.seq] = Entry(message)
        lane = self._lanes[message.lane]
        lane.cursor = max(lane.cursor, message.seq)

    def due(self, now_ms: int) -> list[Outgoing]:
        """What is to be sent now: by lane, alarms all, of the rest what the line may hold."""
        ready = self._looked(now_ms).ready
        if not ready:
            return []
        under_way, limit = self._bytes_in_hand(), self.pace.window(now_ms)
        chosen: list[Outgoing] = []
        for entry in ready:
            if entry.message.lane != "alarm":
                size = len(entry.message.payload)
                if under_way and under_way + size > limit:
                    break
                under_way += size
            chosen.append(entry.message)
        return chosen

    def sent(self, seq: int, now_ms: int) -> None:
        """Note that a message is on its way to the broker."""
        self._look = None
        entry = self._entries[seq]
        self._sendings += 1
        entry.order = self._sendings
        entry.sendings += 1
        entry.due_ms = entry.taken_ms = entry.overtaken_ms = None
        entry.spans_cut = False
        self._in_hand[seq] = None
        self.pace.sent(seq, len(entry.message.payload), now_ms)

    def taken(self, seq: int, now_ms: int, *, is_heard: bool = True) -> None:
        """Note the broker's PUBACK; `is_heard`: there was somebody to give it to.

        What was given to nobody goes out again as soon as somebody is there.
        """
        self._look = None
        self._in_hand.pop(seq, None)
        self.pace.answered(seq, now_ms)
        if is_heard and self._has_unheard:
            self._hurry(now_ms)
        entry = self._entries.get(seq)
        if entry is None:
            return
        self._accepted += 1
        entry.refusals = 0
        entry.taken_ms = now_ms
        entry.is_unheard = not is_heard
        self._has_unheard |= entry.is_unheard

    def refused(self, seq: int, now_ms: int) -> bool:
        """Note the broker's refusal; whether the message is hopeless and holds up the others."""
        self._look = None
        self._in_hand.pop(seq, None)
        self.pace.refused(seq)
        entry = self._entries.get(seq)
        if entry is None:
            return False
        self._put_off(entry, now_ms)
        limit = _REFUSALS if self._accepted > entry.accepted_before else _REFUSALS_OF_ALL
        return entry.refusals >= limit

    def drop(self, seq: int) -> None:
        """Forget a message that is no longer to be sent."""
        self._look = None
        self._entries.pop(seq, None)

    def reconnected(self, now_ms: int, *, is_kept: bool) -> int | None:
        """Note a new connection: what may be lost with the old one is due at once.

        Where the broker has kept our session (`is_kept`), telemetry that it took waits there for
        the centre; alarms go again all the same. Of what the old connection had in hand the oldest
        waits the second time: in MQTT 3.1.1 a broker that cannot take a message
        says so by hanging up. The sequence of one that is hopeless by now, if there is one: it
        alone, for the others pass.
        """
        self._look = None
        oldest = next((seq for seq in self._in_hand if seq in self._entries), None)
        self._in_hand.clear()
        self.pace = Pace()
        self._has_unheard = False
        for entry in self._entries.values():
            if is_kept and _lies_at_broker(entry):
                # Once for each sending: cuts that never end must not put it off for ever.
                if not entry.spans_cut:
                    entry.taken_ms, entry.spans_cut = now_ms, True
            else:
                entry.due_ms, entry.taken_ms = AT_ONCE, None
        if oldest is None:
            return None
        entry = self._entries[oldest]
        self._put_off(entry, now_ms)
        # A line that is cut often may have an alarm at stake: it waits no longer than this.
        entry.due_ms = AT_ONCE if entry.refusals == 1 else now_ms + resending.PROBE_CAP_MS
        is_alone = self._accepted == entry.accepted_before
        return None if is_alone or entry.refusals < _REFUSALS else oldest

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

    def confirm(self, confirmed: list[list[int]], now_ms: int) -> None:
        """Drop what the centre has committed."""
        self._look = None
        for seq in ranges.each(confirmed):
            entry = self._entries.pop(seq, None)
            if entry is not None:
                self._lanes[entry.message.lane].acknowledged(entry, now_ms)
        for entry in self._entries.values():
            if (
                entry.overtaken_ms is None
                and entry.taken_ms is not None
                and entry.order < self._lanes[entry.message.lane].newest
            ):
                entry.overtaken_ms = now_ms

    def next_due_ms(self, now_ms: int) -> int | None:
        """When the next message becomes due after `now_ms`."""
        later_ms = self._looked(now_ms).later_ms
        return None if later_ms == math.inf else int(later_ms)

    def _looked(self, now_ms: int) -> _Look:
        look = self._look
        if look is None or not look.at_ms <= now_ms < look.later_ms:
            times = [(due_ms, entry) for entry, due_ms in self._times() if due_ms is not None]
            ready = [entry for due_ms, entry in times if due_ms <= now_ms]
            ready.sort(key=_rank)
            later_ms = min((due_ms for due_ms, _ in times if due_ms > now_ms), default=math.inf)
            look = self._look = _Look(now_ms, ready, later_ms)
        return look

    def _put_off(self, entry: Entry, now_ms: int) -> None:
        if not entry.refusals:
            entry.accepted_before = self._accepted
        entry.refusals += 1
        entry.due_ms = now_ms + doubled(
            resending.RESEND_MS, entry.refusals, resending.RESEND_CAP_MS
        )
        entry.taken_ms = None

    def _times(self) -> Iterator[tuple[Entry, int | None]]:
        """Every message with the time at which it is to be sent."""
        asking: set[tuple[OutLane, bool]] = set()
        for entry in self._entries.values():
            if not entry.sendings:
                yield entry, entry.due_ms
                continue
            kind = (entry.message.lane, entry.is_unheard)
            is_oldest = not entry.refusals and kind not in asking
            if is_oldest:
                asking.add(kind)
            if entry.taken_ms is None:
                yield entry, entry.due_ms
            else:
                yield entry, self._lanes[entry.message.lane].again_ms(entry, is_oldest=is_oldest)

    def _hurry(self, now_ms: int) -> None:
        """Somebody is there: send at once what was given to nobody."""
        self._has_unheard = False
        for entry in self._entries.values():
            if entry.is_unheard and entry.taken_ms is not None:
                entry.is_unheard, entry.due_ms, entry.taken_ms = False, now_ms, None

    def _bytes_in_hand(self) -> int:
        entries = (self._entries.get(seq) for seq in self._in_hand)
        return sum(
            len(entry.message.payload)
            for entry in entries
            if entry is not None and entry.message.lane != "alarm"
        )


def _rank(entry: Entry) -> tuple[int, int]:
    return LANES.index(entry.message.lane), entry.message.seq


def _lies_at_broker(entry: Entry) -> bool:
    """Telemetry for the centre, whose silence is no loss."""
    return entry.message.lane == "data" and entry.taken_ms is not None and not entry.is_unheard
