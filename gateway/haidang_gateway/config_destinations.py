"""The configuration's [centre] and [[destination]] tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from haidang_wire.document_words import HAZARDS, SEVERITIES
from haidang_wire.vocabulary import NAMES

from haidang_gateway.batch import CENTRE
from haidang_gateway.config_table import Table
from haidang_gateway.destination import (
    FORMATS,
    MODES,
    PROTOCOLS,
    QUEUE_ALARMS,
    QUEUE_PACKS,
    DestinationSettings,
    Filter,
    Format,
)
from haidang_gateway.formats.cap import AREAS, SCOPES, CapSettings

AUTHORITY = "copy its authority's ca.pem there"
HOST = r"[A-Za-z0-9.:_-]{1,253}"
_WORD = r"[a-z0-9][a-z0-9-]{0,31}"
_NODE_ID = r"n-[0-9a-f]{12}"
# CAP 1.2, section 3.2.1
_SENDER = r"[^\s,<&]{1,120}"
_W = TypeVar("_W", bound=str)


def centre_of(table: Table, base: Path, sender: str) -> DestinationSettings:
    """The operations centre: it gets every alarm and every reading, and acknowledges them."""
    centre = DestinationSettings(
        host=table.text("host", pattern=HOST, like="a host name"),
        port=table.whole("port", 8883, low=1, high=65535),
        server_name=table.text("server_name", pattern=HOST, like="the certificate's name"),
        ca=table.file("ca", base=base, remedy=AUTHORITY),
        cert=table.file("cert", base=base),
        key=table.file("key", base=base, secret=True),
        batch_s=table.number("batch_s", 5.0, low=0.1, high=3600),
        protocol=_word(table, "protocol", PROTOCOLS),
        formats=_formats(table),
        deflate=table.yes("deflate", False),
        cap=_cap(table, sender),
    )
    if "native" not in centre.formats:
        table.problem("formats", 'the centre works with "native"; add it')
    if "ha" in centre.formats:
        table.problem("formats", '"ha" is for a [[destination]] with mode = "broker-only"')
    table.done()
    return centre


def destination_of(table: Table, base: Path, sender: str) -> DestinationSettings:
    """A further destination with its own filter, queue and words."""
    destination = DestinationSettings(
        name=table.text("name", pattern=_WORD, like="a short name such as fire-service"),
        host=table.text("host", pattern=HOST, like="a host name"),
        port=table.whole("port", 8883, low=1, high=65535),
        server_name=table.text("server_name", pattern=HOST, like="the certificate's name"),
        ca=table.file("ca", base=base, remedy=AUTHORITY),
        cert=table.file("cert", base=base),
        key=table.file("key", base=base, secret=True),
        batch_s=table.number("batch_s", 5.0, low=0.1, high=3600),
        mode=_word(table, "mode", MODES),
        protocol=_word(table, "protocol", PROTOCOLS),
        formats=_formats(table),
        deflate=table.yes("deflate", False),
        filter=Filter(
            hazards=_words(table, "hazards", HAZARDS),
            severities=_words(table, "severities", SEVERITIES),
            nodes=table.words("nodes", pattern=_NODE_ID, like="node ids"),
            names=_words(table, "names", tuple(NAMES)),
            thin_s=table.number("thin_s", 0.0, low=0.0, high=86_400),
        ),
        queue_packs=table.whole("queue_packs", QUEUE_PACKS, low=100, high=10**8),
        queue_alarms=table.whole("queue_alarms", QUEUE_ALARMS, low=100, high=10**7),
        cap=_cap(table, sender),
    )
    _check(table, destination)
    table.done()
    return destination


def clashes(
    centre: DestinationSettings, others: Sequence[DestinationSettings]
) -> Iterator[tuple[int, str, str]]:
    """(index, key, what is wrong) of destinations that would disturb each other."""
    names, places = {CENTRE}, {(centre.host, centre.port)}
    for index, one in enumerate(others):
        if one.name in names:
            yield index, "name", f"{one.name} is given twice; choose another name"
        if (one.host, one.port) in places:
            yield (
                index,
                "host",
                f"{one.host}:{one.port} is given twice; a broker lets this gateway in once",
            )
        names.add(one.name)
        places.add((one.host, one.port))


def _check(table: Table, one: DestinationSettings) -> None:
    if one.mode == "broker-only" and one.protocol == "3.1.1":
        table.problem(
            "protocol",
            'MQTT 3.1.1 does not tell of a refused message; use "5", or mode = "acked"',
        )
    if "ha" in one.formats and one.mode != "broker-only":
        table.problem("mode", 'Home Assistant acknowledges nothing; write mode = "broker-only"')


def _cap(table: Table, sender: str) -> CapSettings:
    d = CapSettings(sender=sender)
    scope = _word(table, "cap_scope", SCOPES, "Restricted")
    addresses = table.optional_text("cap_addresses", pattern=r".{1,400}", like="addresses")
    if scope == "Private" and not addresses:
        table.problem("cap_addresses", "a private alert names its receivers; list them")
    return CapSettings(
        sender=table.text("cap_sender", d.sender, pattern=_SENDER, like="a name without spaces"),
        name=table.text("cap_name", d.name, pattern=r".{1,120}", like="who warns, for readers"),
        scope=scope,
        restriction=table.text(
            "cap_restriction", d.restriction, pattern=r".{1,200}", like="who may read it"
        ),
        addresses=addresses,
        area=_word(table, "cap_area", AREAS),
    )


def _formats(table: Table) -> tuple[Format, ...]:
    return _words(table, "formats", FORMATS) or ("native",)


def _word(table: Table, key: str, known: tuple[_W, ...], default: _W | None = None) -> _W:
    """One of the known words; the first one where there is none."""
    given = table.text(
        key, default or known[0], pattern="|".join(known), like=f"one of {', '.join(known)}"
    )
    return next((word for word in known if word == given), known[0])


def _words(table: Table, key: str, known: tuple[_W, ...]) -> tuple[_W, ...]:
    given = table.words(key, pattern="|".join(known), like=f"words of {', '.join(known)}")
    return tuple(word for word in known if word in given)
