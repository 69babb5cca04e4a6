"""One destination of the uplink: where it is, what it wants, in which words; pure values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from haidang_gateway.batch import CENTRE
from haidang_gateway.formats.cap import CapSettings

Mode = Literal["acked", "broker-only"]
Protocol = Literal["auto", "5", "3.1.1"]
Format = Literal["native", "cap", "ngsi", "ha"]

MODES: tuple[Mode, ...] = ("acked", "broker-only")
PROTOCOLS: tuple[Protocol, ...] = ("auto", "5", "3.1.1")
FORMATS: tuple[Format, ...] = ("native", "cap", "ngsi", "ha")
# About 20 MB of readings, about 60 MB of alarms.
QUEUE_PACKS = 100_000
QUEUE_ALARMS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a destination is told; an empty tuple means everything.

    `hazards` and `severities` choose alarms, `nodes` and `names` telemetry; of telemetry only the
    newest value of each name in `thin_s` seconds (0: every value).
    """

    hazards: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    thin_s: float = 0.0

    def wants_alarm(self, revisions: Iterable[Mapping[str, Any]]) -> bool:
        """Whether any revision of an alarm so far fits.

        Whoever heard that it began, or grew, must hear how it goes on and ends.
        """
        return any(
            (not self.hazards or document["hazard"] in self.hazards)
            and (not self.severities or document["severity"] in self.severities)
            for document in revisions
        )

    @property
    def takes_all_alarms(self) -> bool:
        """Whether no alarm is left out."""
        return not (self.hazards or self.severities)

    @property
    def takes_all_data(self) -> bool:
        """Whether no reading is left out."""
        return not (self.nodes or self.names or self.thin_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSettings:
    """A broker that takes the gateway's messages; data leaves in one message every `batch_s`.

    At most `queue_packs` readings and `queue_alarms` alarm messages wait for a destination other
    than the centre; beyond it the oldest go, counted. `commands` are taken from the centre alone.
    """

    host: str
    port: int
    server_name: str
    ca: Path
    cert: Path
    key: Path
    batch_s: float
    name: str = CENTRE
    mode: Mode = "acked"
    protocol: Protocol = "auto"
    formats: tuple[Format, ...] = ("native",)
    deflate: bool = False
    filter: Filter = field(default_factory=Filter)
    queue_packs: int = QUEUE_PACKS
    queue_alarms: int = QUEUE_ALARMS
    cap: CapSettings = field(default_factory=lambda: CapSettings(sender="haidang"))

    @property
    def is_centre(self) -> bool:
        """Whether this is the operations centre, which commands."""
        return self.name == CENTRE
