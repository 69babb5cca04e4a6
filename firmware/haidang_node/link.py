"""Wi-Fi states: joins the best of the known networks, stays with it, backs off without one."""

from micropython import const

from haidang_node import loading, log

OFF = "off"
JOINING = "joining"
UP = "up"
WAITING = "waiting"

_BACKOFF_MS = const(1000)
_BACKOFF_CAP_MS = const(30000)
# A link that held this long was a good one: the next failure starts with a short wait again.
_STABLE_MS = const(5000)
_JOINING = "haidang_node.joining"
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
        self.radio = radio
        self.networks = networks
        self.storage = storage
        self.backoff = Backoff(_BACKOFF_MS, _BACKOFF_CAP_MS, random_32)
        self.since_ms = 0
        self.until_ms = 0
        self.round: list = []
        self.rounds = 0
        self.at = 0
        # In a row: attempts without a network, and refusals by the driver itself.
        self.failures = 0
        self.refusals = 0
        self.down_ms = 0
        self.trouble = log.Trouble(_LOG, "joining Wi-Fi")
        self.state = OFF
        # haidang_node.joining, while there is no network.
        self._worker = None

    @property
    def up(self) -> bool:
        """Whether there is a network."""
        return self.state == UP

    def step(self, now_ms: int) -> None:
        """Looks at the radio and moves on."""
        if self.state == UP and self.radio.joined():
            return
        try:
            self._work().step(self, now_ms)
        except (MemoryError, ImportError, OSError, ValueError) as error:
            # Tried again in half a second.
            self.trouble.failed(error)
        if self.state == UP:
            self._worker = None
            loading.forget(_JOINING)

    def off(self) -> None:
        """Leaves the network and switches the radio off."""
        self._work().off(self)
        self.state = OFF

    def _work(self):
        if self._worker is None:
            self._worker = loading.load(_JOINING)
        return self._worker
