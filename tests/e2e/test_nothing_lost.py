"""From a pin's voltage to the centre's ledger over real parts, with faults on the way."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from haidang_tools.demo.accounts import sums_of
from haidang_tools.demo.city import City
from haidang_tools.demo.settings import FLOOD, FOOTFALL, SMOKE
from haidang_tools.demo.view import AlarmRow
from waiting import DEADLINE_S, wait_until

MakeCity = Callable[..., City]

_SMOKE_PPM = 1500.0
_SIREN_PIN = 25
_CRASHED = -9
_CONNECTED = "connected to the operations centre"
# More than keep-alives and statuses of some seconds, less than an alarm message with TLS.
_ALARM_BYTES = 900


def test_smoke_flood_and_footfall_travel_from_the_pin_to_the_centre(make_city: MakeCity) -> None:
    city = make_city(nodes=(SMOKE, FLOOD, FOOTFALL), smoke_verify_s=2.0)
    city.worlds[FOOTFALL.id].phones = 30
    city.worlds[FOOTFALL.id].probe_period_s = 3.0
    city.worlds[FLOOD.id].water_mm = 20
    city.worlds[SMOKE.id].smoke_ppm = _SMOKE_PPM

    wait_until(lambda: _value(city, SMOKE.id, "smoke/state") == "alarm", "the smoke reading")
    wait_until(lambda: abs(_level_mm(city) - 20) <= 5, "the flood reading of 20 mm")
    wait_until(lambda: _value(city, FOOTFALL.id, "footfall/devices"), "the footfall reading")
    pre_alarm, alarm, confirmed = _alarms(city, "fire", 3)

    assert [row.state for row in (pre_alarm, alarm, confirmed)] == ["suspected"] * 2 + [
        "confirmed"
    ]
    assert pre_alarm.alarm_id == alarm.alarm_id == confirmed.alarm_id
    assert 0 <= alarm.delay_ms < 5000
    _nothing_lost(city)


def test_an_uplink_cut_delays_an_alarm_and_loses_nothing(make_city: MakeCity) -> None:
    city = make_city(nodes=(SMOKE,))
    _await_packs(city, 2)
    city.line.set_up(False)
    city.worlds[SMOKE.id].smoke_ppm = _SMOKE_PPM
    wait_until(lambda: city.boards[SMOKE.id].pin(_SIREN_PIN), "the node's own alarm")
    assert not city.centre.read(lambda view: list(view.alarms))

    city.line.set_up(True)

    assert _alarms(city, "fire", 1)[0].state == "suspected"
    _nothing_lost(city)


# For a node these two differ: what the gateway never had, and what it takes for a repeat.
@pytest.mark.parametrize("point", ["before_commit", "before_puback"])
def test_a_gateway_killed_at_any_point_loses_no_alarm(make_city: MakeCity, point: str) -> None:
    city = make_city(nodes=(SMOKE,))
    _await_packs(city, 2)
    city.gateway.stop()
    city.gateway.start({"HAIDANG_CRASH_AT": point})
    city.worlds[SMOKE.id].smoke_ppm = _SMOKE_PPM
    assert city.gateway.wait(DEADLINE_S) == _CRASHED

    city.gateway.start()

    assert _alarms(city, "fire", 1)[0].state == "suspected"
    _nothing_lost(city)


def test_a_crash_inside_the_verification_window_forgets_nothing(make_city: MakeCity) -> None:
    city = make_city(nodes=(SMOKE,), smoke_verify_s=6.0)
    city.worlds[SMOKE.id].smoke_ppm = _SMOKE_PPM
    _alarms(city, "fire", 2)
    city.gateway.kill()
    assert "confirmed" not in [row.state for row in _alarms(city, "fire", 2)]
    # Without its node, only the restored timer can confirm the fire.
    city.boards[SMOKE.id].power_off()

    city.gateway.start()

    assert "confirmed" in [row.state for row in _alarms(city, "fire", 3)]
    _nothing_lost(city)


def test_the_centres_broker_killed_with_alarms_in_its_memory(make_city: MakeCity) -> None:
    city = make_city(nodes=(SMOKE,))
    _await_packs(city, 2)
    # Cut until it is frozen: what it acknowledges into its own ledger would be missed later.
    city.line.set_up(False)
    city.centre.stop()
    with _centre_process(city) as frozen:
        wait_until(lambda: frozen.stdout and frozen.stdout.readline(), "the centre's subscription")
        frozen.send_signal(signal.SIGSTOP)
        city.line.set_up(True)
        wait_until(lambda: city.gateway.log.count(_CONNECTED) == 2, "the line's mending")
        sent_before = city.line.bytes_up
        city.worlds[SMOKE.id].smoke_ppm = _SMOKE_PPM
        wait_until(lambda: "revision 1" in city.gateway.log, "the alarm's commit")
        wait_until(
            lambda: city.line.bytes_up > sent_before + _ALARM_BYTES, "the alarm at the broker"
        )
        city.centre_broker.kill()
        frozen.kill()
    city.centre_broker.start()
    city.start_centre()

    assert _alarms(city, "fire", 1)[0].state == "suspected"
    _nothing_lost(city)


def test_a_reflashed_node_is_not_taken_for_its_former_self(make_city: MakeCity) -> None:
    city = make_city(nodes=(SMOKE,))
    before = _await_packs(city, 5)
    board = city.boards[SMOKE.id]
    board.close()
    board.erase_nvs()
    (city.folder / f"{SMOKE.id}.flash").unlink()

    city.start_node(SMOKE)

    _await_packs(city, before + 5)
    epochs = city.centre.read(lambda view: view.nodes[SMOKE.id].epochs)
    assert len(epochs) == 2, "with the old epoch its first packs would pass for repeats"
    _nothing_lost(city)


def test_a_node_that_loses_power_with_unacknowledged_packs_sends_them_later(
    make_city: MakeCity,
) -> None:
    city = make_city(nodes=(SMOKE,))
    _await_packs(city, 2)
    city.gateway.kill()
    board = city.boards[SMOKE.id]
    city.worlds[SMOKE.id].smoke_ppm = _SMOKE_PPM
    wait_until(lambda: board.pin(_SIREN_PIN), "the node's own alarm")
    board.power_off()
    # The air is clean again: only the kept packs can tell of the smoke.
    city.worlds[SMOKE.id].smoke_ppm = 0.0
    board.power_on()

    city.gateway.start()

    assert _alarms(city, "fire", 1)[0].hazard == "fire"
    _nothing_lost(city)


@contextlib.contextmanager
def _centre_process(city: City) -> Iterator[subprocess.Popen[str]]:
    name = city.ca_dir / "centre-01"
    command = [sys.executable, "-m", "haidang_tools", "centre", "--json"]
    command += ["--port", str(city.centre_broker.port), "--ca", str(city.ca_dir / "ca.pem")]
    command += ["--cert", f"{name}.pem", "--key", f"{name}.key"]
    command += ["--ledger", str(city.folder / "frozen.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process


def _value(city: City, node: str, name: str) -> str:
    return city.centre.read(
        lambda view: view.nodes[node].values.get(name, "") if node in view.nodes else ""
    )


def _level_mm(city: City) -> int:
    return int((_value(city, FLOOD.id, "flood/level") or "0").split()[0])


def _alarms(city: City, hazard: str, count: int) -> list[AlarmRow]:
    def look() -> list[AlarmRow]:
        rows = city.centre.read(lambda v: [row for row in v.alarms if row.hazard == hazard])
        return rows if len(rows) >= count else []

    return wait_until(look, f"{count} {hazard} alarm revisions at the centre")


def _await_packs(city: City, count: int) -> int:
    def look() -> int:
        packs = city.centre.read(lambda view: view.packs)
        return packs if packs >= count else 0

    return wait_until(look, f"{count} packs at the centre")


def _nothing_lost(city: City) -> None:
    """Ends node, gateway and centre in order, then compares their books."""
    city.quiesce()
    rows = city.centre.read(lambda view: list(view.alarms))
    packs = city.centre.read(lambda view: view.packs)
    sums = sums_of(city.folder, packs, city.centre.missing())
    assert sums.packs_lost == 0
    assert sums.messages_missing == 0
    assert sums.revisions_made == len(rows) == len({(row.alarm_id, row.rev) for row in rows})
    assert city.centre.complaints == []
