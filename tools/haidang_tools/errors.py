"""The tools' error tree: one sentence for the technician, with what to do next."""


class ToolError(Exception):
    """Root of everything the tools raise on purpose."""

    retryable = False
