"""Which rules a fact concerns: its own place, places within reach, the next gauge of a river."""

from collections.abc import Collection, Iterator, Mapping
from math import asin, cos, pi, radians, sin, sqrt

from haidang_gateway.alarms import device
from haidang_gateway.alarms.document import Evidence, State
from haidang_gateway.model import (
    CrowdSeen,
    Due,
    Fact,
    FireSeen,
    FloodFact,
    FootfallFact,
    HealthFact,
    Heard,
    NodeMode,
    PowerFact,
    Report,
    Silence,
    SmokeFact,
    StoreTrouble,
)
from haidang_gateway.site import Place, Site

Route = tuple[str, State]

_EARTH_M = 6_371_000
_DEGREE_M = pi * _EARTH_M / 180
_DEVICE = "device:"


class Routes:
    """The keys of rule states that a fact reaches, each with the state of a key never seen.

    Two places are within reach of each other where their circles (`radius_m`) overlap.
    """

    def __init__(self, site: Site) -> None:
        """Measure the distances once."""
        self._site = site
        places = site.places.values()
        self._reach = {
            place.id: {other.id for other in places if _overlap(place, other)} for place in places
        }
        self._fire_routes = {place: tuple(self._fires(place)) for place in site.places}
        self._fire_keys = {
            place: tuple(key for key, _ in routes) for place, routes in self._fire_routes.items()
        }
        # Gauges of which something is known: few, where all nodes of a place may be thousands.
        self._gauges: dict[str, set[str]] = {}
        # Devices in the order in which they became known.
        self._devices: dict[str, dict[str, None]] = {}
        self._brokers: dict[str, None] = {}

    def of(self, fact: Fact, states: Mapping[str, State]) -> Iterator[Route]:
        """The fact's own rule first; what it corroborates behind it."""
        match fact:
            case SmokeFact() | FireSeen() | Report(hazard="fire"):
                yield from self._fire_routes.get(fact.place) or self._fires(fact.place)
            case FloodFact():
                yield from self._floods(fact, states)
            case Report():
                yield _report_route(fact)
                yield from self._corroborated(fact, states)
            case CrowdSeen():
                yield _crowd_route(fact.zone, fact.place)
            case FootfallFact():
                yield from self._footfall(fact.source)
            case HealthFact() | Silence() | Heard() | NodeMode() | PowerFact() | StoreTrouble():
                yield device.route_of(fact)
            case Due() if fact.key in states:
                yield fact.key, {}

    def fires(self, place: str) -> Collection[str]:
        """The keys that a sign of fire at a place reaches."""
        return self._fire_keys.get(place) or [key for key, _ in self._fires(place)]

    def note(self, key: str, state: State) -> None:
        """A state that there is: gauges and devices are looked up by their place.

        All nodes may fall silent at once, and each one's alarm tells what its place can see.
        """
        if _parts(key)[1] == "flood":
            self._gauges.setdefault(state["place"], set()).add(key)
        elif key.startswith(_DEVICE):
            self._devices.setdefault(state["place"], {})[key] = None
            if device.is_brokers(state):
                self._brokers[key] = None

    def devices(self, place: str, states: Mapping[str, State], news: str) -> list[State]:
        """What is known of the devices of a place and of the gateway's own broker.

        `news` is the key that is judged, which may be new.
        """
        own = {news: None} if news.startswith(_DEVICE) else {}
        keys = {**self._brokers, **self._devices.get(place, {}), **own}
        return [states[key] for key in keys if key in states]

    def own(self, fact: Fact) -> Route | None:
        """The fact's own rule alone: an exercise stays at its place."""
        return next(self.of(fact, {}), None)

    def near(self, key: str, states: Mapping[str, State], window: range) -> tuple[Evidence, ...]:
        """What other sources say of the same flood or crowd: gauges within reach that are above
        a level, and people's reports of a time in `window` (Unix ms).
        """
        prefix, kind, _ = _parts(key)
        if kind not in {"flood", "crowd"} or key not in states:
            return ()
        place = states[key]["place"]
        reach = self._reach.get(place, set()) if kind == "flood" else {place}
        found: list[Evidence] = []
        if kind == "flood":
            others = [name for name in self._known(prefix, reach, states) if name != key]
            found += [states[name]["evidence"] for name in others if _is_high(states[name])]
        for spot in sorted(reach):
            people = states.get(f"{prefix}report:{kind}/{spot}", {}).get("people", {})
            found += [n["evidence"] for n in people.values() if n["at_ms"] in window]
        return tuple(found)

    def _fires(self, place: str) -> Iterator[Route]:
        yield f"fire:{place}", {"place": place}
        for other in sorted(self._reach.get(place, set()) - {place}):
            yield f"fire:{other}", {"place": other}

    def _floods(self, fact: FloodFact, states: Mapping[str, State]) -> Iterator[Route]:
        own = f"flood:{fact.source}"
        yield own, {"place": fact.place, "source": fact.source}
        below = self._site.rivers.get(fact.source)
        told = {own}
        if below is not None and below.source in self._site.node_places:
            key = f"flood:{below.source}"
            told.add(key)
            yield key, {"place": self._site.node_places[below.source], "source": below.source}
        yield from self._alike(fact.place, states, told)

    def _corroborated(self, fact: Report, states: Mapping[str, State]) -> Iterator[Route]:
        if fact.hazard == "flood":
            yield from self._alike(fact.place, states, ())
        for zone in self._site.zones.values():
            key, blank = _crowd_route(zone.id, zone.place)
            if fact.hazard == "crowd" and zone.place == fact.place and key in states:
                yield key, blank

    def _alike(
        self, place: str, states: Mapping[str, State], told: Collection[str]
    ) -> Iterator[Route]:
        """The gauges within reach of which something is known already."""
        for key in self._known("", self._reach.get(place, set()), states):
            if key not in told:
                yield key, {}

    def _known(self, prefix: str, places: set[str], states: Mapping[str, State]) -> list[str]:
        start = f"{prefix}flood:"
        keys = {key for place in places for key in self._gauges.get(place, ())}
        # One that was moved or taken out says nothing of this place any more.
        return sorted(
            key
            for key in keys
            if key.startswith(start)
            and key in states
            and states[key]["place"] in places
            and not self._site.is_gone(states[key]["source"])
        )

    def _footfall(self, source: str) -> Iterator[Route]:
        for zone in self._site.zones.values():
            if source in zone.footfall_sources:
                yield _crowd_route(zone.id, zone.place)


def _crowd_route(zone: str, place: str) -> Route:
    return f"crowd:{zone}", {"place": place, "zone": zone}


def _report_route(fact: Report) -> Route:
    key = f"report:{fact.hazard}/{fact.place}"
    return key, {"place": fact.place, "hazard": fact.hazard}


def _parts(key: str) -> tuple[str, str, str]:
    kind, _, rest = key.partition(":")
    prefix, slash, name = kind.rpartition("/")
    return prefix + slash, name, rest


def _is_high(state: State) -> bool:
    return bool(state.get("track", {}).get("rank")) and not state.get("stale")


def _overlap(one: Place, other: Place) -> bool:
    """Whether the circles of two places meet; the earth as a sphere is exact to 0.5 %."""
    # Most places of a city are too far north or south: thousands are compared at the start.
    if abs(other.lat - one.lat) * _DEGREE_M > one.radius_m + other.radius_m:
        return False
    lat, lon = radians(other.lat - one.lat), radians(other.lon - one.lon)
    half = sin(lat / 2) ** 2 + cos(radians(one.lat)) * cos(radians(other.lat)) * sin(lon / 2) ** 2
    return 2 * _EARTH_M * asin(sqrt(half)) <= one.radius_m + other.radius_m
