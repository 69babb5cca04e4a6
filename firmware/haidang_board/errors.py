"""What can go wrong with the virtual board."""


class BoardError(Exception):
    """Root of the virtual board's errors; the text is for a technician."""

    retryable = False


class BoardUnavailable(BoardError):
    """This machine has no MicroPython interpreter the virtual board could run."""


class BoardSilent(BoardError):
    """The interpreter did not come up within its deadline."""

    retryable = True
