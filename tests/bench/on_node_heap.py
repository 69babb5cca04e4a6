"""main.py of a watched node: prints its live heap, and which modules stayed, on the console."""

import gc
import sys

import micropython

_BASE = set(sys.modules)
_TOLD_BYTES = 256
_TURNS = 200
_most = [0, 0]


def _watch(supervisor):
    turned = supervisor.Supervisor.turned

    def watched(self, name):
        turned(self, name)
        gc.collect()
        live = gc.mem_alloc()
        if live > _most[0] + _TOLD_BYTES:
            _most[0] = live
            print("HEAP live %d" % live)
        _most[1] += 1
        if _most[1] % _TURNS == 0:
            print("HEAP now %d" % live)
            print("HEAP modules " + " ".join([m for m in sys.modules if m not in _BASE]))
            micropython.qstr_info()

    supervisor.Supervisor.turned = watched


gc.threshold(2048)
from haidang_node import supervisor  # noqa: E402

_watch(supervisor)
from haidang_node import app  # noqa: E402

app.run(0)
