"""The stand-in centre in a thread of its own, and what it told."""

import threading
from pathlib import Path
from typing import Self

from haidang_tools.centre import Centre, Line
from haidang_tools.centre_check import Checker, Message, Refusal
from haidang_tools.centre_heads import ChainHead
from haidang_tools.centre_ledger import Ledger
from waiting import DEADLINE_S, wait_until


class RunningCentre:
    """A context manager; `messages`, `refusals`, `breaks`, `lost_ends` grow as things arrive."""

    def __init__(self, ca: Path, port: int, ledger: Path) -> None:
        self.messages: list[Message] = []
        self.refusals: list[Refusal] = []
        self.breaks: list[tuple[str, int]] = []
        self.lost_ends: list[tuple[ChainHead, ChainHead]] = []
        self.ledger = Ledger(ledger)
        line = Line(
            host="127.0.0.1",
            port=port,
            ca=ca / "ca.pem",
            cert=ca / "centre-01.pem",
            key=ca / "centre-01.key",
        )
        self.centre = Centre(line, self.ledger, Checker(), self)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.centre.run, args=(self._stop,), name="centre")

    def message(self, message: Message) -> None:
        """A new message or a status."""
        self.messages.append(message)

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""
        self.refusals.append(refusal)

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision that does not fit its neighbour."""
        self.breaks.append((alarm_id, rev))

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """An audit chain that lost its end."""
        self.lost_ends.append((kept, told))

    def __enter__(self) -> Self:
        """Start, and wait until it hears the gateways."""
        self._thread.start()
        wait_until(
            lambda: self.centre.subscribed.is_set() or not self._thread.is_alive(),
            "the centre hears its gateways",
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and wait for its end."""
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the centre did not stop"

    def numbers(self) -> list[int]:
        """Sequences of all numbered messages that were told, in order of arrival."""
        return [message.seq for message in list(self.messages) if message.seq]
