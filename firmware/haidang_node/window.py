"""Which pack to send next: alarms first, a bounded number on the way, only missing ones again."""

from haidang_node.outbox import ALARM, DATA, Held, Outbox, Place


class Window:
    """The packs on their way; pure: time comes in, packs to send come out.

    places: packs on the way at most; alarm_places of them are kept free for alarms.
    A pack without acknowledgement is due again after resend_ms, doubling to cap_ms.

    No pack holds its place for ever. One that has waited cap_ms gives it to the next pack of its
    lane; for an alarm that came during this connection, one that was sent twice is enough. Who
    gave its place, or could not be read, gets another turn when the lane has been read to its
    end, at most once in cap_ms.
    """

    def __init__(
        self, outbox: Outbox, places: int, alarm_places: int, resend_ms: int, cap_ms: int
    ) -> None:
        self._outbox = outbox
        self._places = {ALARM: places, DATA: places - alarm_places}
        self._resend_ms = resend_ms
        self._cap_ms = cap_ms
        self.restart()

    def restart(self) -> None:
        """A new connection, or the gateway came back: all that is held is due now."""
        self._on_way: list[Held] = []
        self._read_to = {ALARM: Place(), DATA: Place()}
        # Alarms from here on overtake those that have waited: they tell what is.
        self._live = self._outbox.end(ALARM)
        # Whether packs of a lane gave their place, and when it is read from the start again.
        self._again_ms: dict = {ALARM: None, DATA: None}

    def next(self, now_ms: int) -> Held | None:
        """The pack to send now; None where nothing is due or no place is free."""
        held = self._fresh(ALARM, self._live, self._resend_ms * 2, now_ms)
        for lane in (ALARM, DATA):
            held = held or self._due(lane, now_ms)
            held = held or self._fresh(lane, self._read_to[lane], self._cap_ms, now_ms)
        return held

    def sent(self, held: Held, packet_id: int, now_ms: int) -> None:
        """Notes a sending; the next one of this pack comes later each time."""
        held.packet_id = packet_id
        held.delay_ms = min(held.delay_ms * 2, self._cap_ms) if held.delay_ms else self._resend_ms
        held.due_ms = now_ms + held.delay_ms

    def refused(self, packet_id: int) -> Held | None:
        """The pack that the broker answered with a reason; it stays on the way until it is due."""
        for held in self._on_way:
            if held.packet_id == packet_id:
                return held
        return None

    def tidy(self) -> None:
        """Forgets packs that are no longer held."""
        self._on_way = [held for held in self._on_way if self._outbox.is_held(held)]

    def wait_ms(self, now_ms: int, limit_ms: int) -> int:
        """How long until a pack on its way is due again, at most limit_ms."""
        wait = limit_ms
        for held in self._on_way:
            wait = min(wait, held.due_ms - now_ms)
        return max(0, wait)

    def _due(self, lane: str, now_ms: int) -> Held | None:
        first = None
        for held in self._on_way:
            earlier = first is None or held.due_ms < first.due_ms
            if held.lane == lane and held.due_ms <= now_ms and earlier:
                first = held
        return first

    def _fresh(self, lane: str, place: Place, stale_ms: int, now_ms: int) -> Held | None:
        while True:
            leaving = None if self._room(lane) else self._stalest(lane, stale_ms)
            if leaving is None and not self._room(lane):
                return None
            # A pack is taken from the reading place only when it has a place here.
            held = self._outbox.next(lane, place)
            if held is None:
                self._read_again(lane, place, now_ms)
                return None
            if self._is_on_way(held):
                continue
            if leaving is not None:
                self._on_way.remove(leaving)
                if self._again_ms[leaving.lane] is None:
                    self._again_ms[leaving.lane] = now_ms + self._cap_ms
            held.delay_ms = 0
            held.packet_id = 0
            self._on_way.append(held)
            return held

    def _read_again(self, lane: str, place: Place, now_ms: int) -> None:
        if place.missed:
            place.missed = False
            self._again_ms[lane] = self._again_ms[lane] or now_ms + self._cap_ms
        again_ms = self._again_ms[lane]
        if again_ms is not None and now_ms >= again_ms and place is not self._live:
            self._read_to[lane] = Place()
            self._again_ms[lane] = None

    def _room(self, lane: str) -> bool:
        if lane == DATA:
            data = 0
            for held in self._on_way:
                data += held.lane == DATA
            return data < self._places[DATA] and len(self._on_way) < self._places[ALARM]
        return len(self._on_way) < self._places[ALARM]

    def _stalest(self, lane: str, delay_ms: int) -> Held | None:
        # The pack that was sent most often; telemetry never takes the place of an alarm.
        stalest = None
        for held in self._on_way:
            if lane == DATA and held.lane == ALARM:
                continue
            if held.delay_ms >= delay_ms and (stalest is None or held.delay_ms > stalest.delay_ms):
                stalest = held
        return stalest

    def _is_on_way(self, held: Held) -> bool:
        return any([other.seq == held.seq and other.key == held.key for other in self._on_way])
