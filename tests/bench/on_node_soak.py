"""main.py of a node in a soak: its figures tell the heap as it is just after a collection."""

import gc

from haidang_node import health
from haidang_node.sensors import footfall

# The same bytes in fewer looks: at ten a second most of the time would go into them.
footfall.Footfall.period_ms = 1000
_records = health.Health.records


def _after_collecting(self, *args):
    gc.collect()
    return _records(self, *args)


health.Health.records = _after_collecting
from haidang_node import app  # noqa: E402

print("SOAK heap %d" % (gc.mem_alloc() + gc.mem_free()))
app.run(0)
