"""Feeds of a destination beside the centre, for tests."""

import hashlib
import json
from pathlib import Path
from typing import Any

from haidang_gateway.batch import Batch, Outgoing
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.feed import Feed
from haidang_gateway.formats import ngsi
from haidang_gateway.model import OutLane, Revision
from haidang_gateway.store import feed as store_feed
from haidang_gateway.store.store import Store
from node_packs import NODE, SOURCE, START_MS
from specimens import alarm_document

OTHER = "fire-service"
_FILE = Path("unused.pem")
_STATION = ngsi.Station(node=NODE, name="Chợ", lat=19.7, lon=105.9)


def settings_of(**more: Any) -> DestinationSettings:
    """A destination beside the centre."""
    more = {"name": OTHER, **more}
    return DestinationSettings(
        host="h", port=1, server_name="h", ca=_FILE, cert=_FILE, key=_FILE, batch_s=5, **more
    )


def feed_of(**more: Any) -> Feed:
    """Its feed; there is one station."""
    return Feed("gw-01", settings_of(**more), {SOURCE: _STATION})


def revision_of(rev: int, **fields: Any) -> Revision:
    """A revision as the rules make it."""
    document = alarm_document(rev=rev, **fields)
    alarm_id = json.loads(document)["id"]
    digest = hashlib.sha256(document).hexdigest()
    return Revision(
        alarm_id=alarm_id, rev=rev, document=document, sha256=digest, decided_ms=START_MS
    )


async def tell(store: Store, feed: Feed, *revisions: Revision) -> None:
    """Commit revisions with their messages."""
    for revision in revisions:
        drafts = tuple(feed.of_alarm(revision))
        await store.commit(Batch(now_ms=START_MS, revisions=(revision,), drafts=drafts))


async def waiting(store: Store, lane: OutLane = "alarm") -> list[Outgoing]:
    """The numbered messages."""
    return await store.pending(OTHER, lane, 0, 1000)


async def compose(store: Store, feed: Feed, now_ms: int = START_MS) -> int:
    """Number waiting packs."""
    plan = feed.plan()
    taken: int = await store.care(
        lambda c: store_feed.compose(c, plan, f"gw-01/{store.epoch}", now_ms)
    )
    return taken
