"""Reads beside the commits: a connection and a thread of their own, which no write holds up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from haidang_gateway.errors import StoreError
from haidang_gateway.store.schema import Connection, onlooker
from haidang_gateway.store.thread import StoreThread

_T = TypeVar("_T")


class StoreReads:
    """Sees what is committed; short reads alone, since the log cannot begin anew meanwhile.

    Raises StoreError while it is not open, and what `translated` makes of sqlite3's errors.
    """

    def __init__(self, name: str, translated: Callable[[Callable[[], _T]], _T]) -> None:
        """Closed; `open` does the work. `translated` runs what may fail."""
        self._thread = StoreThread(name)
        self._translated: Callable[[Callable[[], Any]], Any] = translated
        self._connection: Connection | None = None

    def open(self, path: Path) -> None:
        """Open the database, which must be there."""
        self._connection = self._translated(lambda: onlooker(path))

    async def read(self, work: Callable[[Connection], _T], *, first: bool = False) -> _T:
        """What `work` returns; with `first` it overtakes what waits."""
        call = self._thread.call_first if first else self._thread.call
        found: _T = await call(lambda: self._translated(lambda: work(self._open_connection)))
        return found

    def close(self) -> None:
        """Do what waits, then close; blocks for as long."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise StoreError("the database is not open")
        return self._connection
