"""Phones that look for networks: 802.11 probe requests of a crowd, as a radio nearby hears them.

A model, not a measurement: what phones do (scan bursts, hidden addresses, sequence numbers) is
known from captures; how often, and how many of each, are guesses, so crowds differ in them.
"""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_HEAD = bytes([0x40, 0, 0, 0]) + b"\xff" * 6
_BROADCAST = b"\xff" * 6
_LOCAL_BIT = 0x02
_GROUP_BIT = 0x01
_SEQUENCES = 4096
# ESP32: about -92 dBm at 1 Mbit/s.
_FLOOR_DBM = -92.0
_NEAREST_M = 2.0
_AT_1_M_DBM = -38.0
_LOSS_EXPONENT = 3.0
_FADING_DB = 3.0
_BODIES_DB = 4.0
_TURNED_DB = 2.0
# A receiver hears a strong frame of the next channel now and then.
_NEXT_CHANNEL = 0.4


class Heard(NamedTuple):
    """One frame that reached the radio; `data` from the 802.11 header to the last element."""

    at_s: float
    channel: int
    rssi_dbm: int
    data: bytes


@dataclass(slots=True, frozen=True)
class Model:
    """What all phones of one make have in common.

    `keeps_s`: how long a hidden address is kept, 0 for one burst; `goes_on`: the sequence number
    goes on when the address changes; `second`: a second interface scans under a hidden address.
    """

    elements: bytes
    hides: bool
    keeps_s: float
    goes_on: bool
    second: bool
    awake_s: float
    asleep_s: float
    channels: tuple[int, ...]
    copies: int
    dwell_s: float
    names: int
    regular: float = 0.5  # the share of the time between scans that a timer sets, not chance


@dataclass(slots=True)
class Habits:
    """What differs between crowds; `random_habits` draws them."""

    models: list[Model]
    shares: list[float]
    awake_share: float = 0.4
    session_s: float = 120.0
    reach_m: float = 50.0
    unlike: float = 0.25  # how far phones of one make differ in how often they scan (log)
    period_s: float = 0.0  # above 0: every phone scans this often, screen on or off


@dataclass(slots=True, eq=False)
class Phone:
    """One phone: who it is, where it is, what its radio will do next."""

    model: Model
    leaves_s: float
    mean_dbm: float
    own: bytes
    names: tuple[bytes, ...]
    arrived_s: float = 0.0
    pace: float = 1.0
    awake: bool = False
    turns_s: float = 0.0
    address: bytes = b""
    hidden_until_s: float = -1.0
    sequence: int = 0
    gone: bool = False
    second: bytes = b""
    addresses: list[bytes] = field(default_factory=list)


class Crowd:
    """Phones that come, scan and go; ask with rising times."""

    def __init__(self, seed: int, habits: Habits) -> None:
        """Nobody is there yet."""
        self.habits = habits
        self.phones: list[Phone] = []
        self.chance = random.Random(seed)
        self._due: list[tuple[float, int, Phone]] = []
        self._number = 0

    def enter(self, now_s: float, stays_s: float = math.inf) -> Phone:
        """One more phone, somewhere within reach."""
        chance, habits = self.chance, self.habits
        model = chance.choices(habits.models, habits.shares)[0]
        distance_m = max(_NEAREST_M, habits.reach_m * math.sqrt(chance.random()))
        loss_db = 10 * _LOSS_EXPONENT * math.log10(distance_m) + chance.gauss(0, _BODIES_DB)
        names = tuple(b"Nha %04d" % chance.randrange(10000) for _ in range(model.names))
        phone = Phone(model, now_s + stays_s, _AT_1_M_DBM - loss_db, _own(chance), names, now_s)
        phone.pace = chance.lognormvariate(0, habits.unlike)
        phone.awake = chance.random() < habits.awake_share
        phone.turns_s = now_s + self._session_s(phone)
        phone.sequence = chance.randrange(_SEQUENCES)
        phone.second = _hidden(chance)
        self.phones.append(phone)
        self._plan(phone, now_s)
        return phone

    def leave(self, phone: Phone) -> None:
        """It goes at once."""
        phone.gone = True
        self.phones.remove(phone)

    def until(self, end_s: float, tuned: Callable[[float], int]) -> Iterator[Heard]:
        """What is heard up to `end_s`, burst by burst; `tuned`: the radio's channel at a time."""
        while self._due and self._due[0][0] < end_s:
            at_s, _, phone = heapq.heappop(self._due)
            if phone.gone:
                continue
            if at_s >= phone.leaves_s:
                self.leave(phone)
                continue
            yield from self._burst(phone, at_s, tuned)
            self._plan(phone, at_s)

    def _plan(self, phone: Phone, now_s: float) -> None:
        at_s = self._next_s(phone, now_s)
        self._number += 1
        heapq.heappush(self._due, (min(at_s, phone.leaves_s), self._number, phone))

    def _next_s(self, phone: Phone, now_s: float) -> float:
        chance = self.chance
        if self.habits.period_s:
            return now_s + self.habits.period_s * chance.uniform(0.7, 1.3)
        while True:
            if now_s >= phone.turns_s:
                phone.awake = not phone.awake
                phone.turns_s = now_s + self._session_s(phone)
            mean_s = phone.model.awake_s if phone.awake else phone.model.asleep_s
            regular = phone.model.regular
            at_s = now_s + mean_s * phone.pace * (regular + (1 - regular) * chance.expovariate(1))
            if at_s < phone.turns_s:
                return at_s
            now_s = phone.turns_s

    def _session_s(self, phone: Phone) -> float:
        share = self.habits.awake_share
        off_s = self.habits.session_s * (1 - share) / share
        return self.chance.expovariate(1 / (self.habits.session_s if phone.awake else off_s))

    def _burst(self, phone: Phone, at_s: float, tuned: Callable[[float], int]) -> Iterator[Heard]:
        chance, model = self.chance, phone.model
        self._change_address(phone, at_s)
        phone.sequence += chance.randrange(1, 4)
        # It is turned, or somebody walks by.
        mean_dbm = phone.mean_dbm + chance.gauss(0, _TURNED_DB)
        for channel in model.channels:
            at_s += model.dwell_s
            away = abs(channel - tuned(at_s))
            for _ in range(model.copies):
                for name in (b"", *phone.names):
                    phone.sequence = (phone.sequence + 1) % _SEQUENCES
                    if away > 1 or (away and chance.random() > _NEXT_CHANNEL):
                        continue
                    rssi_dbm = mean_dbm + chance.gauss(0, _FADING_DB)
                    if rssi_dbm < _FLOOR_DBM:
                        continue
                    rssi = int(min(rssi_dbm, -20))
                    yield Heard(at_s, channel, rssi, self._frame(phone, phone.address, name))
            if model.second and not away and mean_dbm > _FLOOR_DBM:
                yield Heard(at_s, channel, int(mean_dbm), self._frame(phone, phone.second, b""))

    def _frame(self, phone: Phone, address: bytes, name: bytes) -> bytes:
        control = (phone.sequence << 4).to_bytes(2, "little")
        asked = bytes([0, len(name)]) + name
        return b"".join((_HEAD, address, _BROADCAST, control, asked, phone.model.elements))

    def _change_address(self, phone: Phone, at_s: float) -> None:
        if not phone.model.hides:
            phone.address = phone.own
        elif at_s >= phone.hidden_until_s:
            phone.address = _hidden(self.chance)
            phone.hidden_until_s = at_s + phone.model.keeps_s
            if not phone.model.goes_on:
                phone.sequence = self.chance.randrange(_SEQUENCES)
        if phone.address not in phone.addresses[-1:]:
            phone.addresses.append(phone.address)


