"""The tools' error tree: one sentence for the technician, with what to do next."""


class ToolError(Exception):
    """Root of everything the tools raise on purpose."""

    retryable = False


class BoardAbsent(ToolError):
    """No board answers at the port."""

    retryable = True


class BoardBusy(ToolError):
    """Another program holds the port."""

    retryable = True


class BoardRefused(ToolError):
    """The board runs, but not what it was asked to run."""


class FlashFull(ToolError):
    """The board's file system has no room for what must be written."""


class InputRefused(ToolError):
    """A file or an argument given to the tool is not usable."""
