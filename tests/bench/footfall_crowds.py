"""Crowds whose size is known: the whole way from frames of the air to the node's count."""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from haidang_board.companion import Companion, tuned
from haidang_board.physics_phones import Crowd, Phone, random_habits

from bench import node_pure

_STEP_S = 0.1
_FLOOR_DBM = -92.0
_LEAST, _MOST = 10, 5000


class Count(NamedTuple):
    """A told window: phones that were in reach, the node's answer, and libpax's."""

    present: int
    devices: int
    low: int
    high: int
    libpax: int

    @property
    def error(self) -> float:
        """Signed, as a share of who was there."""
        return self.devices / self.present - 1

    @property
    def libpax_error(self) -> float:
        """The same of the counter of addresses."""
        return self.libpax / self.present - 1

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.present <= self.high


class Place:
    """Staying and passing phones, a companion and a node's sensor; one seed, one story."""

    def __init__(
        self, seed: int, window_s: float, rarer: float, staying: int | None = None
    ) -> None:
        """`rarer`: how many times as long phones wait between scans; `staying`: so many phones
        and nobody else, instead of a crowd of any size.
        """
        self._chance = random.Random(seed)
        self._window_s = window_s
        size = math.exp(self._chance.uniform(math.log(_LEAST), math.log(_MOST)))
        passing = self._chance.uniform(0, 0.5)
        if staying is not None:
            size, passing = staying, 0.0
        self._stays_s = self._chance.uniform(30, 180)
        self._crowd = Crowd(seed, random_habits(seed, rarer))
        for _ in range(round(size * (1 - passing))):
            self._crowd.enter(0.0)
        self._come_per_s = size * passing / window_s
        self._comes_s = 0.0
        # The window that began before the node did is not told: a short one.
        self._companion = Companion(random.Random(seed + 1), 1.0)
        self._waiting = bytearray()
        self._node = node_pure.footfall({"source": "sniffer"}, self._readinto)

    def windows(self, count: int) -> Iterator[Count]:
        """So many told windows, one after the other."""
        step = 0
        while step * _STEP_S < 1.0 + _STEP_S:
            self._turn(step * _STEP_S, None, None)
            step += 1
        self._companion.window_s = self._window_s
        for _ in range(count):
            present = {phone for phone in self._crowd.phones if _reachable(phone.mean_dbm)}
            addresses: set[bytes] = set()
            ended = None
            while ended is None:
                ended = self._turn(step * _STEP_S, present, addresses)
                step += 1
            seen = {record.name: record.value for record in self._node.records()}
            devices = int(seen.get("footfall/devices", 0))
            low, high = int(seen.get("footfall/low", 0)), int(seen.get("footfall/high", 4))
            yield Count(len(present), devices, low, high, len(addresses))

    def _turn(
        self, now_s: float, present: set[Phone] | None, addresses: set[bytes] | None
    ) -> bool | None:
        while self._come_per_s and self._comes_s < now_s:
            stays_s = self._chance.expovariate(1 / self._stays_s)
            phone = self._crowd.enter(self._comes_s, stays_s)
            if present is not None and _reachable(phone.mean_dbm):
                present.add(phone)
            self._comes_s += self._chance.expovariate(self._come_per_s)
        for frame in self._crowd.until(now_s, tuned):
            self._companion.hear(frame.data, frame.rssi_dbm, frame.channel)
            if addresses is not None:
                # libpax: a bitmap of an address's last 16 bits.
                addresses.add(frame.data[14:16])
        self._waiting += self._companion.due(now_s)
        self._node.sample(int(now_s * 1000))
        told = any(record.name == "footfall/window" for record in self._node._result)
        return True if told else None

    def _readinto(self, buffer: bytearray) -> int | None:
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        del self._waiting[:count]
        return count or None


def _reachable(mean_dbm: float) -> bool:
    return mean_dbm > _FLOOR_DBM
