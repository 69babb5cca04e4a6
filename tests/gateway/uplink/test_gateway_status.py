"""The gateway's status fits into its message, however many destinations there are."""

import asyncio
import json
from pathlib import Path
from typing import Any

from haidang_gateway.metrics import fitting
from haidang_tools.brokers import Broker
from haidang_tools.fault_proxy import FaultProxy
from haidang_wire import messages
from jsonschema import Draft202012Validator
from running_centre import RunningCentre
from running_destinations import RunningDestinations
from running_uplink import destination_at
from waiting import until

_ROOT = Path(__file__).parents[3]
_GOLDEN = _ROOT / "tests/golden/messages/gateway_status.online.json"
_SCHEMA = _ROOT / "docs/schema/gateway_status.json"
_MOST = 2**53 - 1


def _status(destinations: list[dict[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_GOLDEN.read_text())
    return {**document, "destinations": destinations}


def _destination(name: str, **more: Any) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(_GOLDEN.read_text())["destinations"][0]
    calm = {key: 0 for key, value in golden.items() if type(value) in (int, float)}
    return {**golden, **calm, "name": name, **more}


def _longest(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _longest(part) for key, part in value.items()}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return _MOST


def test_sixteen_destinations_are_told_as_they_are() -> None:
    status = _status([_destination(f"d{n}", connected=n != 9) for n in range(16)])
    assert fitting(status) == status


def test_of_more_the_centre_and_those_with_trouble_are_named_and_the_rest_is_counted() -> None:
    many = [_destination("centre"), *(_destination(f"d{n:02}") for n in range(1, 40))]
    many[37]["connected"] = False
    many[38] |= {"queue_alarms": 1, "queue": 1}
    many[39] |= {"queue": 9, "oldest_s": 4000}
    many[36]["dead"] = 1
    told = fitting(_status(many))
    names = [one["name"] for one in told["destinations"]]
    assert names[:5] == ["centre", "d37", "d38", "d39", "d36"]
    assert names[5:] == [f"d{n:02}" for n in range(1, 12)]
    assert told["destinations_more"] == 24


def test_the_longest_figures_of_thirty_fit_and_are_of_the_published_schema() -> None:
    many = [
        _longest(_destination("d" * 30 + f"{n:02}", mode="broker-only", mqtt="3.1.1"))
        for n in range(30)
    ]
    told = fitting({**_longest(_status(many)), "v": 1, "version": "1" * 32})
    payload = messages.encode("gateway_status", told)
    Draft202012Validator(json.loads(_SCHEMA.read_text())).validate(json.loads(payload))
    assert told["destinations_more"] == 14


def test_the_centre_hears_the_status_of_a_gateway_with_thirty_destinations(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with FaultProxy(broker.port) as dead:
            dead.set_up(False)
            others = [
                destination_at(ca, dead.port, name=f"d{n:02}", mode="broker-only")
                for n in range(29)
            ]
            city = RunningDestinations(tmp_path, destination_at(ca, broker.port), *others)

            async def status() -> dict[str, Any]:
                return _status(await city.uplinks.states(await city.store.counters()))

            async with city.running(status):
                await until(told, "the status at the centre")
                assert [one["name"] for one in told()[-1]["destinations"]][:1] == ["centre"]
                assert told()[-1]["destinations_more"] == 14

    def told() -> list[Any]:
        return [
            message.document
            for message in centre.messages
            if message.kind == "status" and message.document["state"] == "online"
        ]

    with broker, RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre:
        asyncio.run(scenario())
