"""From a pack to facts and a row: names agree, samples in order, nothing guessed."""

import json
from typing import Any

import pytest
from haidang_gateway.errors import PackRefused
from haidang_gateway.ingest.arrival import Arrival
from haidang_gateway.ingest.facts import IsIdle
from haidang_gateway.ingest.ledger import Ledger
from haidang_gateway.ingest.packs import PackReader, Received
from haidang_gateway.model import FloodFact, FootfallFact, HealthFact, PowerFact, SmokeFact
from haidang_gateway.settings import NodeSettings
from haidang_wire import senml
from node_packs import NODE, SOURCE, START_MS, pack

_LONGEST_MS = 2**53 - 1
_YEAR_MS = 365 * 86_400_000


def _ledger() -> Ledger:
    return Ledger({}, 0, lambda _ms: "2026-11-22")


def _read(
    payload: bytes,
    node: str = NODE,
    received_ms: int = START_MS + 40,
    is_idle: IsIdle = lambda _place, _state: False,
    ledger: Ledger | None = None,
) -> Received:
    nodes = {NODE: NodeSettings(id=NODE, place="m")}
    reader = PackReader(nodes, ledger or _ledger(), is_idle)
    arrival = Arrival(
        topic=f"hd/1/n/{node}/data",
        payload=payload,
        lane="data",
        retained=False,
        packet_id=1,
        received_ms=received_ms,
        session="data",
        connection=1,
    )
    return reader.read(arrival)


def test_each_sample_of_a_pack_becomes_facts_at_its_own_time() -> None:
    received = _read(
        pack(
            1,
            {"n": "flood/level", "u": "mm", "v": 412},
            {"n": "flood/rate", "u": "mm/h", "v": 960},
            {"n": "flood/state", "vs": "warning"},
            {"n": "flood/health", "vs": "ok"},
            {"n": "flood/level", "u": "mm", "v": 415.6, "hu": 61_000, "bt": START_MS / 1000 + 1},
            up_ms=60_000,
        )
    )
    health, first, second = received.facts
    assert isinstance(health, HealthFact)
    assert (health.sensor, health.health) == ("flood", "ok")
    assert isinstance(first, FloodFact)
    assert isinstance(second, FloodFact)
    assert (first.level_mm, first.rate_mm_h, first.state) == (412, 960, "warning")
    assert (second.level_mm, second.rate_mm_h, second.state) == (416, None, None)
    assert (first.at_ms, second.at_ms) == (START_MS, START_MS + 1000)
    assert first.source == SOURCE
    assert first.place == "m"
    assert first.received_ms == START_MS + 40


def test_a_suppressed_count_is_a_fact_without_a_number() -> None:
    (fact,) = _read(pack(1, {"n": "footfall/suppressed", "vb": True})).facts
    assert isinstance(fact, FootfallFact)
    assert fact.devices is None


def test_a_float_switch_tells_a_state_without_a_level() -> None:
    (fact,) = _read(pack(1, {"n": "flood/state", "vs": "danger"})).facts
    assert isinstance(fact, FloodFact)
    assert (fact.state, fact.level_mm) == ("danger", None)


def test_a_state_without_a_ratio_is_still_a_smoke_fact() -> None:
    (fact,) = _read(pack(1, {"n": "smoke/state", "vs": "alarm"})).facts
    assert isinstance(fact, SmokeFact)
    assert (fact.state, fact.ratio) == ("alarm", None)


def test_of_a_detector_that_says_what_is_idle_no_facts_are_made_but_of_all_else() -> None:
    normal = {"n": "smoke/state", "vs": "normal"}

    def is_idle(place: str, state: str) -> bool:
        assert place == "m"
        return state == "normal"

    def states(*records: dict[str, Any]) -> list[str]:
        received = _read(pack(1, *records, up_ms=60_000), is_idle=is_idle)
        assert received.row is not None, "it is kept and forwarded all the same"
        return [fact.state for fact in received.facts if isinstance(fact, SmokeFact)]

    assert states(normal) == []
    assert states({**normal, "vs": "alarm"}) == ["alarm"]
    assert states(normal, {"n": "smoke/health", "vs": "ok"}) == ["normal"]
    later = {"hu": 61_000, "bt": START_MS / 1000 + 1}
    assert states({**normal, "vs": "alarm"}, normal | later) == ["alarm", "normal"]
    assert states(normal, {**normal, "vs": "alarm"} | later) == ["alarm"]


