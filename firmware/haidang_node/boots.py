"""Failed starts in a row, counted by main.py; loaded when one has succeeded."""


def settled(storage) -> None:
    """This start was a good one: all loops turned for a minute, or the node goes to sleep."""
    _set(storage, 0)


def one_more_try(storage) -> None:
    """The next start runs the application; another failure brings safe mode back."""
    _set(storage, 2)


def _set(storage, fails: int) -> None:
    if (storage.get("fails") or 0) != fails:
        storage.put("fails", fails)
        storage.commit()
