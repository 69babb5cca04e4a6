"""How often a worker wakes up: for pictures, and in time for a camera that sends none any more."""

import numpy as np
from crew_kit import Networks, settings
from haidang_gateway.vision import crew as crew_module
from haidang_gateway.vision.crew import Crew
from haidang_gateway.vision.feed import Counters
from haidang_gateway.vision.frame import Frame
from haidang_gateway.vision.lines import FaultLine

LAST_MS, END_MS = 60_000, 70_000


class Street:
    """A camera with a picture each second until LAST_MS; clock and bell of its worker, too.

    A wait takes no real time: it ends when it is over, or with the next picture.
    """

    state, error = "open", None

    def __init__(self):
        self.at_ms, self.next_ms, self.woken_ms = 0, 1_000, []
        self.counters = Counters()

    def monotonic_ms(self):
        return self.at_ms

    @property
    def waiting(self):
        return self.at_ms >= self.next_ms

    def take(self, timeout_s):
        if not self.waiting:
            return None
        at_ms = self.next_ms
        self.next_ms = at_ms + 1_000 if at_ms < LAST_MS else END_MS * 2
        noise = np.random.default_rng(at_ms)

        def make(wide, high, form):
            return noise.integers(0, 90, (high, wide) if form == "gray" else (high, wide, 3), "u1")

        return Frame(number=1, at_ms=at_ms, width=160, height=96, make=make)

    def wait(self, timeout_s):
        self.at_ms = min(self.at_ms + max(1, int(timeout_s * 1000)), self.next_ms)
        self.woken_ms.append(self.at_ms)
        if self.at_ms >= END_MS:
            self.order_to_stop()

    def start(self):
        pass

    stop = hush = ring = start


def test_pictures_alone_wake_a_worker_and_a_camera_without_is_told_in_time(monkeypatch):
    street, told = Street(), []
    monkeypatch.setattr(crew_module, "Bell", lambda: street)
    camera = settings("east", "/nowhere", fps=5.0, idle_fps=1.0, fault_every_s=5.0)
    crew = Crew([camera], Networks(), street, lambda line: told.append((street.at_ms, line)))
    crew.lookouts["east"].camera = street
    street.order_to_stop = crew.stop
    crew.run()
    pictures = range(30_000, LAST_MS + 1, 1_000)
    assert [at_ms for at_ms in street.woken_ms if 30_000 <= at_ms <= LAST_MS] == [*pictures]
    silent = [at_ms for at_ms, line in told if isinstance(line, FaultLine)]
    assert 5_000 <= silent[0] - LAST_MS <= 5_500
