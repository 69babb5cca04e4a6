"""What one destination is told: alarm revisions and readings as drafts in its own words."""

import functools
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from haidang_wire.documents import wrap_alarm
from haidang_wire.topics import gateway_topic

from haidang_gateway import thinning
from haidang_gateway.batch import Draft
from haidang_gateway.destination import DestinationSettings, Format
from haidang_gateway.formats import cap, home_assistant, ngsi
from haidang_gateway.model import Revision
from haidang_gateway.outgoing import alarm_draft, compose_packs
from haidang_gateway.store.feed import Plan

_log = logging.getLogger(__name__)

Documents = Sequence[Mapping[str, Any]]
Writer = Callable[[str, Documents], bytes | None]


class Feed:
    """Makes the drafts of one destination; pure, the store numbers them."""

    def __init__(
        self, gateway: str, settings: DestinationSettings, stations: Mapping[str, ngsi.Station]
    ) -> None:
        """`stations` are the nodes by their SenML base name without the trailing colon."""
        self.name = settings.name
        self._gateway = gateway
        self._settings = settings
        self._stations = stations

    @property
    def is_plain(self) -> bool:
        """Whether it is told everything, in the gateway's own words alone."""
        rule = self._settings.filter
        native = self._settings.formats == ("native",)
        return native and rule.takes_all_alarms and rule.takes_all_data

    def of_alarm(self, revision: Revision) -> Iterator[Draft]:
        """One draft for each format; whether the destination wants it is decided in the store."""
        if "native" in self._settings.formats and self._settings.filter.takes_all_alarms:
            yield alarm_draft(self._gateway, self.name, revision)
        elif "native" in self._settings.formats:
            native = functools.partial(_native, revision.document)
            yield self._draft("alarm", revision.alarm_id, revision, native)
        if "cap" in self._settings.formats:
            yield self._draft("cap", revision.alarm_id, revision, self._cap)
        if "ngsi" in self._settings.formats:
            yield self._draft("ngsi", None, revision, _alarm_entities)
        if "ha" in self._settings.formats:
            yield from self._home(revision)

    def plan(self) -> Plan:
        """How the store makes this destination's data messages."""
        return Plan(
            destination=self.name,
            rule=self._settings.filter,
            choose=thinning.chosen,
            drafts=self._of_packs,
        )

    def _of_packs(self, bodies: Sequence[bytes]) -> list[Draft]:
        makers: dict[Format, tuple[str, Callable[[str], bytes | None]]] = {
            "native": ("data", functools.partial(_around, bodies)),
            "ngsi": ("ngsi", functools.partial(self._pack_entities, bodies)),
        }
        return [
            Draft(
                destination=self.name,
                lane="data",
                topic=gateway_topic(self._gateway, kind),
                compose=functools.partial(_guarded, compose),
            )
            for name, (kind, compose) in makers.items()
            if name in self._settings.formats
        ]

    def _draft(self, kind: str, item: str | None, revision: Revision, write: Writer) -> Draft:
        return self._chained(gateway_topic(self._gateway, kind, item), revision, write)

    def _chained(self, topic: str, revision: Revision, write: Writer) -> Draft:
        compose = functools.partial(self._wanted, revision.document, write)
        return Draft(
            destination=self.name,
            lane="alarm",
            topic=topic,
            compose=functools.partial(_guarded, compose),
            chain=(revision.alarm_id, revision.rev),
        )

    def _wanted(
        self, document: bytes, write: Writer, message_id: str, before: Sequence[bytes]
    ) -> bytes | None:
        """The message, from the first revision on that the filter lets through."""
        revisions = [json.loads(one) for one in (*before, document)]
        rule = self._settings.filter
        first = next(
            (place for place, one in enumerate(revisions) if rule.wants_alarm([one])), None
        )
        return None if first is None else write(message_id, revisions[first:])

    def _cap(self, message_id: str, revisions: Documents) -> bytes:
        *before, last = revisions
        return cap.message_of(last, before, self._settings.cap, message_id)

    def _pack_entities(self, bodies: Sequence[bytes], message_id: str) -> bytes | None:
        packs = [json.loads(body) for body in bodies]
        entities = [
            entity
            for pack in packs
            if (station := self._stations.get(pack[0].get("bn", "").rstrip(":")))
            for entity in ngsi.entities_of_pack(pack, station)
        ]
        if not entities:
            return None
        latest = max(
            str(one.get("observationDateTime") or one["dateObserved"]) for one in entities
        )
        return ngsi.notification(message_id, entities, latest)

    def _home(self, revision: Revision) -> Iterator[Draft]:
        document = json.loads(revision.document)
        for topic, payload in home_assistant.of_alarm(self._gateway, document):
            yield self._chained(topic, revision, functools.partial(_fixed, payload))


def _native(document: bytes, message_id: str, revisions: Documents) -> bytes:
    return bytes(wrap_alarm(message_id, document))


def _alarm_entities(message_id: str, revisions: Documents) -> bytes | None:
    entities = ngsi.entities_of_alarm(revisions[-1])
    return ngsi.notification(message_id, entities, revisions[-1]["updated"]) if entities else None


def _fixed(payload: bytes, message_id: str, revisions: Documents) -> bytes:
    return payload


def _around(bodies: Sequence[bytes], message_id: str) -> bytes:
    return compose_packs(message_id, bodies)


def _guarded(compose: Callable[..., bytes | None], *arguments: Any) -> bytes | None:
    """A format that fails must not stop the commit, and with it the alarms of all others."""
    try:
        return compose(*arguments)
    except Exception:  # noqa: BLE001 (see above)
        _log.exception("a message could not be written in a destination's format")
        return None
