"""A serial session under random damage: nothing false is ever taken, and it recovers."""

import random
from collections.abc import Callable

from haidang_wire.frames import BODY_BYTES, wrap
from haidang_wire.serial_lanes import ALARM, COMMAND, DATA, ORDINARY, URGENT
from haidang_wire.serial_master import SESSION_BEGUN
from hypothesis import given, settings
from hypothesis import strategies as st
from serial_kit import FIRST, KEYS, SECOND, Line, Node

Spoil = Callable[[bytes, bool], bytes]


class Weather:
    """Bit errors, insertions, deletions, cuts, repeats and replays of anything ever sent."""

    def __init__(self, seed: int, badness: float) -> None:
        self.badness = badness
        self._random = random.Random(seed)
        self._recorded: list[bytes] = []

    def __call__(self, data: bytes, up: bool) -> bytes:
        self._recorded.append(data)
        if self._random.random() >= self.badness:
            return data
        return self._random.choice(
            (
                self._flip,
                self._insert,
                self._delete,
                self._cut,
                self._repeat,
                self._replay,
                self._noise,
            )
        )(bytearray(data))

    def _at(self, data: bytearray) -> int:
        return self._random.randrange(len(data))

    def _flip(self, data: bytearray) -> bytes:
        for _ in range(self._random.randint(1, 4)):
            data[self._at(data)] ^= 1 << self._random.randrange(8)
        return bytes(data)

    def _insert(self, data: bytearray) -> bytes:
        at = self._at(data)
        return bytes(data[:at]) + self._random.randbytes(self._random.randint(1, 5)) + data[at:]

    def _delete(self, data: bytearray) -> bytes:
        at = self._at(data)
        return bytes(data[:at] + data[at + self._random.randint(1, 5) :])

    def _cut(self, data: bytearray) -> bytes:
        return bytes(data[: self._at(data)])

    def _repeat(self, data: bytearray) -> bytes:
        return bytes(data) * 2

    def _replay(self, data: bytearray) -> bytes:
        old = self._random.choice(self._recorded)
        return old + bytes(data) if self._random.random() < 0.5 else old

    def _noise(self, data: bytearray) -> bytes:
        return self._random.randbytes(self._random.randint(1, 600)) + bytes(data)


@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.3, 0.7]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_damage_never_gives_a_false_message_and_ends_with_the_bad_weather(
    seed: int, badness: float, echo: bool
) -> None:
    weather = Weather(seed, badness)
    nodes = [Node(FIRST), Node(SECOND)]
    line = Line(nodes, spoil=weather, echo=echo)
    dice = random.Random(seed)
    sent: dict[str, list[tuple[int, bytes]]] = {node.node: [] for node in nodes}
    told: dict[str, list[tuple[int, bytes]]] = {node.node: [] for node in nodes}
    for number in range(40):
        node = dice.choice(nodes)
        data = b"%d:" % number + dice.randbytes(dice.randint(0, 700))
        kind, lane = dice.choice(((ALARM, URGENT), (DATA, ORDINARY)))
        node.session.send(kind, data, lane)
        sent[node.node].append((kind, data))
        line.peers[node.node].send(COMMAND, data, ORDINARY)
        told[node.node].append((COMMAND, data))
        line.turns(dice.randint(0, 4))
        if dice.random() < 0.03:
            line.restart()
    weather.badness = 0
    _wait(line, 20_000)
    for node in nodes:
        node.session.send(ALARM, b"at last", URGENT)
    _wait(line, 10_000)
    for node in nodes:
        _check_sessions(line, node, [*sent[node.node], (ALARM, b"at last")])
        assert _in_order(node.received, told[node.node])
        assert (ALARM, b"at last") in line.messages(node.node)


def _wait(line: Line, wait_ms: int) -> None:
    until_ms = line.now_ms + wait_ms
    while line.now_ms < until_ms:
        line.turn()


def _check_sessions(line: Line, node: Node, sent: list[tuple[int, bytes]]) -> None:
    sessions: list[list[tuple[int, bytes]]] = [[]]
    for kind, data in line.messages(node.node):
        if kind == SESSION_BEGUN:
            sessions.append([])
        elif kind > 0:
            sessions[-1].append((kind, data))
    everything = [message for session in sessions for message in session]
    assert len(everything) == len(set(everything)), "a message came twice"
    for session in sessions:
        for lane in (ALARM, DATA):
            assert _in_order([m for m in session if m[0] == lane], sent)


def _in_order(found: list[tuple[int, bytes]], sent: list[tuple[int, bytes]]) -> bool:
    rest = iter(sent)
    return all(message in rest for message in found)


@given(st.binary(max_size=BODY_BYTES), st.booleans())
@settings(max_examples=200)
def test_any_frame_at_all_is_refused_or_ignored_on_both_sides(
    body: bytes, addressed: bool
) -> None:
    line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]})
    line.turns(3)
    if addressed:
        body = body[:1] + line.peers[FIRST].mac + body[1:]
        body = body[:BODY_BYTES]
    before = len(line.events)
    assert line.nodes[0].hear(wrap(body)) == b""
    assert line.bus.step(line.now_ms + 1000)
    assert line.bus.receive(wrap(body), line.now_ms + 1000) == []
    line.turns(3)
    assert len(line.events) == before
    assert line.nodes[0].sessions == 1


def test_minutes_of_noise_are_followed_by_work_as_before() -> None:
    dice = random.Random(7)
    line = Line([Node(FIRST)], {FIRST: KEYS[FIRST]})
    line.turns(3)
    line.spoil = lambda data, up: dice.randbytes(len(data))
    _wait(line, 180_000)
    quiet_ms = line.now_ms
    assert not line.peers[FIRST].open
    line.spoil = None
    line.nodes[0].session.send(ALARM, b"lost with its session", URGENT)
    line.turns(3)
    line.nodes[0].session.send(ALARM, b"smoke", URGENT)
    line.turns(3)
    assert (ALARM, b"smoke") in line.messages(FIRST)
    assert line.now_ms < quiet_ms + 20_000, "found again within 20 s"
