"""Reads beside the commits: a connection and a thread of their own, which no write holds up."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from haidang_gateway.errors import StoreError
from haidang_gateway.store_schema import Connection
from haidang_gateway.store_thread import StoreThread

_T = TypeVar("_T")


class StoreReads:
    """Sees what is committed; short reads alone, since the log cannot begin anew meanwhile.

    Raises StoreError while it is not open, sqlite3's errors for everything else.
    """

    def __init__(self) -> None:
        """Closed; `open` does the work."""
        self._thread = StoreThread("store reads")
        self._connection: Connection | None = None

    def open(self, path: Path) -> None:
        """Open the database, which must be there."""
        uri = f"{path.absolute().as_uri()}?mode=rw"
        # Opened and closed by whoever owns the store.
        self._connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA query_only=1")

    async def read(self, work: Callable[[Connection], _T], *, first: bool = False) -> _T:
        """What `work` returns; with `first` it overtakes what waits."""
        call = self._thread.call_first if first else self._thread.call
        return await call(lambda: work(self._open_connection))

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
