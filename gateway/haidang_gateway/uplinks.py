"""All destinations of one gateway, the operations centre first; none can hold up another."""

import asyncio
import functools
import logging
from collections.abc import Mapping
from typing import Any

from haidang_gateway.clock import Clock
from haidang_gateway.destination_link import DestinationLink, OnCommand, Status
from haidang_gateway.errors import StoreError
from haidang_gateway.feed import Feed
from haidang_gateway.formats.ngsi import Station
from haidang_gateway.metrics_page import Sample
from haidang_gateway.settings import NodeSettings, Settings
from haidang_gateway.site import Place
from haidang_gateway.store import feed
from haidang_gateway.store.store import Store

_log = logging.getLogger(__name__)


class Uplinks:
    """A link for each configured destination; `wake` after each commit, `run` until cancelled."""

    def __init__(
        self, settings: Settings, *, store: Store, clock: Clock, on_command: OnCommand
    ) -> None:
        """Make the links; `run` connects."""
        self._store = store
        self._clock = clock
        self._links = [
            DestinationLink(
                settings.id,
                one,
                Feed(settings.id, one, stations(settings)),
                store=store,
                clock=clock,
                on_command=on_command,
            )
            for one in (settings.centre, *settings.destinations)
        ]

    @property
    def centre(self) -> DestinationLink:
        """The operations centre's."""
        return self._links[0]

    @property
    def feeds(self) -> list[Feed]:
        """What each destination is told."""
        return [link.feed for link in self._links]

    def wake(self) -> None:
        """Tell that the store has new messages."""
        for link in self._links:
            link.wake()

    def committed(self, packs: int) -> None:
        """Tell that the store has so many more packs."""
        for link in self._links:
            link.committed(packs)

    async def adopt(self) -> None:
        """Tell the store for whom it keeps something; before `run`."""
        names = [link.settings.name for link in self._links]
        adopt = functools.partial(feed.adopt, names=names, now_ms=self._clock.now_ms())
        try:
            await self._store.care(adopt)
        except StoreError as error:
            # On a full disk alarms must flow all the same; the next start does it.
            _log.warning("destinations are not taken over from the configuration: %s", error)

    async def states(self, counted: Mapping[str, int]) -> list[dict[str, Any]]:
        """The contract's `destinations`; `counted` are the store's counters."""
        return [await link.state(counted) for link in self._links]

    def samples(self) -> list[Sample]:
        """How much may be under way to each destination."""
        return [sample for link in self._links for sample in link.samples()]

    async def run(self, status: Status) -> None:
        """Serve all destinations until cancelled."""
        async with asyncio.TaskGroup() as group:
            for link in self._links:
                group.create_task(link.run(status), name=f"destination {link.settings.name}")


def stations(settings: Settings) -> dict[str, Station]:
    """The configured nodes, by the name that their packs carry, with their places."""
    places = {place.id: place for place in settings.places}
    return {
        node.source: _station(node, places[node.place])
        for node in settings.nodes
        if node.place in places
    }


def _station(node: NodeSettings, place: Place) -> Station:
    levels = {level.name: level.mm for level in node.gauge}
    return Station(
        node=node.id,
        name=place.name,
        lat=place.lat,
        lon=place.lon,
        watch_mm=levels.get("watch"),
        danger_mm=levels.get("danger"),
    )
