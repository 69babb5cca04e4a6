"""The device hazard: a source that is silent, a sensor that is blind; and what a place can see."""

from collections.abc import Collection, Iterable
from zoneinfo import ZoneInfo

from haidang_wire import words

from haidang_gateway import text_device
from haidang_gateway.alarms import levels
from haidang_gateway.alarms.document import Evidence, Finding, State, iso
from haidang_gateway.alarms.lifecycle import openings, state_of
from haidang_gateway.model import (
    Fact,
    HealthFact,
    Heard,
    NodeMode,
    PowerFact,
    Silence,
    StoreTrouble,
)
from haidang_gateway.site import Site
from haidang_gateway.text import Headline

# A repaired or returned device must stay well for as long before its alarm is cleared.
CLEAR_MS = 30_000
# One that fails again and again within an hour must stay well twice as long each time, at most
# 16 min: its alarm stays open instead of coming and going.
_DOUBLINGS = 5

# Stands for the node itself where a sensor is named; no pack can name it.
WHOLE_NODE = "node"
# The word for a node that reads no sensor; it never leaves this module as a health.
_BLIND = "safe"
# The gateway's own database; its words are no sensor's health.
STORE = "store"
_STORE_WORDS = ("restored", "rebuilt", "full", "failing")
# A node's supply: news before the silence that follows; what the node sees is not worse for it.
POWER = "power"
_POWER_WORDS = ("low", "high")
# A camera's own words, and what they are called in an alarm's `health`: the contract's words.
_VIEWS = {"turned": "stuck", "blurred": "noisy", "blinded": "silent", "black": "silent"}
_FAULTS = (
    "noisy",
    *("blurred", "turned"),
    *("stuck", "short", "open", "blinded", "black", "silent"),
    *(_BLIND, *_STORE_WORDS, *_POWER_WORDS),
)
_WELL = ("ok", "uncalibrated")
# From best to worst sight, for a place with several sensors of one kind.
_SIGHT = ("ok", "uncalibrated", "warming", *_FAULTS)
# Names out of a pack are not trusted: each known one would be a state and an alarm of its own.
_SENSORS = (*words.SENSORS, "camera")
_EVIDENCE_KINDS = ("smoke", "flood", "footfall")
_BROKER = "gateway:"

_Word = Silence | Heard | HealthFact | NodeMode | PowerFact | StoreTrouble


def judge(state: State, fact: Fact, site: Site, now_ms: int) -> tuple[State, Finding | None]:
    """The device's state after `fact` and what it means; timers come as Due facts."""
    if isinstance(fact, _Word):
        heard = _hear(state, fact, site, now_ms)
        if heard is None or (not state.get("word") and _is_good_news(fact)):
            return state, None
        state = heard
    if "track" not in state:
        return state, None
    hold_ms = hold_of(state, fact.at_ms)
    track = levels.settle(state["track"], fact.at_ms, 0, hold_ms)
    after = {**state, "track": track, "calm": levels.is_idle(track)}
    after = _settle_fault(after, fact.at_ms)
    return after | _timer(after, hold_ms), _find(after, fact, site)


def hold_of(state: State, at_ms: int) -> int:
    """How long this device must stay well before its alarm is cleared."""
    opened = len(openings(state.get("alarm"), at_ms))
    return CLEAR_MS << min(max(opened - 1, 0), _DOUBLINGS)


def route_of(fact: _Word) -> tuple[str, State]:
    """The rule of a device's word: of the source as a whole, of one sensor, or of its mode."""
    sensor = fact.sensor if isinstance(fact, HealthFact) else None
    if isinstance(fact, NodeMode):
        sensor = WHOLE_NODE
    if isinstance(fact, PowerFact | StoreTrouble):
        sensor = POWER if isinstance(fact, PowerFact) else STORE
    key = f"device:{fact.source}/{sensor}" if sensor else f"device:{fact.source}"
    return key, {"place": fact.place, "source": fact.source, "sensor": sensor}


def is_cut_off(states: Iterable[State]) -> bool:
    """Whether the gateway's broker is away, by all device states: wired nodes alone are heard."""
    return any(is_brokers(state) and state["word"] == "silent" for state in states)


def is_brokers(state: State) -> bool:
    """Whether a state is of the gateway's own broker or database, no node's."""
    return bool(state["source"].startswith(_BROKER))


def health_of(
    states: Iterable[State], *, cut_off: bool = False, wired: Collection[str] = ()
) -> dict[str, str]:
    """Worst health by kind of sensor, out of the device states of one place.

    All sensors of a silent node or one in safe mode count as silent, those of every node where
    the nodes are `cut_off`, but those that are `wired` to the gateway; a silent source without
    known sensors is listed as "node" or "camera".
    """
    known = [state for state in states if not state["source"].startswith(_BROKER)]
    sensors = [state for state in known if state["sensor"] not in (None, WHOLE_NODE, POWER)]
    whole = [state for state in known if state["sensor"] in (None, WHOLE_NODE)]
    silent = {state["source"] for state in whole if state["word"] in ("silent", _BLIND)}
    if cut_off:
        others = {s["source"] for s in known if not s["source"].startswith("camera:")}
        silent |= others.difference(wired)
    words = [(s["sensor"], "silent" if s["source"] in silent else s["word"]) for s in sensors]
    bare = silent - {state["source"] for state in sensors}
    words += [(_own_kind(source), "silent") for source in bare]
    health: dict[str, str] = {}
    for sensor, word in words:
        word = _VIEWS.get(word, word)  # noqa: PLW2901
        health[sensor] = max(word, health.get(sensor, "ok"), key=_SIGHT.index)
    return health


