"""Failed starts in a row, counted by main.py; loaded when one has succeeded."""

from haidang_node import log


def settled(storage) -> None:
    """This start was a good one: all loops turned for a minute, or the node goes to sleep."""
    _set(storage, 0)


def one_more_try(storage) -> None:
    """The next start runs the application; another failure brings safe mode back."""
    _set(storage, 2)


def _set(storage, fails: int) -> None:
    try:
        if (storage.get("fails") or 0) != fails:
            storage.put("fails", fails)
            storage.commit()
    except OSError as error:
        # At worst the next starts count as failed; a restart for it would blind the node.
        log.Log("boots").warning("writing to NVS failed: %s", error)
