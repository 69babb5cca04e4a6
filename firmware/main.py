"""Starts the node's application; a loop that ended in spite of all starts the chip anew."""

import machine

from haidang_node import app

if app.run():
    machine.reset()
