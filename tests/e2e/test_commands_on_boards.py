"""Commands from the centre and from a technician at the gateway, carried out by real firmware."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from haidang_gateway.store import queries
from haidang_gateway.store.schema import FILE, reading
from haidang_tools.demo.city import City
from haidang_tools.demo.settings import SMOKE
from waiting import DEADLINE_S, wait_until

MakeCity = Callable[..., City]


def test_a_node_answers_the_centre_and_a_technician_at_the_gateway(make_city: MakeCity) -> None:
    city = make_city(nodes=(SMOKE,))
    _ready(city)

    done, told = _at_the_gateway(city, "identify")
    assert done == 0, told
    done, told = _at_the_gateway(city, "log", "--json")
    assert done == 0, told
    assert json.loads(told)["out"], told
    done, told = _at_the_gateway(city, "selftest", "smoke")
    assert done == 0, told
    done, told = _at_the_gateway(city, "selftest", "sirens")
    assert done == 1, told
    assert told.startswith("not done: ")


def test_a_configuration_is_tried_and_kept_and_a_wrong_one_is_refused_whole(
    make_city: MakeCity,
) -> None:
    city = make_city(nodes=(SMOKE,))
    _ready(city)
    patch = city.folder / "patch.json"
    patch.write_text(json.dumps({"no_such_part": 1}), encoding="utf-8")
    done, told = _at_the_gateway(city, "config", str(patch))
    assert done == 1, told
    assert "no_such_part" in told

    patch.write_text(json.dumps({"heartbeat_s": 20}), encoding="utf-8")
    done, told = _at_the_gateway(city, "config", str(patch))
    assert done == 0, told
    assert told.startswith("on trial for")
    assert '"kept": true' in told

    # The gateway dies with the outcome in its hands: the node keeps it until it is committed.
    city.gateway.stop()
    city.gateway.start({"HAIDANG_CRASH_AT": "reply_before_commit:2"})
    patch.write_text(json.dumps({"heartbeat_s": 25}), encoding="utf-8")
    wait_until(lambda: "nodes may send" in city.gateway.log.rpartition("has stopped")[2], "it")
    done, told = _at_the_gateway(city, "config", str(patch))
    assert done == 1, told
    assert told.startswith("on trial for")
    city.gateway.kill()
    city.gateway.start()
    wait_until(lambda: _outcome(city), "the outcome of the trial")
    assert _outcome(city)["out"]["kept"] is True


def _ready(city: City) -> None:
    wait_until(lambda: city.centre.read(lambda view: view.packs), "a pack at the centre")
    # Packs go without the time, commands do not: its answer may come to a busy machine too late.
    wait_until(lambda: b"the clock is set" in city.boards[SMOKE.id].console, "the time")


def _outcome(city: City) -> dict[str, Any]:
    """The last answer to the newest command, as soon as its trial has ended."""
    with reading(city.folder / "gateway" / FILE) as connection:
        orders = queries.commands(connection)
    newest = max(orders.values(), key=lambda order: order["ordered_ms"])
    last: dict[str, Any] = newest["answers"][-1] if newest["state"] == "done" else {}
    return last


def _at_the_gateway(city: City, *arguments: str) -> tuple[int, str]:
    ran: subprocess.CompletedProcess[str] = subprocess.run(
        [
            *(sys.executable, "-m", "haidang_gateway", "node", SMOKE.id, *arguments),
            *("--config", str(city.folder / "gateway.toml"), "--wait", "100"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    return ran.returncode, ran.stdout