def random_habits(seed: int, rarer: float = 1.0) -> Habits:
    """The habits of one place and hour; `rarer` times as long between scans."""
    chance = random.Random(seed)
    count = chance.randrange(15, 80)
    steep = chance.uniform(0.7, 1.3)
    shares = [1 / (rank + 1) ** steep for rank in range(count)]
    place = _Place(
        hiding=chance.uniform(0.3, 0.95),
        keeping=chance.uniform(0.2, 0.6),
        going_on=chance.uniform(0.15, 0.6),
        second=chance.uniform(0, 0.1),
        awake_s=_log_uniform(chance, 12, 50) * rarer,
        asleep_s=_log_uniform(chance, 60, 260) * rarer,
    )
    return Habits(
        [_model(chance, place) for _ in range(count)],
        shares,
        awake_share=chance.uniform(0.2, 0.7),
        session_s=chance.uniform(60, 240),
        reach_m=chance.uniform(25, 60),
        unlike=chance.uniform(0.1, 0.4),
    )


class _Place(NamedTuple):
    # Shares of the makes, and how often their phones scan.
    hiding: float
    keeping: float
    going_on: float
    second: float
    awake_s: float
    asleep_s: float


def _model(chance: random.Random, place: _Place) -> Model:
    hides = chance.random() < place.hiding
    return Model(
        elements=_elements(chance),
        hides=hides,
        keeps_s=_log_uniform(chance, 60, 3600) if chance.random() < place.keeping else 0.0,
        goes_on=chance.random() < place.going_on,
        second=chance.random() < place.second,
        awake_s=place.awake_s * chance.lognormvariate(0, 0.25),
        asleep_s=place.asleep_s * chance.lognormvariate(0, 0.25),
        channels=chance.choice([tuple(range(1, 14)), tuple(range(1, 12)), (1, 6, 11)]),
        copies=chance.choice([1, 1, 2, 2, 3]),
        dwell_s=chance.uniform(0.03, 0.11),
        names=0 if hides or chance.random() < 0.5 else chance.randrange(1, 3),
        regular=chance.uniform(0.2, 0.8),
    )


def _log_uniform(chance: random.Random, least: float, most: float) -> float:
    return math.exp(chance.uniform(math.log(least), math.log(most)))


def _elements(chance: random.Random) -> bytes:
    parts = [(1, bytes.fromhex("02040b16")), (50, bytes.fromhex("0c1218243048606c"))]
    parts.append((45, chance.randbytes(3) + bytes(23)))
    if chance.random() < 0.8:
        parts.append((127, chance.randbytes(8)))
    if chance.random() < 0.6:
        parts.append((191, chance.randbytes(4) + bytes(8)))
    if chance.random() < 0.7:
        parts.append((221, bytes.fromhex("0050f208") + chance.randbytes(5)))
    return b"".join(bytes([number, len(body)]) + body for number, body in parts)


def _own(chance: random.Random) -> bytes:
    return bytes([chance.randrange(64) << 2]) + chance.randbytes(5)


def _hidden(chance: random.Random) -> bytes:
    first = chance.randrange(256) & ~_GROUP_BIT | _LOCAL_BIT
    return bytes([first]) + chance.randbytes(5)
