"""The alarm rules as one value: facts and time in, changed states and revisions out."""

import dataclasses
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from haidang_gateway.alarms import crowd, device, flood, smoke
from haidang_gateway.alarms.levels import SETTLE_MS
from haidang_gateway.alarms.lifecycle import (
    Finding,
    Scene,
    State,
    acknowledge,
    is_open,
    revise,
    revision_of,
)
from haidang_gateway.errors import ConfigError
from haidang_gateway.model import (
    AckAlarm,
    CrowdSeen,
    Due,
    Fact,
    FireSeen,
    FloodFact,
    FootfallFact,
    HealthFact,
    Heard,
    NodeMode,
    Outcome,
    Revision,
    Silence,
    SmokeFact,
)
from haidang_gateway.site import Site

_NUMBERS = "numbers"
# The wire contract ends a headline at 200 characters: two names and the sentence must fit.
_ID_LIMIT = 48
_NAME_LIMIT = 80
_JUDGES = {
    "fire": smoke.judge,
    "flood": flood.judge,
    "crowd": crowd.judge,
    "device": device.judge,
}


class Rules:
    """All alarm rules of one gateway with their states by key.

    Keys are "fire:<place>", "flood:<source>", "crowd:<zone>", "device:<source>",
    "device:<source>/<sensor>" ("node" for the node's own mode) and "numbers". States are
    JSON-able dicts that are replaced, never changed in place: an Outcome may be stored later.
    Restored states go on where they were.
    """

    def __init__(self, site: Site, states: Mapping[str, State], epoch: str) -> None:
        """Take over stored states; ConfigError for a site that no alarm can name."""
        _check_site(site)
        self._site = site
        self._zone = ZoneInfo(site.timezone)
        self._epoch = epoch
        self._states = dict(states)
        self._pulled_in: dict[str, tuple[int, int]] = {}
        self._timers_checked = False

    def apply(self, fact: Fact, now_ms: int) -> Outcome:
        """What `fact` changes at `now_ms` (Unix ms); nothing is changed if this raises.

        A source time in the future counts as now.
        """
        self._check_timers(now_ms)
        if not isinstance(fact, Due):
            fact = dataclasses.replace(fact, at_ms=min(fact.at_ms, now_ms))
        changed: dict[str, State | None] = {}
        revisions: list[Revision] = []
        for key, blank in list(self._routes(fact)):
            revision = self._advance(key, blank, fact, now_ms, changed)
            if revision is not None:
                revisions.append(revision)
        for key, state in changed.items():
            if state is not None:
                self._states[key] = state
                self._pull_in(key, now_ms)
        return Outcome(states=changed, revisions=tuple(revisions))

    def next_due_ms(self, now_ms: int) -> int | None:
        """When the next timer runs out; None without timers."""
        self._check_timers(now_ms)
        return min((run_out_ms for run_out_ms, _, _ in self._timers()), default=None)

    def due(self, now_ms: int) -> list[Due]:
        """The timers that have run out, oldest first; apply each."""
        self._check_timers(now_ms)
        ready = sorted(timer for timer in self._timers() if timer[0] <= now_ms)
        return [Due(key=key, at_ms=due_ms, received_ms=now_ms) for _, due_ms, key in ready]

    def knows(self, alarm_id: str) -> bool:
        """Whether an alarm of this id is remembered; the last one of each rule is."""
        return any(True for _ in self._alarm_routes(alarm_id))

    def calls_silent(self, source: str) -> bool:
        """Whether the last word about a source was its silence."""
        return bool(self._states.get(f"device:{source}", {}).get("word") == "silent")

    def open_alarms(self) -> list[Revision]:
        """The newest revision of every open alarm, byte for byte as it was decided."""
        alarms = (state.get("alarm") for state in self._states.values())
        return [revision_of(alarm) for alarm in alarms if alarm is not None and is_open(alarm)]

    def postpone(self, key: str, until_ms: int) -> None:
        """Let a timer that could not be applied run out again at `until_ms`."""
        self._pulled_in[key] = (self._states[key]["due_ms"], until_ms)

    def _routes(self, fact: Fact) -> Iterator[tuple[str, State]]:
        """The rule keys that a fact concerns, each with the state of a key never seen."""
        match fact:
            case SmokeFact() | FireSeen():
                yield f"fire:{fact.place}", {"place": fact.place}
            case FloodFact():
                yield f"flood:{fact.source}", {"place": fact.place, "source": fact.source}
            case CrowdSeen():
                yield _crowd_route(fact.zone, fact.place)
            case FootfallFact():
                yield from self._footfall_routes(fact.source)
            case HealthFact() | Silence() | Heard() | NodeMode():
                yield _device_route(fact)
            case AckAlarm():
                yield from self._alarm_routes(fact.alarm_id)
            case Due() if fact.key in self._states:
                yield fact.key, {}

    def _footfall_routes(self, source: str) -> Iterator[tuple[str, State]]:
        for zone in self._site.zones.values():
            if source in zone.footfall_sources:
                yield _crowd_route(zone.id, zone.place)

    def _alarm_routes(self, alarm_id: str) -> Iterator[tuple[str, State]]:
        for key, state in self._states.items():
            alarm = state.get("alarm")
            if alarm is not None and alarm["document"]["id"] == alarm_id:
                yield key, {}

    def _advance(
        self, key: str, blank: State, fact: Fact, now_ms: int, changed: dict[str, State | None]
    ) -> Revision | None:
        """Judge one key; puts its changed state into `changed` and returns a new revision."""
        last = self._states.get(key)
        state = {**(last or {}), **blank}
        if isinstance(fact, Due):
            state = {**state, "due_ms": None}
        if isinstance(fact, AckAlarm):
            state = {
                **state,
                "alarm": acknowledge(state["alarm"], fact.by, fact.at_ms, self._zone),
            }
        finding: Finding | None = None
        if self._is_configured(state):
            state, finding = _JUDGES[key.partition(":")[0]](state, fact, self._site, now_ms)
        scene = self._scene(key, state, now_ms, changed)
        news = revise(state.get("alarm"), finding, scene)
        if news is not None:
            state = {**state, "alarm": news[0]}
        if state not in (last, blank):
            changed[key] = state
        return None if news is None else news[1]

    def _scene(
        self, key: str, state: State, now_ms: int, changed: dict[str, State | None]
    ) -> Scene:
        def new_id() -> str:
            numbers = changed.get(_NUMBERS) or self._states.get(_NUMBERS) or {"next": 1}
            changed[_NUMBERS] = {"next": numbers["next"] + 1}
            return f"{self._site.gateway}-{self._epoch}-{numbers['next']:04d}"

        return Scene(
            health=lambda: self._health_at(state["place"], {**self._states, key: state}),
            zone=self._zone,
            new_id=new_id,
            decided_ms=now_ms,
        )

    def _health_at(self, place: str, states: Mapping[str, State]) -> dict[str, str]:
        """What the sources of the place can see, the news of this very fact included."""
        devices = [state for key, state in states.items() if key.startswith("device:")]
        here = (state for state in devices if state["place"] == place)
        return device.health_of(here, cut_off=device.is_cut_off(devices))

    def _is_configured(self, state: State) -> bool:
        """False for a state whose place or zone was taken out of the configuration."""
        zone = state.get("zone")
        return state["place"] in self._site.places and (zone is None or zone in self._site.zones)

    def _timers(self) -> Iterator[tuple[int, int, str]]:
        """Each timer as (when it runs out, the time that the rule waits for, key)."""
        for key, state in self._states.items():
            due_ms = state.get("due_ms")
            if due_ms is not None and self._is_configured(state):
                pulled = self._pulled_in.get(key)
                early = pulled is not None and pulled[0] == due_ms
                yield (pulled[1] if pulled and early else due_ms), due_ms, key

    def _check_timers(self, now_ms: int) -> None:
        if not self._timers_checked:
            self._timers_checked = True
            for key in self._states:
                self._pull_in(key, now_ms)

    def _pull_in(self, key: str, now_ms: int) -> None:
        """A lost wall clock may have put a timer further away than its own window: not later."""
        state = self._states[key]
        due_ms, known = state.get("due_ms"), self._pulled_in.get(key)
        if due_ms is None or (known is not None and known[0] == due_ms):
            return
        limit_ms = now_ms + state["window_ms"] + SETTLE_MS
        if due_ms > limit_ms:
            self._pulled_in[key] = (due_ms, limit_ms)


