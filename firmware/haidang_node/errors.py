"""The node's errors; a leaf says by `retryable` whether trying again can help."""


class NodeError(Exception):
    """Base of everything the node raises itself."""

    retryable = False


class ConfigError(NodeError):
    """node.json cannot be used; `problems` names every mistake in it."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class LinkError(NodeError):
    """Wi-Fi or the broker cannot be reached or went away."""

    retryable = True


class CommandError(NodeError):
    """A command cannot be executed; `hint` says what to do instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
