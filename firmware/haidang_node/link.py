"""Wi-Fi states: joins the best of the known networks, stays with it, backs off without one."""

from micropython import const

from haidang_node import loading, log
from haidang_node.errors import LinkError

OFF = "off"
JOINING = "joining"
UP = "up"
WAITING = "waiting"

# An access point answers within a few seconds, a slow DHCP server within ten.
_JOIN_DEADLINE_MS = const(15000)
_BACKOFF_MS = const(1000)
_BACKOFF_CAP_MS = const(30000)
# A link that held this long was a good one: the next failure starts with a short wait again.
_STABLE_MS = const(5000)
# A driver that hangs is helped by switching the radio off and on, seldom only by a reset.
_FAILURES_TO_CYCLE = const(8)
_REFUSALS_TO_CYCLE = const(3)
_REFUSALS_TO_RESET = const(60)
_RESET_MS = const(86400000)
_NEXT_RESET_MS = const(21600000)
# Of ESP-IDF: 4-way handshake, no access point, authentication, handshake time-out.
_WRONG_KEY = "refused; is the key right?"
_REFUSALS = {15: _WRONG_KEY, 201: "not in reach", 202: _WRONG_KEY, 204: _WRONG_KEY}
# The ESP32 raises RuntimeError for what its list of Wi-Fi errors does not name.
_FAILURES = (OSError, RuntimeError)
_LOG = log.Log("link")


class Backoff:
    """Waits that double to a cap, with jitter of a quarter; `random_32` gives the jitter."""

    def __init__(self, first_ms: int, cap_ms: int, random_32) -> None:
        self._first_ms = first_ms
        self._cap_ms = cap_ms
        self._random_32 = random_32
        self._next_ms = first_ms

    def wait_ms(self) -> int:
        """The next wait."""
        wait = self._next_ms
        self._next_ms = min(wait * 2, self._cap_ms)
        return wait - (self._random_32() % (wait // 4 + 1))

    def worked(self, lasted_ms: int) -> None:
        """After a success that lasted; a stable one starts over."""
        if lasted_ms >= _STABLE_MS:
            self._next_ms = self._first_ms


class Link:
    """A state machine stepped about twice a second; no want of a network ends it.

    The last good network is tried first, then the known ones by strength, then the rest of the
    list. `storage` (get, put, commit) remembers the last good one. LinkError, at most once in six
    hours, where the radio hangs and only a reset of the chip can help.
    """

    def __init__(self, radio, networks: list, random_32, storage=None) -> None:
        self._radio = radio
        self._networks = networks
        self._storage = storage
        self._backoff = Backoff(_BACKOFF_MS, _BACKOFF_CAP_MS, random_32)
        self._since_ms = 0
        self._until_ms = 0
        self._round: list = []
        self._rounds = 0
        self._at = 0
        # In a row: attempts without a network, and refusals by the driver itself.
        self._failures = 0
        self._refusals = 0
        self._down_ms = 0
        self._trouble = log.Trouble(_LOG, "joining Wi-Fi")
        self.state = OFF

    @property
    def up(self) -> bool:
        """Whether there is a network."""
        return self.state == UP

    def step(self, now_ms: int) -> None:
        """Looks at the radio and moves on."""
        if self.state == UP:
            if not self._radio.joined():
                self._backoff.worked(now_ms - self._since_ms)
                self._down_ms = now_ms
                self._lost(now_ms, "the network went away")
        elif self.state == JOINING:
            self._look(now_ms)
        elif now_ms >= self._until_ms:
            self._join(now_ms)

    def off(self) -> None:
        """Leaves the network and switches the radio off."""
        self._quietly(self._radio.leave)
        self._quietly(self._radio.off)
        self.state = OFF

    def _join(self, now_ms: int) -> None:
        try:
            if not self._round:
                self._round = self._plan()
            self._at, bssid = self._round.pop(0)
            network = self._networks[self._at]
            self._set(JOINING, now_ms)
            self._until_ms = now_ms + _JOIN_DEADLINE_MS
            self._radio.join(network["ssid"], network["key"], bssid)
            self._refusals = 0
        except _FAILURES as error:
            self._refusals += 1
            self._failed(now_ms, error)

    def _plan(self) -> list:
        self._rounds += 1
        if len(self._networks) == 1:
            return [(0, None)]
        last = self._remembered("wifi") - 1
        if self._rounds == 1 and 0 <= last < len(self._networks):
            return [(last, None)]
        # A scan stops every loop for 2 s: soon after a loss, then in every eighth round.
        seen = self._radio.scan() if self._rounds <= 2 or not self._rounds & 7 else []
        if not seen:
            return [(place, None) for place in range(len(self._networks))]
        return loading.call("haidang_node.networks", "ranked", self._networks, seen)

    def _look(self, now_ms: int) -> None:
        if self._radio.joined():
            self._trouble.over()
            self._failures = self._refusals = self._rounds = 0
            self._round = []
            self._remember("wifi", self._at + 1)
            self._remember("radio", 0)
            self._set(UP, now_ms)
            return
        refusal = self._radio.refusal()
        if refusal:
            self._failed(now_ms, _REFUSALS.get(refusal, "reason %d" % refusal))
        elif now_ms >= self._until_ms:
            self._failed(now_ms, "no answer")

    def _failed(self, now_ms: int, reason: object) -> None:
        self._failures += 1
        self._lost(now_ms, "%s: %s" % (self._networks[self._at]["ssid"], reason))
        if self._refusals % _REFUSALS_TO_CYCLE == 1 or not self._failures % _FAILURES_TO_CYCLE:
            _LOG.debug("the radio is switched off and on")
            self._quietly(self._radio.off)
        hangs = self._refusals >= _REFUSALS_TO_RESET
        if hangs or now_ms - self._down_ms >= _RESET_MS:
            self._reset(now_ms, hangs)

    def _reset(self, now_ms: int, hangs: bool) -> None:
        # A radio that a reset does not cure must not keep the sensors from their work.
        if hangs and self._remembered("radio") > 0 and now_ms < _NEXT_RESET_MS:
            return
        self._remember("radio", 1)
        raise LinkError("no network for long: the chip is reset to cure its radio")

    def _lost(self, now_ms: int, reason: object) -> None:
        self._trouble.failed(reason)
        self._quietly(self._radio.leave)
        self._set(WAITING, now_ms)
        more = self._round or (self._rounds == 1 and len(self._networks) > 1)
        self._until_ms = now_ms if more else now_ms + self._backoff.wait_ms()

    def _quietly(self, action) -> None:
        try:
            action()
        except _FAILURES as error:
            _LOG.debug("the radio: %s", error)

    def _remembered(self, key: str) -> int:
        number = self._storage.get(key) if self._storage else None
        return -1 if number is None else number

    def _remember(self, key: str, number: int) -> None:
        # Written on a change alone: flash wears.
        known = self._remembered(key)
        if self._storage and known != number and (number or known > 0):
            self._storage.put(key, number)
            self._storage.commit()

    def _set(self, state: str, now_ms: int) -> None:
        (_LOG.info if UP in (state, self.state) else _LOG.debug)("%s -> %s", self.state, state)
        self.state = state
        self._since_ms = now_ms