def _own_kind(source: str) -> str:
    return "camera" if source.startswith("camera:") else "node"


def _is_good_news(fact: Fact) -> bool:
    if isinstance(fact, PowerFact | StoreTrouble):
        return fact.word in _WELL
    return isinstance(fact, Heard) or (isinstance(fact, NodeMode) and fact.mode != _BLIND)


def _hear(state: State, fact: _Word, site: Site, now_ms: int) -> State | None:
    """The state with the word taken in; None where it is no news."""
    if not _is_its_word(fact):
        return None
    word = _word(fact)
    # Any message is a sign of life when it comes, however old its readings are.
    at_ms = fact.received_ms if isinstance(fact, Heard) else fact.at_ms
    if word not in _SIGHT or levels.is_overtaken(at_ms, state.get("at_ms"), now_ms):
        return None
    if word == state.get("word") or levels.is_stale(at_ms, now_ms):
        return None
    was = state.get("track") or levels.new_track(1, at_ms)
    news = {"at_ms": at_ms, "word": word, "track": was}
    if word in _FAULTS or word in _WELL:
        news["track"] = levels.mark(was, 1 if word in _FAULTS else 0, at_ms)
    if word in _FAULTS:
        news["fault"] = state.get("fault", word)
        news["evidence"] = _evidence(fact, word, ZoneInfo(site.timezone))
        if not levels.momentary_rank(was):
            news["onset_ms"] = fact.since_ms if isinstance(fact, Silence) else fact.at_ms
    return {**state, **news}


def _is_its_word(fact: _Word) -> bool:
    # A pack must not bring in words that are another's.
    if isinstance(fact, PowerFact):
        return fact.word in ("ok", *_POWER_WORDS)
    if not isinstance(fact, HealthFact):
        return True
    foreign = {_BLIND, *_STORE_WORDS, *_POWER_WORDS, *(_VIEWS if fact.sensor != "camera" else ())}
    return fact.sensor in _SENSORS and fact.health not in foreign


def _word(fact: _Word) -> str:
    if isinstance(fact, HealthFact):
        return fact.health
    if isinstance(fact, PowerFact | StoreTrouble):
        return fact.word
    if isinstance(fact, NodeMode):
        return _BLIND if fact.mode == _BLIND else "ok"
    return "silent" if isinstance(fact, Silence) else "ok"


def _settle_fault(state: State, at_ms: int) -> State:
    """Name the fault: at once for a new alarm, another fault only when it held."""
    if not _is_other_fault(state):
        return state
    if state_of(state.get("alarm")) and at_ms - state["at_ms"] < CLEAR_MS:
        return state
    return {**state, "fault": state["word"]}


def _is_other_fault(state: State) -> bool:
    return state["word"] in _FAULTS and state["word"] != state.get("fault")


def _timer(state: State, hold_ms: int) -> State:
    due_ms = levels.next_change_ms(state["track"], 0, hold_ms)
    if _is_other_fault(state):
        held_ms = state["at_ms"] + CLEAR_MS
        due_ms = min(due_ms or held_ms, held_ms)
    return {"due_ms": due_ms, "window_ms": hold_ms}


def _find(state: State, fact: Fact, site: Site) -> Finding | None:
    rank, was = state["track"]["rank"], state_of(state.get("alarm"))
    if was is None and rank == 0:
        return None
    word = state["fault"] if rank else "ok"
    return Finding(
        hazard="device",
        place=site.places[state["place"]],
        state="confirmed" if rank else "cleared",
        severity="Moderate" if state["source"].startswith(_BROKER) else "Minor",
        urgency="Expected" if rank else "Past",
        certainty="Observed",
        grade=word,
        onset_ms=state["onset_ms"],
        updated_ms=fact.at_ms,
        evidence=(state["evidence"],),
        headline=_headline(state, site, word if rank else state["word"]),
    )


def _headline(state: State, site: Site, word: str) -> Headline:
    place, source = site.places[state["place"]], state["source"]
    well = word in _WELL
    if state["sensor"] == STORE:
        return text_device.store_headline(source, "ok" if well else word)
    if state["source"].startswith(_BROKER):
        return text_device.broker_headline(source, back=well)
    if state["sensor"] == WHOLE_NODE:
        return text_device.safe_mode_headline(place, source, over=well)
    if state["sensor"] == POWER:
        return text_device.power_headline(place, source, "ok" if well else word)
    if state["sensor"] is None:
        return text_device.silence_headline(place, source, back=well)
    return text_device.fault_headline(place, state["sensor"], word, source)


def _evidence(fact: _Word, word: str, zone: ZoneInfo) -> Evidence:
    time = iso(fact.at_ms, zone)
    if isinstance(fact, NodeMode):
        name = f"{WHOLE_NODE}/mode"
        return {
            "source": fact.source,
            "kind": "silence",
            "name": name,
            "value": word,
            "time": time,
        }
    if isinstance(fact, PowerFact | StoreTrouble):
        told = "node/power" if isinstance(fact, PowerFact) else f"{STORE}/state"
        item = {"source": fact.source, "kind": "silence", "name": told}
        return item | {"value": word, "time": time}
    if not isinstance(fact, HealthFact):
        return {"source": fact.source, "kind": "silence", "time": time}
    kind = fact.sensor if fact.sensor in _EVIDENCE_KINDS else "silence"
    name = f"{fact.sensor}/health"
    return {"source": fact.source, "kind": kind, "name": name, "value": word, "time": time}
