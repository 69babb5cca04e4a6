"""What stands for a board's parts in tests of the node, in both Pythons: ticks, memories, UART."""

import os

from haidang_node import ring

# Where the counter starts anew.
PERIOD = 1 << 30
_folders = [0]


def flash_folder(what):
    """An empty folder, as on flash."""
    _folders[0] += 1
    base = os.getenv("HAIDANG_TEST_DIR") or "/tmp"
    drawn = int.from_bytes(os.urandom(4), "big")
    folder = "%s/haidang-%s-%d-%d" % (base, what, _folders[0], drawn)
    os.mkdir(folder)
    return folder


class Ticks:
    """The counter of milliseconds; the test moves `now`."""

    def __init__(self, now=0):
        self.now = now

    def __call__(self):
        return self.now % PERIOD


class UptimeClock:
    """A node's clock; the test moves `now_ms`, and `unix` is the time it knows."""

    now_ms = 0
    unix = None

    def uptime_ms(self):
        return self.now_ms

    ticks_ms = uptime_ms

    def uptime_of(self, ticks_ms):
        return ticks_ms

    def unix_ms(self, up_ms):
        return self.unix


class Storage:
    """NVS that takes everything; `commits` counts how often."""

    def __init__(self, **values):
        self.values = values
        self.commits = 0

    def get(self, key):
        return self.values.get(key)

    def put(self, key, value):
        self.values[key] = value

    def commit(self):
        self.commits += 1


class RingMemory:
    """The memory that outlives a reset."""

    def __init__(self):
        self.data = b""

    def ring_read(self):
        return self.data

    def ring_write(self, data):
        assert len(data) <= ring.BYTES
        self.data = data


class Uart:
    """Gives what was put on it, once, at the most `most` bytes at a time."""

    def __init__(self, data=b"", most=1 << 20):
        self.data = data
        self.most = most
        self.said = []

    def readinto(self, buffer):
        count = min(len(buffer), len(self.data), self.most)
        if not count:
            return None
        buffer[:count] = self.data[:count]
        self.data = self.data[count:]
        return count

    def write(self, data):
        self.said.append(data)


class EndlessUart:
    """Gives the same bytes for ever without allocating."""

    def __init__(self, data):
        self._data = data

    def readinto(self, buffer):
        for i in range(len(self._data)):
            buffer[i] = self._data[i]
        return len(self._data)

    def write(self, data):
        pass
