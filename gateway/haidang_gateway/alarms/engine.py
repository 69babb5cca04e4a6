"""The alarm rules as one value: facts and time in, changed states and revisions out."""

import dataclasses
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo

from haidang_gateway.alarms import (
    acts,
    crowd,
    device,
    flood,
    lifecycle,
    reports,
    smoke,
    tally,
    waiving,
)
from haidang_gateway.alarms.acts import EXERCISE, Act
from haidang_gateway.alarms.document import (
    ACTUAL,
    Alarm,
    Finding,
    Scene,
    State,
    revision_of,
)
from haidang_gateway.alarms.document import EXERCISE as IN_EXERCISE
from haidang_gateway.alarms.lifecycle import is_open, revise
from haidang_gateway.alarms.routes import Route, Routes
from haidang_gateway.alarms.site_check import check_site
from haidang_gateway.alarms.timers import Timers
from haidang_gateway.alarms.turn import Turn
from haidang_gateway.model import (
    AckAlarm,
    DismissAlarm,
    Due,
    Exercise,
    Fact,
    Injected,
    Outcome,
    Revision,
    ShelveAlarm,
    SmokeFact,
)
from haidang_gateway.site import Site

_NUMBERS = "numbers"
_SHELF = "shelf:"
_JUDGES = {
    "fire": smoke.judge,
    "flood": flood.judge,
    "crowd": crowd.judge,
    "report": reports.judge,
    "device": device.judge,
}
# Of nearly every pack; whoever gets it changes nothing in it.
_NOTHING = Outcome()


