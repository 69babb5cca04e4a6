"""Which readings of waiting packs a destination gets."""

import json

from haidang_gateway import thinning
from haidang_gateway.destination import Filter
from haidang_wire.senml_reading import decode
from hypothesis import given, settings
from hypothesis import strategies as st
from node_packs import NODE, SOURCE, resolved_pack


def test_names_and_nodes_are_chosen_and_a_pack_of_the_rest_stays_aresolved_pack() -> None:
    body = resolved_pack(("flood/level", 412), ("flood/rate", 3), ("node/heap_free", 9))
    rule = Filter(names=("flood/rate", "node/heap_free"))
    (rest,) = thinning.chosen([(NODE, body)], rule)
    pack = decode(rest)
    assert [record.name for record in pack.records] == ["flood/rate", "node/heap_free"]
    assert (pack.seq, pack.unix_ms) == (1, decode(body).unix_ms)
    assert thinning.chosen([(NODE, body)], Filter(nodes=("n-240ac4000009",))) == []
    assert thinning.chosen([(NODE, body)], Filter(nodes=(NODE,))) == [body]


def test_of_an_interval_the_newest_value_of_each_name_stays() -> None:
    packs = [
        (NODE, resolved_pack(("flood/level", 1), ("flood/rate", 1), seq=1)),
        (NODE, resolved_pack(("flood/level", 2), seq=2)),
        ("n-240ac4000002", resolved_pack(("flood/level", 9), seq=3)),
    ]
    rest = [json.loads(body) for body in thinning.chosen(packs, Filter(thin_s=60))]
    assert [(pack[0]["n"], pack[0]["v"], pack[0]["hs"]) for pack in rest] == [
        ("flood/rate", 1, 1),
        ("flood/level", 2, 2),
        ("flood/level", 9, 3),
    ]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_a_kept_record_keeps_its_time(marks: list[tuple[bool, bool]], data: st.DataObject) -> None:
    records: thinning.Records = []
    for index, (timed, _) in enumerate(marks):
        head = {"bver": 26, "bn": f"{SOURCE}:", "he": "9f3c01aa", "hb": 1, "hs": 2}
        time = {"bt": 1764000000 + index, "hu": 1000 + 1000 * index}
        own = {"n": f"x/{index}", "v": index}
        records.append((head if not index else {}) | (time if timed or not index else {}) | own)
    places = [index for index, (_, kept) in enumerate(marks) if kept] or [len(marks) - 1]
    rest = thinning.only(records, places)
    before = {record.name: record for record in decode(json.dumps(records).encode()).records}
    after = decode(json.dumps(rest).encode()).records
    assert [record.name for record in after] == [f"x/{place}" for place in places]
    assert all(record.up_ms == before[record.name].up_ms for record in after)
