"""Wi-Fi states: joins one of the configured networks, stays with it, backs off without one."""

from micropython import const

from haidang_node import log

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
    """A state machine stepped about once a second; never raises for want of a network."""

    def __init__(self, radio, networks: list, random_32) -> None:
        self._radio = radio
        self._networks = networks
        self._at = 0
        self._backoff = Backoff(_BACKOFF_MS, _BACKOFF_CAP_MS, random_32)
        self._since_ms = 0
        self._until_ms = 0
        self._trouble = log.Trouble(_LOG, "joining Wi-Fi")
        self.state = OFF

    @property
    def up(self) -> bool:
        """Whether there is a network."""
        return self.state == UP

    def step(self, now_ms: int) -> None:
        """Looks at the radio and moves on."""
        if self.state in (OFF, WAITING):
            if now_ms >= self._until_ms:
                self._join(now_ms)
        elif self._radio.joined():
            if self.state != UP:
                self._trouble.over()
                self._set(UP, now_ms)
        elif self.state == UP:
            self._backoff.worked(now_ms - self._since_ms)
            self._lost(now_ms, "the network went away")
        elif now_ms >= self._until_ms:
            self._at = (self._at + 1) % len(self._networks)
            self._lost(now_ms, "no answer; next network in the list is tried")

    def _join(self, now_ms: int) -> None:
        network = self._networks[self._at]
        self._set(JOINING, now_ms)
        self._until_ms = now_ms + _JOIN_DEADLINE_MS
        try:
            self._radio.join(network["ssid"], network["key"])
        except _FAILURES as error:
            self._lost(now_ms, error)

    def _lost(self, now_ms: int, reason: object) -> None:
        self._trouble.failed(reason)
        try:
            self._radio.leave()
        except _FAILURES as error:
            _LOG.debug("leaving the network: %s", error)
        self._set(WAITING, now_ms)
        self._until_ms = now_ms + self._backoff.wait_ms()

    def _set(self, state: str, now_ms: int) -> None:
        _LOG.info("%s -> %s", self.state, state)
        self.state = state
        self._since_ms = now_ms
