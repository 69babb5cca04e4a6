"""What is generated from the contract: up to date, valid, and of one mind with the checks."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from haidang_tools import contract_topics, schema, schema_json
from haidang_tools.contract_meanings import FIELDS, MESSAGES
from haidang_wire import messages, topics, vocabulary
from haidang_wire.errors import WireError
from haidang_wire.senml_reading import pack_of
from haidang_wire.session_events import SESSION
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
SCHEMAS = schema_json.schemas()
VALIDATORS = {
    kind: Draft202012Validator(one, format_checker=FormatChecker())
    for kind, one in SCHEMAS.items()
}


def _golden() -> list[tuple[str, Any]]:
    found = [
        (path.name.split(".")[0], json.loads(path.read_bytes()))
        for path in sorted((GOLDEN / "messages").iterdir())
    ]
    packs = sorted((GOLDEN / "packs").iterdir())
    return found + [("pack", json.loads(path.read_bytes())) for path in packs]


GOLDEN_DOCUMENTS = _golden()


def test_the_committed_files_are_what_the_contract_gives() -> None:
    assert schema.differing() == []


def test_a_changed_or_left_over_file_is_named_and_written_anew(tmp_path: Path) -> None:
    assert "schema/ack.json" in schema.write(tmp_path)
    assert schema.differing(tmp_path) == []
    (tmp_path / "schema" / "old.json").write_text("{}")
    (tmp_path / "reference.md").write_text("")
    assert schema.differing(tmp_path) == ["reference.md", "schema/old.json"]
    assert schema.write(tmp_path) == ["reference.md", "schema/old.json"]
    assert schema.differing(tmp_path) == []


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_every_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_every_kind_has_a_golden_message_that_its_schema_accepts(kind: str) -> None:
    documents = [doc for golden, doc in GOLDEN_DOCUMENTS if golden == kind]
    assert documents
    for document in documents:
        VALIDATORS[kind].validate(document)


def test_refused_golden_messages_are_refused_by_the_schema_too() -> None:
    # Order of ranges and NaN are beyond JSON Schema.
    beyond = {"ack.falling", "pack.nan"}
    for path in sorted((GOLDEN / "refused").glob("*.*.json")):
        if path.stem not in beyond:
            with pytest.raises(ValidationError):
                VALIDATORS[path.stem.split(".")[0]].validate(json.loads(path.read_bytes()))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [place for key in value for place in _places(value[key], (*path, key))]
    elif isinstance(value, list):
        inner = [place for i, item in enumerate(value) for place in _places(item, (*path, i))]
    return [path, *inner]


_ODD = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2, 1.5, 2**32, 2**53, "", "x", "ok", "9f3c01aa", "a" * 300),
        *("Severe", "online", "smoke/state", "gw-01-5f3a9c1e-0001", "sha256:" + "0" * 64),
        *("2026-11-22T20:15:00Z", "2026-11-22 20:15:00", {}, {"a": 1}),
        *([], [1], [[1, 2]], [[1, 2, "full"]]),
    ]
)


@given(st.sampled_from(GOLDEN_DOCUMENTS), st.data())
@settings(max_examples=600, deadline=None)
def test_schema_and_check_agree_on_damaged_messages(
    golden: tuple[str, Any], data: st.DataObject
) -> None:
    kind, document = golden
    damaged = copy.deepcopy(document)
    path = data.draw(st.sampled_from([place for place in _places(damaged) if place]))
    parent = damaged
    for step in path[:-1]:
        parent = parent[step]
    if data.draw(st.booleans()):
        parent[path[-1]] = data.draw(_ODD)
    else:
        del parent[path[-1]]
    accepted = VALIDATORS[kind].is_valid(damaged)
    assert _checked(kind, damaged) == accepted or _beyond(kind, damaged, accepted)


def _checked(kind: str, document: Any) -> bool:
    try:
        if kind == "pack":
            pack_of(document)
        else:
            messages.check(kind, document)
    except WireError:
        return False
    return True


def _beyond(kind: str, document: Any, accepted: bool) -> bool:
    # Only what JSON Schema cannot say: how records, and the ends of ranges, relate.
    return accepted and (
        kind in ("pack", "data_message") or "s" in document or "boots" in document
    )


def test_everything_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert set(contract_topics.NAMES) == set(vocabulary.NAMES)
    assert set(contract_topics.SESSION_RULES) == set(SESSION)
    assert set(MESSAGES) == set(SCHEMAS)
    page = schema.generated()["reference.md"]
    for kind, fields in FIELDS.items():
        for path in fields:
            assert f"`{path}`" in page, (kind, path)


def test_the_topic_table_holds_exactly_the_topics_that_can_be_built() -> None:
    node, gateway, alarm = "n-240ac4123456", "gw-01", "gw-01-5f3a9c1e-0007"
    built = {topics.node_topic(node, kind) for kind in topics.NODE_KINDS} | {topics.GW_STATUS}
    for kind in topics.GATEWAY_KINDS:
        item = alarm if kind in ("alarm", "cap") else None
        built.add(topics.gateway_topic(gateway, kind, item))
    told = {
        topic.address.format(node=node, gateway=gateway, alarm=alarm)
        for topic in contract_topics.TOPICS
    }
    assert told == built


def test_the_asyncapi_document_is_valid(shared_data: Path) -> None:
    official = shared_data / "schemas" / "asyncapi" / "3.0.0.schema.json"
    if not official.exists():
        pytest.skip("the official AsyncAPI schema does not lie beside this checkout")
    document = json.loads(schema.generated()["asyncapi.json"])
    Draft7Validator(json.loads(official.read_bytes())).validate(document)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    files = schema.generated()
    document = json.loads(files["asyncapi.json"])
    references = [place for place in _places(document) if place and place[-1] == "$ref"]
    assert len(references) > 30
    for path in references:
        target: Any = document
        for step in path:
            target = target[step]
        if target.startswith("schema/"):
            assert target in files
            continue
        found: Any = document
        for step in target.removeprefix("#/").split("/"):
            found = found[step]
