"""Starts the node's application; whatever ends it against its will starts the chip anew."""

import gc
import sys
import time

import machine

# Loading leaves holes in the heap; collecting often fills them, and TLS finds whole pieces later.
gc.threshold(2048)
# Time for a technician's Ctrl-C before the next try.
_PAUSE_S = 5


def _run() -> bool:
    try:
        from haidang_node import app

        return app.run()
    except Exception as error:  # noqa: BLE001 - the outermost loop: a chip standing still is blind
        sys.print_exception(error)
        time.sleep(_PAUSE_S)
        return True


if _run():
    machine.reset()
