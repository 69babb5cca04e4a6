"""main.py that loads the modules named in /modules and prints what each one took."""

import asyncio
import gc


def _live():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def _load():
    # asyncio's own parts are loaded when first named; they count as the application's.
    began = _live()
    asyncio.Lock, asyncio.Event, asyncio.gather, asyncio.open_connection  # noqa: B018
    before = _live()
    print("IMPORT %d asyncio" % (before - began))
    with open("/modules") as file:
        names = file.read().split()
    for name in names:
        __import__(name)
        after = _live()
        print("IMPORT %d %s" % (after - before, name))
        before = after
    print("IMPORTED %d" % (before - began))


_load()
