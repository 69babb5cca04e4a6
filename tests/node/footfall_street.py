"""A footfall sensor behind a sniffer's wire: its lines, its keys, its time."""

from haidang_node.sensors.footfall import Footfall

from board_parts import Uart

HIDDEN = 0x01
HEARTBEAT = 0x80


def sniffer_line(address, flags=0, window=0, sequence=0, signature=0):
    """A line as the sniffer writes it."""
    record = address.to_bytes(4, "little") + bytes([flags, window])
    record += sequence.to_bytes(2, "little") + signature.to_bytes(4, "little") + b"\xc4\x06"
    return b"\xa5\x5a" + record + bytes([sum(record) & 0xFF])


def keyed(number):
    """Stands for the sniffer's keyed hash."""
    value = number * 2654435761 & 0xFFFFFFFF
    for _ in range(3):
        value ^= value >> 15
        value = value * 2246822519 & 0xFFFFFFFF
        value ^= value >> 13
    return value


class FootfallStreet:
    """`run` lets seconds pass with lines on the wire; `values` are what a pack would tell."""

    def __init__(self, source="sniffer"):
        self.line = Uart()
        self.footfall = Footfall({"source": source}, self.line.readinto)
        self.now_ms = 0
        self.window = 250
        self.total = 0
        self.dropped = 0

    def run(self, seconds, data=b"", heartbeat=True):
        for _ in range(seconds):
            if heartbeat:
                self.line.data += sniffer_line(self.total, HEARTBEAT, self.window, self.dropped)
            self.line.data += data
            self.total += len(data) // 17
            for _ in range(10):
                self.now_ms += 100
                self.footfall.sample(self.now_ms)

    def turn(self):
        """The sniffer draws a new key."""
        self.window = self.window + 1 & 0xFF
        self.run(1)

    def begun(self):
        """A bench at the beginning of its first whole window."""
        self.run(2)
        self.turn()
        self.values()
        return self

    def own(self, numbers):
        """Lines of phones that show their own addresses."""
        return b"".join([sniffer_line(keyed(n), 0, self.window) for n in numbers])

    def values(self):
        return {record.name: record.value for record in self.footfall.records()}
