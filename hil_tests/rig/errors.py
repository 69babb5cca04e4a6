"""What can go wrong with a bench itself, as against with the node that lies on it."""


class RigError(Exception):
    """A part of the bench failed; the text says which and what to do."""

    retryable = False


class RigFileWrong(RigError):
    """The rig file has mistakes; `problems` names all of them."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SwitchFailed(RigError):
    """A hub, relay, plug or command did not switch."""

    retryable = True


class PersonAbsent(RigError):
    """Nobody answered at the terminal in time."""

    retryable = True


class StimulusFailed(RigError):
    """The stimulus board does not answer or refuses an order."""

    retryable = True


class BenchLacks(RigError):
    """A test used what it did not ask for with `@pytest.mark.needs`."""
