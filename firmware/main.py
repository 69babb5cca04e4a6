"""Starts the node's application; a loop that ended in spite of all starts the chip anew."""

import gc

import machine

# Loading leaves holes in the heap; collecting often fills them, and TLS finds whole pieces later.
gc.threshold(2048)

from haidang_node import app  # noqa: E402

if app.run():
    machine.reset()
