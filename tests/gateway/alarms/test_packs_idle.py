"""Facts that are not made change nothing: with and without them the rules decide the same."""

from typing import Any

from alarm_city import EPOCH, SITE
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import PackReader
from haidang_gateway.settings import NodeSettings
from hypothesis import given
from hypothesis import strategies as st
from node_packs import NODE, START_MS, pack

PLACE = "market"
_WORDS = st.sampled_from(["normal", "normal", "normal", "pre_alarm", "alarm"])
_SAMPLES = st.lists(st.tuples(_WORDS, st.booleans()), min_size=1, max_size=3)
_PACKS = st.lists(st.tuples(_SAMPLES, st.integers(1, 90)), min_size=1, max_size=8)


class _Gateway:
    """Reader and rules; all that they have decided."""

    def __init__(self, *, shortens: bool) -> None:
        self.rules = Rules(SITE, {}, EPOCH)
        self.decided: list[Any] = []
        self.facts = 0
        ledger = Ledger({}, 0, lambda _ms: "2026-11-22")
        nodes = {NODE: NodeSettings(id=NODE, place=PLACE)}
        more = [self.rules.is_idle] if shortens else []
        self._reader = PackReader(nodes, ledger, *more)

    def hear(self, payload: bytes, now_ms: int) -> None:
        arrival = Arrival(f"hd/1/n/{NODE}/data", payload, "data", False, 1, now_ms, "data", 1)
        for fact in self._reader.read(arrival).facts:
            self.facts += 1
            self.decided.append(self.rules.apply(fact, now_ms))
        for due in self.rules.due(now_ms):
            self.decided.append(self.rules.apply(due, now_ms))

    @property
    def outcomes(self) -> list[Any]:
        return [one for one in self.decided if one.states or one.revisions or one.counts]


def _payload(seq: int, samples: list[tuple[str, bool]], at_ms: int) -> bytes:
    up_ms = at_ms - START_MS + 60_000
    records: list[dict[str, Any]] = []
    for place, (word, has_health) in enumerate(samples):
        time = {"hu": up_ms + place, "bt": (at_ms + place) / 1000} if place else {}
        records.append({"n": "smoke/state", "vs": word} | time)
        if has_health:
            records.append({"n": "smoke/health", "vs": "ok"})
    return pack(seq, *records, up_ms=up_ms, unix_ms=at_ms)


@given(_PACKS)
def test_the_rules_decide_the_same_without_the_facts_of_what_is_idle(
    packs: list[tuple[list[tuple[str, bool]], int]],
) -> None:
    short, whole = _Gateway(shortens=True), _Gateway(shortens=False)
    now_ms = START_MS
    for seq, (samples, pause_s) in enumerate(packs):
        now_ms += pause_s * 1000
        payload = _payload(seq, samples, now_ms)
        for gateway in (short, whole):
            gateway.hear(payload, now_ms)
    assert short.outcomes == whole.outcomes
    assert short.facts <= whole.facts
