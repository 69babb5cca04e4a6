"""Which pack to send next: alarms first, a bounded number on the way, only missing ones again."""

from haidang_node.outbox import ALARM, DATA, Held, Outbox, Place


class Window:
    """The packs on their way; pure: time comes in, packs to send come out.

    places: packs on the way at most; alarm_places of them are kept free for alarms.
    A pack without acknowledgement is due again after resend_ms, doubling to cap_ms.
    """

    def __init__(
        self, outbox: Outbox, places: int, alarm_places: int, resend_ms: int, cap_ms: int
    ) -> None:
        self._outbox = outbox
        self._places = {ALARM: places, DATA: places - alarm_places}
        self._resend_ms = resend_ms
        self._cap_ms = cap_ms
        self._on_way: list[Held] = []
        self._read_to = {ALARM: Place(), DATA: Place()}

    def restart(self) -> None:
        """A new connection, or the gateway came back: all that is held is due now."""
        self._on_way = []
        self._read_to = {ALARM: Place(), DATA: Place()}

    def next(self, now_ms: int) -> Held | None:
        """The pack to send now; None where nothing is due or no place is free."""
        for lane in (ALARM, DATA):
            held = self._due(lane, now_ms) or self._fresh(lane)
            if held:
                return held
        return None

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

    def _fresh(self, lane: str) -> Held | None:
        while self._room(lane):
            held = self._outbox.next(lane, self._read_to[lane])
            if held is None:
                return None
            if not self._is_on_way(held):
                held.delay_ms = 0
                held.packet_id = 0
                self._on_way.append(held)
                return held
        return None

    def _room(self, lane: str) -> bool:
        if lane == DATA:
            data = 0
            for held in self._on_way:
                data += held.lane == DATA
            return data < self._places[DATA] and len(self._on_way) < self._places[ALARM]
        return len(self._on_way) < self._places[ALARM]

    def _is_on_way(self, held: Held) -> bool:
        for other in self._on_way:
            if other.seq == held.seq and other.boot == held.boot and other.epoch == held.epoch:
                return True
        return False
