"""Home Assistant, played by its documentation, over a real broker: it finds every alarm."""

import asyncio
import contextlib
import dataclasses
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from feed_kit import revision_of
from haidang_gateway.batch import Batch
from haidang_gateway.clock import Clock
from haidang_gateway.destination import DestinationSettings
from haidang_gateway.formats import home_assistant
from haidang_gateway.settings import StoreSettings
from haidang_gateway.store.store import Store
from haidang_gateway.uplinks import Uplinks
from haidang_tools.brokers import Broker
from mqtt_peer import Peer
from node_packs import START_MS
from pipeline_kit import city_settings
from running_uplink import destination_at
from specimens import alarm_document

_HOUSE = "house"
# What its broker must allow, as docs/gateway.md says.
_RIGHTS = """
user gw-01
topic write homeassistant/#
user centre-01
topic read homeassistant/#
topic read hd/1/g/+/status
"""
# "<prefix>/<component>/[<node_id>/]<object_id>/config"
_TOPIC = re.compile(r"homeassistant/(\w+)/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")
_TEMPLATE = re.compile(r"\{\{ value_json\.(\w+) \}\}")
_KEYS = {
    *("availability", "availability_mode", "availability_template", "availability_topic"),
    *("default_entity_id", "device", "device_class", "enabled_by_default", "encoding"),
    *("entity_category", "entity_picture", "expire_after", "force_update", "icon"),
    *("json_attributes_template", "json_attributes_topic", "name", "off_delay", "origin"),
    *("payload_available", "payload_not_available", "payload_off", "payload_on", "platform"),
    *("qos", "state_topic", "unique_id", "value_template"),
}
_DEVICE_KEYS = {
    *("configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model"),
    *("model_id", "name", "serial_number", "suggested_area", "sw_version", "via_device"),
}
_CLASSES = {
    *("battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door"),
    *("garage_door", "gas", "heat", "light", "lock", "moisture", "motion", "moving", "occupancy"),
    *("opening", "plug", "power", "presence", "problem", "running", "safety", "smoke", "sound"),
    *("tamper", "update", "vibration", "window"),
}


class House:
    """The entities of a Home Assistant that hears `message`s, by their unique ids."""

    def __init__(self) -> None:
        self.entities: dict[str, dict[str, Any]] = {}
        self._last: dict[str, bytes] = {}

    def message(self, topic: str, payload: bytes) -> None:
        self._last[topic] = payload
        if topic.endswith("/config"):
            found = _TOPIC.fullmatch(topic)
            assert found, topic
            assert found.group(1) == "binary_sensor"
            config = json.loads(payload)
            _check(config)
            self.entities[config["unique_id"]] = config

    def state(self, unique_id: str) -> str:
        """ON, OFF, unknown or unavailable."""
        config = self.entities[unique_id]
        there = self._value(config["availability_topic"], config["availability_template"])
        if there != "online":
            return "unavailable"
        return self._value(config["state_topic"], config["value_template"]) or "unknown"

    def attributes(self, unique_id: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            self._last[self.entities[unique_id]["json_attributes_topic"]]
        )
        return told

    def _value(self, topic: str, template: str) -> str:
        key = _TEMPLATE.fullmatch(template)
        assert key, template
        return str(json.loads(self._last[topic])[key.group(1)]) if topic in self._last else ""


def _check(config: dict[str, Any]) -> None:
    assert set(config) <= _KEYS
    assert config["state_topic"]
    assert config["device_class"] in _CLASSES
    assert config["qos"] in (0, 1, 2)
    assert set(config["device"]) <= _DEVICE_KEYS
    assert config["device"]["identifiers"], "a device without any is refused"
    assert set(config["origin"]) <= {"name", "sw_version", "support_url"}
    assert config["origin"]["name"]
    assert config.get("entity_category", "diagnostic") in ("config", "diagnostic")
    # One of the two ways, not both.
    assert "availability" not in config


def _fault(rev: int, state: str, name: str | None, number: int) -> Any:
    evidence = {"source": "urn:dev:mac:240ac4fffe000001", "kind": "silence"}
    evidence |= {"time": "2026-11-22T20:15:21.250+07:00"} | ({"name": name} if name else {})
    return revision_of(rev, number=number, hazard="device", state=state, evidence=[evidence])


def test_one_fault_that_is_over_does_not_hide_another_of_the_same_device() -> None:
    house = House()
    house.message("hd/1/g/gw-01/status", b'{"state":"online"}')
    for revision in (
        _fault(1, "confirmed", "smoke/health", 1),
        _fault(1, "confirmed", "flood/health", 2),
        _fault(1, "confirmed", None, 3),
        _fault(2, "cleared", "flood/health", 2),
    ):
        for topic, payload in home_assistant.of_alarm("gw-01", json.loads(revision.document)):
            house.message(topic, payload)
    device = "gw-01-market-3-device-urn-dev-mac-240ac4fffe000001"
    states = {name.removeprefix(device): house.state(name) for name in house.entities}
    assert states == {"-smoke-health": "ON", "-flood-health": "OFF", "": "ON"}
    assert len({config["name"] for config in house.entities.values()}) == 3


