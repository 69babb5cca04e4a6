"""A short storm on real processes, and the control that must lose."""

from bench import chaos

from chaos import faults

_KINDS = (
    faults.gateway_killed,
    faults.near_broker_killed,
    faults.far_broker_killed,
    faults.nodes_killed,
)


def test_killed_processes_lose_nothing_and_the_control_does() -> None:
    found = chaos.storm(5, seed=1, kinds=_KINDS)
    found |= chaos.control(seed=1, count=2)

    assert found["faults"] == 5
    assert found["accepted"], "no node kept a pack"
    assert found["delivered"] == found["accepted"], found
    assert chaos.passed(found), found
