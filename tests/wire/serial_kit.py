"""A serial line of simulated time: one master, nodes, and whatever spoils the bytes between."""

from haidang_wire.frames import Deframer, wrap
from haidang_wire.serial_frames import Key, address_of
from haidang_wire.serial_master import Bus, air_ms
from haidang_wire.serial_peer import Peer
from haidang_wire.serial_session import GREETED, NOTHING, STARTED, NodeSession

FIRST = "n-240ac4000001"
SECOND = "n-240ac4000002"
KEYS = {FIRST: bytes(range(32)), SECOND: bytes(range(32, 64))}
EPOCH = 0x9F3C01AA
BAUD = 115200


class Dice:
    """Challenges that differ each time and are the same in each run."""

    drawn = 0

    def __call__(self, count):
        Dice.drawn += 1
        return Dice.drawn.to_bytes(count, "big")


class Node:
    """A node's loop in small: answers at once, keeps what it received."""

    def __init__(self, node, key=None, boot=1, limit_bytes=2048):
        self.node = node
        self.session = NodeSession(
            address_of(node), Key(key or KEYS[node]), EPOCH, boot, Dice(), limit_bytes
        )
        self.deframer = Deframer()
        self.received = []
        self.sessions = 0
        # Called before each answer, with the node: may send messages.
        self.fill = None

    def hear(self, data):
        """Bytes from the line; the bytes it answers with."""
        outcome = NOTHING
        for body in self.deframer.feed(data):
            found = self.session.receive(body)
            if found == STARTED:
                self.sessions += 1
            outcome = found if found != NOTHING else outcome
        if outcome == NOTHING:
            return b""
        if outcome == GREETED:
            return self.session.greeting()
        self.received += self.session.inbox
        self.session.inbox.clear()
        if self.fill:
            self.fill(self)
        return b"".join(self.session.answer())


class Line:
    """`spoil(data, up)` changes bytes on their way; `echo` lets the master hear itself."""

    def __init__(self, nodes, keys=None, *, baud=BAUD, spoil=None, echo=False, latency_ms=2):
        self.nodes = nodes
        self.baud = baud
        self.spoil = spoil
        self.echo = echo
        self.latency_ms = latency_ms
        self.now_ms = 0
        self.events = []
        self.polls = 0
        # Whose answer `spoil` gets.
        self.answering = ""
        self.restart(keys or KEYS)

    def restart(self, keys=KEYS):
        """A new start of the master."""
        self.peers = {node: Peer(node, keys[node], Dice()) for node in sorted(keys)}
        self.bus = Bus([self.peers[node] for node in sorted(keys)], self.baud)

    def turns(self, count):
        """So many polls and their answers."""
        until = self.polls + count
        while self.polls < until:
            self.turn()

    def until(self, end_ms):
        """Polls until this time."""
        while self.now_ms < end_ms:
            self.turn()

    def turn(self):
        """One step of the master and what follows."""
        frame = self.bus.step(self.now_ms)
        if not frame:
            # Time goes on also where two waits meet.
            self.now_ms += max(1, self.bus.wait_ms(self.now_ms))
            self.events += self.bus.receive(b"", self.now_ms)
            return
        self.polls += 1
        self.now_ms += air_ms(len(frame), self.baud)
        if self.echo:
            self.events += self.bus.receive(frame, self.now_ms)
        heard = self.spoil(frame, False) if self.spoil else frame
        for node in self.nodes:
            answer = node.hear(heard)
            if answer:
                self.answering = node.node
                self.now_ms += air_ms(len(answer), self.baud) + self.latency_ms
                back = self.spoil(answer, True) if self.spoil else answer
                self.events += self.bus.receive(back, self.now_ms)

    def messages(self, node):
        """What the master has received from a node."""
        return [(event.kind, event.data) for event in self.events if event.node == node]


def one():
    """A line with one node that knows its key."""
    return Line([Node(FIRST)], {FIRST: KEYS[FIRST]})


def frames_of(data):
    """A burst of frames apart."""
    return [wrap(bytes(body)) for body in Deframer().feed(data)]
