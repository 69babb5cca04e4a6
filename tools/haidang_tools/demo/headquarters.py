"""The stand-in operations centre of the demo, in a thread of its own, with what it was told."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from haidang_tools.centre_check import Checker, Message, Refusal
from haidang_tools.centre_heads import ChainHead
from haidang_tools.centre_ledger import Ledger
from haidang_tools.centre_server import Centre, Line
from haidang_tools.demo.view import CityView
from haidang_tools.errors import ToolError

_T = TypeVar("_T")

_READY_S = 15.0
_LOOK_EVERY_S = 0.1


class Headquarters:
    """Runs a `Centre` and folds what it commits into a `CityView`.

    `view` may be read through `read` while it runs; `complaints` says what broke the contract.
    """

    def __init__(self, line: Line, ledger: Path, view: CityView) -> None:
        """Keep the arguments; `start` connects."""
        self.view = view
        self.complaints: list[str] = []
        self._lock = threading.Lock()
        self._ledger_path = ledger
        self._centre = Centre(line, Ledger(ledger), Checker(), self)
        self._stop = threading.Event()
        self._failure: ToolError | None = None
        self._thread = threading.Thread(target=self._run, name="centre", daemon=True)

    def start(self) -> None:
        """Connect and wait for the subscription; ToolError when there is none after 15 s."""
        self._thread.start()
        deadline_s = time.monotonic() + _READY_S
        while not self._centre.subscribed.wait(_LOOK_EVERY_S):
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > deadline_s:
                raise ToolError(f"the stand-in centre found no broker in {_READY_S:.0f} s")

    def stop(self) -> None:
        """Disconnect and close the ledger."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def read(self, look: Callable[[CityView], _T]) -> _T:
        """What `look` finds in the view, undisturbed by arrivals."""
        with self._lock:
            return look(self.view)

    def missing(self) -> int:
        """Messages missing below the highest received number; call after `stop`."""
        ledger = Ledger(self._ledger_path)
        ledger.open()
        try:
            gaps = ledger.gaps()
        finally:
            ledger.close()
        return sum(high - low + 1 for missing in gaps.values() for low, high in missing)

    def message(self, message: Message) -> None:
        """A new message or a status, after the ledger's commit."""
        with self._lock:
            self.view.message(message.kind, message.document, message.received_ms)

    def refused(self, refusal: Refusal) -> None:
        """A message that breaks the contract."""
        self.complaints.append(f"{refusal.topic}: {refusal.reason}")

    def broken(self, alarm_id: str, rev: int) -> None:
        """A revision whose hash does not fit its neighbour's."""
        self.complaints.append(f"alarm {alarm_id}, revision {rev}: the chain of hashes is broken")

    def went_back(self, kept: ChainHead, told: ChainHead) -> None:
        """An audit chain that lost its end."""
        self.complaints.append(f"{told.gateway}: audit chain at {told.n}, kept {kept}")

    def _run(self) -> None:
        try:
            self._centre.run(self._stop)
        except ToolError as error:
            self._failure = error
