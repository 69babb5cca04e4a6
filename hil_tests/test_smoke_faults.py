"""What breaks at a smoke sensor, and what a person does there: from stimulus to gateway."""

from functools import partial

import pytest
from haidang_tools.brokers import Broker
from rig.bench import CONTACT, FAST_TIME, SIREN, SMOKE_ADC, SMOKE_FAULTS, Bench
from rig.node import Node
from stand_in_gateway import StandInGateway
from waiting import wait_until

_SILENCE_PIN = 14
_SMOKE = {"warmup_s": 0, "burn_in_h": 0, "latch_s": 600, "silence_pin": _SILENCE_PIN}
# The same voltage for ten minutes is no measurement.
_STUCK_MS = 640_000
_FAULT_MS = 12_000
# Longer than the pause between two groups of the siren's signal, at one look in 20 ms.
_LOOKS = 110


@pytest.mark.needs(SMOKE_FAULTS, FAST_TIME)
def test_each_fault_of_the_sensor_is_told_by_its_name_and_never_as_normal(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare(sensors={"smoke": _SMOKE}, report_s=60, heartbeat_s=60)
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start(fast=True)
        wait_until(lambda: gateway.seen("smoke/ratio"), "a reading", 60)
        for fault, word in (("open", "open"), ("short", "short"), ("supply", "open")):
            bench.break_smoke(fault)
            bench.pass_time(_FAULT_MS)
            wait_until(partial(_is, gateway, word), fault, 30)
            bench.break_smoke("")
            bench.pass_time(_FAULT_MS)
            wait_until(partial(_is, gateway, "ok"), "the mending", 30)
        bench.break_smoke("stuck")
        bench.pass_time(_STUCK_MS)
        wait_until(partial(_is, gateway, "stuck"), "the stuck sensor", 30)
        faults = [
            {record.name: record.value for record in copies[0].records}
            for copies in gateway.packs.values()
        ]
        told = [pack for pack in faults if pack.get("smoke/health") in ("open", "short", "stuck")]
        assert told
        assert not any("smoke/state" in pack or "smoke/ratio" in pack for pack in told)
        assert "alarm" not in gateway.seen("smoke/state")
        assert gateway.bad == []


@pytest.mark.needs(SMOKE_ADC, CONTACT, SIREN)
def test_the_button_silences_the_siren_a_second_source_sounds_again_the_alarm_stays(
    bench: Bench, node: Node, broker: Broker
) -> None:
    node.prepare(sensors={"smoke": _SMOKE})
    with StandInGateway(broker.ca_dir, broker.port, node.name) as gateway:
        node.start()
        wait_until(lambda: gateway.seen("smoke/ratio"), "a reading", 60)
        bench.set_smoke_ppm(2000)
        wait_until(lambda: "alarm" in gateway.seen("smoke/state"), "the alarm", 30)
        wait_until(lambda: bench.siren_turns() >= 4, "the siren", 30)
        bench.press_silence(True)
        quiet = _quiet(bench)
        bench.press_silence(False)
        assert gateway.seen("smoke/state")[-1] == "alarm"
        bench.set_contact(True)
        wait_until(lambda: bench.siren_turns() > quiet, "the siren again", 30)
        wait_until(lambda: True in gateway.seen("smoke/contact"), "the contact", 30)
        gateway.order("silence", "c-1")
        wait_until(lambda: gateway.replies, "the answer to the command", 30)
        assert gateway.replies[-1]["out"] == {"silenced": True}
        _quiet(bench)
        assert gateway.seen("smoke/state")[-1] == "alarm"
        assert gateway.bad == []


def _is(gateway: StandInGateway, word: str) -> bool:
    return bool(gateway.seen("smoke/health")[-1] == word)


def _quiet(bench: Bench) -> int:
    """The siren's turns once there were no more of them for two seconds."""
    seen = [bench.siren_turns()]

    def settled() -> bool:
        seen.append(bench.siren_turns())
        return len(seen) > _LOOKS and len(set(seen[-_LOOKS:])) == 1

    wait_until(settled, "silence", 40)
    return seen[-1]