class Rules:
    """All alarm rules of one gateway with their states by key.

    Keys are "fire:<place>", "flood:<source>", "crowd:<zone>", "report:<hazard>/<place>",
    "device:<source>", "device:<source>/<sensor>" ("node" for the node's own mode); the same with
    "exercise/" before them; "exercise:<place>", "shelf:<key>" and "numbers". States are JSON-able
    dicts that are replaced, never changed in place: an Outcome may be stored later. Restored
    states go on where they were.
    """

    def __init__(self, site: Site, states: Mapping[str, State], epoch: str) -> None:
        """Take over stored states; ConfigError for a site that no alarm can name."""
        check_site(site)
        self._site = site
        self._zone = ZoneInfo(site.timezone)
        self._epoch = epoch
        self._states = dict(states)
        self._routes = Routes(site)
        for key, state in self._states.items():
            self._routes.note(key, state)
        self._timers = Timers(self._states, self._is_configured)

    def apply(self, fact: Fact, now_ms: int) -> Outcome:
        """What `fact` changes at `now_ms` (Unix ms); nothing is changed if this raises.

        A source time in the future counts as now.
        """
        self._timers.check(now_ms)
        if isinstance(fact, SmokeFact) and self.is_idle(fact.place, fact.state):
            return _NOTHING
        turn = Turn(self._states, now_ms)
        self._take(_at_most(fact, now_ms), turn)
        for key, state in turn.changed.items():
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state
                self._timers.pull_in(key, now_ms)
        return turn.outcome()

    def is_idle(self, place: str, state: str) -> bool:
        """Whether a smoke detector's word is quiet and nothing of a fire is known at its place.

        So is nearly every one; nothing comes of it.
        """
        return smoke.is_calm_word(state) and self._states.keys().isdisjoint(
            self._routes.fires(place)
        )

    def next_due_ms(self, now_ms: int) -> int | None:
        """When the next timer runs out; None without timers."""
        self._timers.check(now_ms)
        return self._timers.next_ms()

    def due(self, now_ms: int) -> list[Due]:
        """The timers that have run out, oldest first; apply each."""
        self._timers.check(now_ms)
        return self._timers.due(now_ms)

    def postpone(self, key: str, until_ms: int) -> None:
        """Let a timer that could not be applied run out again at `until_ms`."""
        self._timers.postpone(key, until_ms)

    def alarm(self, alarm_id: str) -> Alarm | None:
        """An alarm that is remembered; the last one of each rule is."""
        return next((self._states[key]["alarm"] for key, _ in self._alarms(alarm_id)), None)

    def has_place(self, place: str) -> bool:
        """Whether a place is configured."""
        return place in self._site.places

    def is_exercised(self, place: str) -> bool:
        """Whether an exercise is on at a place."""
        return f"exercise:{place}" in self._states

    def memory(self, key: str) -> State:
        """A stored state that is no rule's."""
        return self._states.get(key, {})

    def calls_silent(self, source: str) -> bool:
        """Whether the last word about a source was its silence."""
        return bool(self._states.get(f"device:{source}", {}).get("word") == "silent")

    def open_alarms(self) -> list[Revision]:
        """The newest revision of every open alarm, byte for byte as it was decided."""
        alarms = (state.get("alarm") for state in self._states.values())
        return [revision_of(alarm) for alarm in alarms if alarm is not None and is_open(alarm)]

    def _take(self, fact: Fact, turn: Turn) -> None:
        match fact:
            case AckAlarm() | DismissAlarm() | ShelveAlarm():
                self._advance_all(list(self._alarms(fact.alarm_id)), fact, turn)
            case Exercise():
                self._exercise(fact, turn)
            case Injected():
                self._inject(fact, turn)
            case Due() if fact.key.startswith("exercise:"):
                self._end_exercise(fact.key.partition(":")[2], fact.at_ms, turn)
            case Due() if fact.key.startswith(_SHELF) and fact.key in self._states:
                self._unshelve(fact, turn)
            case _:
                self._advance_all(list(self._routes.of(fact, self._states)), fact, turn)

    def _advance_all(self, routes: Iterable[Route], fact: Fact, turn: Turn) -> None:
        for key, blank in routes:
            self._advance(key, blank, fact, turn)

    def _alarms(self, alarm_id: str) -> Iterator[Route]:
        for key, state in self._states.items():
            alarm = state.get("alarm")
            if alarm is not None and alarm["document"]["id"] == alarm_id:
                yield key, {}

    def _advance(self, key: str, blank: State, fact: Fact, turn: Turn) -> None:
        """Judge one key; puts its changed state and its revisions into the turn."""
        last = turn.states.get(key)
        state = {**(last or {}), **blank}
        if isinstance(fact, Due):
            state = {**state, "due_ms": None}
        if isinstance(fact, Act):
            state = self._act(key, state, fact, self._scene(key, state, turn), turn)
        state, finding = self._judge(key, state, fact, turn)
        alarm = state.get("alarm")
        if alarm is not None and alarm.get("waived"):
            alarm = waiving.rested(alarm, key, state)
        # The scene is made anew: what the place can see includes this very fact.
        news = None
        if alarm is not None or finding is not None:
            news = revise(alarm, finding, self._scene(key, state, turn))
        if news is not None:
            turn.revisions.append(news[1])
            turn.counts += tally.counts_of(alarm, news[0])
            alarm = news[0]
        if alarm is not None:
            state = {**state, "alarm": alarm}
        if state not in (last, blank):
            turn.changed[key] = state
            self._routes.note(key, state)

    def _judge(
        self, key: str, state: State, fact: Fact, turn: Turn
    ) -> tuple[State, Finding | None]:
        if not self._is_configured(state):
            return state, None
        window_ms = round(self._site.fusion_window_s * 1000)
        window = range(fact.at_ms - window_ms, fact.at_ms + window_ms + 1)
        near = self._routes.near(key, ChainMap({key: state}, turn.states), window)  # type: ignore[arg-type]
        kind = key.removeprefix(EXERCISE).partition(":")[0]
        if near:
            state = {**state, "near": near}
        state, finding = _JUDGES[kind](state, fact, self._site, turn.now_ms)
        return {name: value for name, value in state.items() if name != "near"}, finding

    def _act(self, key: str, state: State, act: Act, scene: Scene, turn: Turn) -> State:
        before = state["alarm"]
        alarm, revision = acts.acted(before, act, scene)
        if revision is not None:
            turn.revisions.append(revision)
            turn.counts += tally.counts_of(before, alarm)
        if isinstance(act, ShelveAlarm) and alarm is not before:
            name, shelf = acts.shelf_of(key, act, state["place"])
            turn.changed[name] = shelf
        elif revision is not None and _SHELF + key in self._states:
            turn.changed[_SHELF + key] = None
        return {**state, "alarm": alarm}

    def _unshelve(self, fact: Due, turn: Turn) -> None:
        key = self._states[fact.key]["of"]
        turn.changed[fact.key] = None
        state = self._states.get(key)
        if state is not None and state.get("alarm"):
            heard = {**state, "alarm": lifecycle.unshelve(state["alarm"])}
            turn.changed[key] = heard
            self._advance(key, {}, fact, turn)

    def _exercise(self, fact: Exercise, turn: Turn) -> None:
        if fact.until_ms <= fact.at_ms:
            self._end_exercise(fact.place, fact.at_ms, turn)
        elif fact.place in self._site.places:
            key, state = acts.exercise_of(fact)
            turn.changed[key] = state

    def _inject(self, fact: Injected, turn: Turn) -> None:
        route = self._routes.own(fact.stimulus)
        if route is not None and self.is_exercised(fact.stimulus.place):
            self._advance(EXERCISE + route[0], route[1], fact.stimulus, turn)

    def _end_exercise(self, place: str, at_ms: int, turn: Turn) -> None:
        for key in acts.exercised(place, self._states):
            alarm = self._states[key].get("alarm")
            if alarm is not None and is_open(alarm):
                scene = self._scene(key, self._states[key], turn)
                turn.revisions.append(lifecycle.end(alarm, at_ms, scene)[1])
            turn.changed[key] = None
        turn.changed[f"exercise:{place}"] = None

    def _scene(self, key: str, state: State, turn: Turn) -> Scene:
        status = IN_EXERCISE if key.startswith(EXERCISE) else ACTUAL

        def new_id() -> str:
            numbers = turn.states.get(_NUMBERS) or {"next": 1}
            number = numbers["next"]
            numbers = {**numbers, "next": number + 1}
            if status == ACTUAL:
                numbers, flood_begins = tally.numbered(numbers, turn.now_ms)
                turn.counts["alarm_floods"] += flood_begins
            turn.changed[_NUMBERS] = numbers
            return f"{self._site.gateway}-{self._epoch}-{number:04d}"

        return Scene(
            health=lambda: self._health_at(state["place"], key, state, turn),
            zone=self._zone,
            new_id=new_id,
            decided_ms=turn.now_ms,
            status=status,
        )

    def _health_at(self, place: str, key: str, state: State, turn: Turn) -> dict[str, str]:
        """What the sources of the place can see, the news of this very fact included."""
        states: Mapping[str, State] = ChainMap({key: state}, turn.states)  # type: ignore[arg-type]
        devices = self._routes.devices(place, states, key)
        here = (known for known in devices if known["place"] == place)
        cut_off = device.is_cut_off(devices)
        return device.health_of(here, cut_off=cut_off, wired=self._site.wired)

    def _is_configured(self, state: State) -> bool:
        """False for a state whose place or zone was taken out of the configuration."""
        zone = state.get("zone")
        return state["place"] in self._site.places and (zone is None or zone in self._site.zones)


def _at_most(fact: Fact, now_ms: int) -> Fact:
    if isinstance(fact, Due):
        return fact
    if isinstance(fact, Injected):
        stimulus = dataclasses.replace(fact.stimulus, at_ms=min(fact.stimulus.at_ms, now_ms))
        fact = dataclasses.replace(fact, stimulus=stimulus)
    if fact.at_ms <= now_ms:
        return fact
    return dataclasses.replace(fact, at_ms=now_ms)