def test_reports_of_many_people_are_one_entity_of_a_place() -> None:
    house = House()
    for number, by in enumerate(("tổ 5/ngõ 3", "1900-4711", "1900-4712"), start=1):
        evidence = {"source": f"report:{by}", "kind": "report", "name": "report/text"}
        evidence |= {"value": "", "time": "2026-11-22T20:15:21.250+07:00"}
        for rev, state in ((1, "suspected"), (2, "cleared")):
            one = revision_of(rev, number=number, hazard="flood", state=state, evidence=[evidence])
            for topic, payload in home_assistant.of_alarm("gw-01", json.loads(one.document)):
                house.message(topic, payload)
    assert set(house.entities) == {"gw-01-market-3-flood-report"}
    assert "1900" not in json.dumps(house.entities)
    (config,) = house.entities.values()
    assert config["name"].endswith(": Ngập lụt (tin báo)")


@pytest.mark.parametrize("hazard", ["fire", "flood", "crowd", "device"])
def test_every_hazard_is_an_entity_that_home_assistant_takes(hazard: str) -> None:
    house = House()
    document = json.loads(alarm_document(hazard=hazard))
    for topic, payload in home_assistant.of_alarm("gw-01", document):
        house.message(topic, payload)
    assert len(house.entities) == 1


@contextlib.asynccontextmanager
async def _gateway(folder: Path, house: DestinationSettings) -> AsyncIterator[Any]:
    settings = dataclasses.replace(city_settings(), destinations=(house,))
    store = Store(folder / "store", "gw-01", StoreSettings())
    uplinks = Uplinks(settings, store=store, clock=Clock(), on_command=_deaf)
    await store.open(START_MS)
    await uplinks.adopt()
    task = asyncio.create_task(uplinks.run(_online), name="uplinks")

    async def tell(*revisions: Any) -> None:
        for one in revisions:
            drafts = tuple(draft for feed in uplinks.feeds for draft in feed.of_alarm(one))
            await store.commit(Batch(now_ms=START_MS, revisions=(one,), drafts=drafts))
        uplinks.wake()

    try:
        yield tell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.close()


async def _online() -> dict[str, Any]:
    golden = Path(__file__).parents[2] / "golden/messages/gateway_status.online.json"
    status: dict[str, Any] = json.loads(golden.read_bytes())
    return status


async def _deaf(_: Any) -> None:
    raise AssertionError


def test_a_house_that_starts_later_finds_alarms_and_a_gateway_that_goes_is_unavailable(
    ca: Path, tmp_path: Path
) -> None:
    fire, flood = "gw-01-market-3-fire", "gw-01-market-3-flood-urn-dev-mac-240ac4fffe000001"

    async def scenario(port: int) -> House:
        there = destination_at(ca, port, name=_HOUSE, mode="broker-only", formats=("ha",))
        async with _gateway(tmp_path, there) as tell:
            await tell(revision_of(1), revision_of(1, number=2, hazard="flood"))
            house = House()
            with Peer(ca, "centre-01", port) as listener:
                for topics in ("homeassistant/#", "hd/1/g/+/status"):
                    await asyncio.to_thread(listener.subscribe, topics)
                await asyncio.to_thread(_hear, listener, house, {fire: "ON", flood: "ON"})
                assert house.entities[fire]["name"] == "Chợ Cột Đỏ: Cháy"
                assert house.attributes(fire)["headline"] == "Cháy tại Chợ Cột Đỏ"
                await tell(revision_of(2, number=2, hazard="flood", state="cleared"))
                await asyncio.to_thread(_hear, listener, house, {fire: "ON", flood: "OFF"})
        later = House()
        with Peer(ca, "centre-01", port) as listener:
            for topics in ("homeassistant/#", "hd/1/g/+/status"):
                await asyncio.to_thread(listener.subscribe, topics)
            gone = {fire: "unavailable", flood: "unavailable"}
            await asyncio.to_thread(_hear, listener, later, gone)
        return later

    with Broker("centre", ca, tmp_path / "house", rights=_RIGHTS) as broker:
        asyncio.run(scenario(broker.port))


def _hear(listener: Peer, house: House, wanted: dict[str, str]) -> None:
    """Until the house shows what is wanted; TimeoutError after 30 s without a message."""
    while {name: house.state(name) for name in house.entities} != wanted:
        message = listener.next()
        house.message(message.topic, bytes(message.payload))
