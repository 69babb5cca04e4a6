"""Modules that run seldom: loaded when they are needed, forgotten afterwards."""

import gc
import sys

# What haidang_node.startup loads besides itself.
STARTUP = (
    "haidang_node.config", "haidang_node.trial", "haidang_node.refusals", "haidang_node.ring",
    "haidang_node.trial_files",
)  # fmt: skip

# What finds and reads packs on flash stays loaded while they are sent, but there is no room for it
# beside anything else: it goes, and is loaded again.
READING = ("haidang_node.reading", "haidang_node.finding", "haidang_node.records")


def call(path: str, function: str, *args):
    """Loads module `path` ("haidang_node.config"), calls its function, forgets the module.

    Raises what the function raises. Nothing that stays may belong to the module: an object of a
    class of its own, a function, an error kept for later holds the whole module in memory.
    """
    try:
        return getattr(load(path), function)(*args)
    finally:
        forget(path)


def load(path: str):
    """The module of this full name; to be forgotten by whoever loads it."""
    # Loading needs whole pieces of memory.
    forget(*READING)
    __import__(path)
    return sys.modules[path]


def forget(*paths: str) -> None:
    """Takes modules out of the interpreter's tables; unknown ones are passed over."""
    for path in paths:
        package, _, name = path.rpartition(".")
        sys.modules.pop(path, None)
        owner = sys.modules.get(package)
        if owner is not None and hasattr(owner, name):
            delattr(owner, name)
    gc.collect()