def _crowd_route(zone: str, place: str) -> tuple[str, State]:
    return f"crowd:{zone}", {"place": place, "zone": zone}


def _device_route(fact: HealthFact | Silence | Heard | NodeMode) -> tuple[str, State]:
    sensor = fact.sensor if isinstance(fact, HealthFact) else None
    if isinstance(fact, NodeMode):
        sensor = device.WHOLE_NODE
    key = f"device:{fact.source}/{sensor}" if sensor else f"device:{fact.source}"
    return key, {"place": fact.place, "source": fact.source, "sensor": sensor}


def _check_site(site: Site) -> None:
    used = [
        *site.node_places.items(),
        *site.camera_places.items(),
        *((zone.id, zone.place) for zone in site.zones.values()),
    ]
    problems = [
        f"{who} stands at place {place!r}, which is not configured; add a [[place]]"
        for who, place in used
        if place not in site.places
    ]
    problems += [
        f"{what} {name!r} has {len(name)} characters; {limit} are the most that fit a headline"
        for what, name, limit in _names(site)
        if len(name) > limit
    ]
    if problems:
        raise ConfigError(tuple(problems))


def _names(site: Site) -> Iterator[tuple[str, str, int]]:
    for place in site.places.values():
        yield "the id of place", place.id, _ID_LIMIT
        yield "the name of place", place.name, _NAME_LIMIT
        yield "the English name of place", place.name_en, _NAME_LIMIT
    for source in (*site.node_places, *site.camera_places):
        yield "the source", source, _ID_LIMIT
