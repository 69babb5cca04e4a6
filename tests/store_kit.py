"""A real store in a test's folder, and small batches for it."""

import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from haidang_gateway.batch import CENTRE, Batch, PackRow
from haidang_gateway.model import Lane, Revision
from haidang_gateway.outgoing import alarm_draft, data_draft
from haidang_gateway.settings import BrokerSettings, StoreSettings
from haidang_gateway.store import bundles
from haidang_gateway.store.schema import Connection
from haidang_gateway.store.store import Store
from node_packs import EPOCH, NODE, START_MS

_NO_FILE = Path("unused.pem")
# Numbers the packs that wait for the centre.
DRAFT = data_draft("gw-01", CENTRE)
# For parts that name a broker and never dial it.
NO_BROKER = BrokerSettings(
    host="h",
    port=1,
    server_name="h",
    ca=_NO_FILE,
    cert=_NO_FILE,
    key=_NO_FILE,
    cert_alarm=_NO_FILE,
    key_alarm=_NO_FILE,
)


@contextlib.asynccontextmanager
async def open_store(folder: Path, **limits: Any) -> AsyncIterator[Store]:
    store = Store(folder, "gw-01", StoreSettings(**limits))
    await store.open(START_MS)
    try:
        yield store
    finally:
        await store.close()


def row(
    seq: int, body: bytes = b"[]", received_ms: int = START_MS, lane: Lane = "data"
) -> PackRow:
    return PackRow(
        node=NODE,
        epoch=EPOCH,
        boot=7,
        seq=seq,
        lane=lane,
        received_ms=received_ms,
        at_low_ms=START_MS,
        at_high_ms=START_MS,
        body=body,
    )


def revision(rev: int) -> Revision:
    return Revision(
        alarm_id="gw-01-5f3a9c1e-0001",
        rev=rev,
        document=b'{"rev":%d}' % rev,
        sha256=f"{rev:064x}",
        decided_ms=START_MS + rev,
    )


def alarm(rev: int) -> Batch:
    news = revision(rev)
    draft = alarm_draft("gw-01", CENTRE, news)
    return Batch(now_ms=START_MS, revisions=(news,), drafts=(draft,))


def noise(seq: int, size: int = 1000) -> bytes:
    """A body that takes its room: nothing makes it smaller."""
    return random.Random(seq).randbytes(size)


def stored(connection: Connection) -> list[tuple[int, PackRow]]:
    """All packs with their ids."""
    return list(bundles.every(connection))


def packs(*rows: PackRow) -> Batch:
    return Batch(now_ms=START_MS, packs=rows)