def test_a_good_supply_is_a_word_too_so_that_a_restarted_node_ends_its_alarm() -> None:
    supply = {"n": "node/supply", "u": "mV", "v": 4300}
    for records, word in (
        ((supply, {"n": "node/power", "vs": "low"}), "low"),
        ((supply,), "ok"),
        (({"n": "node/power", "vs": "ok"},), "ok"),
    ):
        (fact,) = _read(pack(1, *records)).facts
        assert isinstance(fact, PowerFact)
        assert (fact.word, fact.source) == (word, SOURCE)
    assert _read(pack(1, {"n": "node/queue", "v": 1})).facts == ()


def test_a_pack_without_a_clock_is_resolved_to_its_bounds() -> None:
    received = _read(pack(1, unix_ms=None, up_ms=60_000))
    assert received.row is not None
    assert (received.row.at_low_ms, received.row.at_high_ms) == (0, START_MS + 40)
    first = json.loads(received.row.body)[0]
    assert first["bt"] == (START_MS + 40) / 1000
    assert first["hu"] == 60_000


@pytest.mark.parametrize("up_ms", [_LONGEST_MS, 30 * _YEAR_MS])
@pytest.mark.parametrize("first_ms", [None, START_MS])
def test_an_uptime_that_cannot_be_spoils_no_time_of_its_boot(
    up_ms: int, first_ms: int | None
) -> None:
    # The centre refuses a pack of a time that cannot be, with all packs of the same message.
    ledger = _ledger()
    _read(pack(0, up_ms=up_ms, unix_ms=first_ms), ledger=ledger)
    _read(pack(1, up_ms=1000, unix_ms=first_ms), ledger=ledger)
    for seq, up_ms_now in ((2, up_ms), (3, 60_000)):
        row = _read(pack(seq, up_ms=up_ms_now, unix_ms=None), ledger=ledger).row
        assert row is not None
        assert senml.decode_pack(row.body).seq == seq
    assert START_MS <= row.at_high_ms <= START_MS + 59_040


def test_what_a_node_held_back_has_a_time_though_the_gateways_clock_begins_in_1970() -> None:
    ledger = _ledger()
    for seq, up_ms in enumerate((86_400_000, 1000)):
        payload = pack(seq, up_ms=up_ms, unix_ms=None)
        row = _read(payload, received_ms=60_000, ledger=ledger).row
        assert row is not None
        assert senml.decode_pack(row.body).unix_ms == 60_000


def test_samples_that_lie_farther_apart_than_times_can_are_refused() -> None:
    ledger = _ledger()
    samples = [{"n": "flood/level", "u": "mm", "v": 412 + n} for n in range(2)]
    samples[1]["hu"] = _LONGEST_MS
    with pytest.raises(PackRefused, match="farther apart"):
        _read(pack(1, *samples, unix_ms=None), ledger=ledger)
    assert _read(pack(1), ledger=ledger).row is not None, "a sound pack of the same name"


@pytest.mark.parametrize(
    ("payload", "node", "reason"),
    [
        (b"\xff\xfe", NODE, ""),
        (b"[]", NODE, ""),
        (pack(1), "n-240ac4000002", "the pack names"),
        (
            pack(1, node_source="urn:dev:mac:240ac4fffe000002"),
            "n-240ac4000002",
            "is not configured",
        ),
        (pack(1 << 32), NODE, "hs is 4294967296"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_a_reason(
    payload: bytes, node: str, reason: str
) -> None:
    with pytest.raises(PackRefused) as caught:
        _read(payload, node)
    assert reason in caught.value.reason
    assert caught.value.reason


def test_a_duplicate_brings_no_facts_and_no_row() -> None:
    ledger = Ledger({}, 0, lambda _ms: "2026-11-22")
    reader = PackReader({NODE: NodeSettings(id=NODE, place="m")}, ledger)
    common: dict[str, Any] = {
        "topic": f"hd/1/n/{NODE}/data",
        "payload": pack(4),
        "lane": "data",
        "retained": False,
        "packet_id": 1,
        "received_ms": START_MS,
        "session": "data",
        "connection": 1,
    }
    assert reader.read(Arrival(**common)).row is not None
    again = reader.read(Arrival(**common))
    assert (again.row, again.facts, again.seq) == (None, (), 4)
