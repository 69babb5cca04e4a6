"""How much a node may send: a burst for what it has held back, then a steady rate."""

from collections import OrderedDict
from dataclasses import dataclass

# More than a gateway can have nodes; the one that was quiet for longest is forgotten first.
_MOST_NODES = 10_000
_MS = 1000


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages at once, and messages for each second after that."""

    burst: int
    per_s: int


# A node's flash holds some 10,000 packs (outbox.bytes, 1 MiB); it measures once a second at most.
DATA_RATE = Rate(burst=20_000, per_s=20)
# States that change, and a snapshot of all states every 60 s.
ALARM_RATE = Rate(burst=2_000, per_s=5)
# One each 5 s at most and one with each connection. Up to 8 KiB that name thousands of packs are
# the work of a hundred packs, and no node keeps or repeats them.
STATUS_RATE = Rate(burst=20, per_s=1)
TIME_RATE = STATUS_RATE


class Allowance:
    """A token bucket for each node; pure, times come in."""

    def __init__(self, rate: Rate) -> None:
        """All nodes have the same rate and begin with the whole burst."""
        self._full = rate.burst * _MS
        self._per_ms = rate.per_s
        # Thousandths of a message left, and when that was so.
        self._left: OrderedDict[str, list[int]] = OrderedDict()

    def take(self, node: str, now_ms: int) -> bool:
        """Whether the node may send one more message now; it is counted then."""
        state = self._left.get(node)
        if state is None:
            state = self._left[node] = [self._full, now_ms]
            if len(self._left) > _MOST_NODES:
                self._left.popitem(last=False)
        else:
            self._left.move_to_end(node)
        if state[1] != now_ms:
            state[0] = min(self._full, state[0] + (now_ms - state[1]) * self._per_ms)
            state[1] = now_ms
        if state[0] < _MS:
            return False
        state[0] -= _MS
        return True
