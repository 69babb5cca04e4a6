"""A new node.json on trial: kept once the gateway answers over it, else the old one comes back.

Loaded at a start that finds a trial, and every 15 s while it lasts. `folder` is "" on a node.
"""

import os

from micropython import const

from haidang_node import log
from haidang_node.refusals import refusal
from haidang_node.trial_files import ACTIVE, LEFT, ORDER, STEP_S, TRIAL

# The third start that finds the trial: it has failed twice with it.
_FAILS = const(2)
_LOG = log.Log("trial")


def begin(folder: str, storage, orders, fails: int) -> str:
    """At a start: the file of settings to use. Rolls back a trial whose time or tries are over."""
    left_s = _count(storage)
    if fails >= _FAILS:
        roll_back(folder, orders, "the node failed to start with it")
    elif left_s <= 0:
        roll_back(folder, orders, "the gateway was not reached in time")
    else:
        _LOG.warning("a new configuration is on trial for %d s", left_s)
        return folder + TRIAL
    return folder + ACTIVE


def step(folder: str, storage, orders, reached: bool, cfg: str) -> str:
    """ "kept", "rolled back" (restart then) or "" where the trial goes on; call every STEP_S."""
    if reached:
        keep(folder, orders, cfg)
        return "kept"
    if _count(storage) > 0:
        return ""
    roll_back(folder, orders, "the gateway was not reached in time")
    return "rolled back"


def keep(folder: str, orders, cfg: str) -> None:
    """The trial becomes node.json."""
    _tell(
        folder, orders, lambda order: {"id": order, "ok": True, "out": {"kept": True, "cfg": cfg}}
    )
    os.rename(folder + TRIAL, folder + ACTIVE)
    _remove(folder + ORDER)
    _LOG.info("the new configuration is kept")


def roll_back(folder: str, orders, why: str) -> None:
    """The trial goes; node.json is what it was."""
    _LOG.error("the new configuration is rolled back: %s", why)
    _tell(
        folder,
        orders,
        lambda order: refusal(
            order, "rolled back: " + why, "look at what was changed, then send it with a new id"
        ),
    )
    _remove(folder + TRIAL)
    _remove(folder + ORDER)


def _count(storage) -> int:
    try:
        left_s = (storage.get(LEFT) or 0) - STEP_S
        storage.put(LEFT, left_s)
        storage.commit()
    except OSError as error:
        # What cannot be counted would never end.
        _LOG.error("NVS refused: %s", error)
        return 0
    return left_s


def _tell(folder: str, orders, reply) -> None:
    # Saved before the files change: after a power cut in between it is said again, never not.
    try:
        with open(folder + ORDER) as file:
            order = file.read()
    except OSError:
        return
    orders.owe(reply(order), True)


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError as error:
        _LOG.debug("%s: %s", path, error)
