# heap: 320K
"""A sniffer that is silent, noisy, stuck or deaf is a fault and no empty street; its self-test."""

from haidang_node.errors import CommandError
from haidang_node.sensors import footfall_service
from haidang_node.sensors.footfall import Footfall

from footfall_street import HIDDEN, FootfallStreet, keyed, sniffer_line


def test_a_silent_sniffer_is_a_fault_and_no_empty_street() -> None:
    bench = FootfallStreet().begun()
    assert bench.values()["footfall/health"] == "ok"
    bench.run(6, heartbeat=False)
    assert bench.values() == {"footfall/health": "silent"}
    bench.turn()
    assert "footfall/window" not in bench.values(), "no count of a window with a silence in it"
    bench.run(5)
    bench.turn()
    assert bench.values()["footfall/suppressed"] is True


def test_a_sniffer_that_started_again_has_another_key() -> None:
    bench = FootfallStreet().begun()
    bench.run(8, bench.own(range(20)))
    bench.total = 0
    bench.run(8, bench.own(range(50, 70)))
    bench.turn()
    assert "footfall/window" not in bench.values()


def test_bytes_that_are_no_lines_are_noise_not_silence() -> None:
    bench = FootfallStreet().begun()
    bench.run(6, b"\x00\xff\xa5" * 20, heartbeat=False)
    assert bench.values()["footfall/health"] == "noisy"
    bench.run(2)
    assert bench.values()["footfall/health"] == "ok"


class _Flood:
    """More than the node can count, for ever: whoever waits for its end waits for ever."""

    def __init__(self, data):
        self._data = data
        self._asked = 0

    def readinto(self, buffer):
        self._asked += 1
        assert self._asked < 1000, "the other sensors' loops never get their turn"
        buffer[:] = self._data
        return len(buffer)


def test_a_source_that_never_ends_does_not_hold_the_node() -> None:
    probes = b"".join([sniffer_line(keyed(n), HIDDEN, 250, n, n) for n in range(5)])
    for data in (probes, b"\x00" * 85):
        footfall = Footfall({"source": "sniffer"}, _Flood(data).readinto)
        for now_ms in range(0, 4000, 100):
            footfall.sample(now_ms)
        assert footfall.health in ("silent", "noisy"), "not one heartbeat was among it"


def test_a_sniffer_that_drops_much_is_noisy() -> None:
    bench = FootfallStreet().begun()
    bench.run(2, bench.own(range(20)))
    assert bench.footfall.health == "ok"
    bench.dropped = 30
    bench.run(2, bench.own(range(20)))
    assert bench.footfall.health == "noisy"


def test_a_key_that_does_not_turn_is_told_and_not_counted() -> None:
    bench = FootfallStreet().begun()
    bench.run(3000)
    assert bench.footfall.health == "ok"
    bench.run(1000)
    assert bench.footfall.health == "stuck"
    bench.turn()
    assert "footfall/window" not in bench.values()
    assert bench.footfall.health == "ok"


def test_a_counter_that_stands_still_beside_its_lines_is_a_fault() -> None:
    bench = FootfallStreet().begun()
    for _ in range(8):
        bench.run(1, bench.own(range(20)))
        bench.total = 0
    assert bench.footfall.health == "ok"
    for _ in range(8):
        bench.run(1, bench.own(range(20)))
        bench.total = 0
    assert bench.footfall.health == "stuck"
    bench.turn()
    assert "footfall/window" not in bench.values()
    bench.total = 10
    bench.run(2)
    assert bench.footfall.health == "ok"


def test_a_radio_that_hears_nobody_for_six_hours_is_deaf() -> None:
    bench = FootfallStreet().begun()
    bench.run(1, bench.own(range(20)))
    bench.run(1)
    for hour in range(7):
        assert bench.footfall.health == ("ok" if hour < 6 else "silent")
        bench.now_ms += 3600000
        bench.footfall._heard_ms = bench.footfall._began_ms = bench.now_ms
        bench.run(1)
    bench.run(1, bench.own(range(20)))
    bench.run(1)
    assert bench.footfall.health == "ok"


def _checks(bench):
    checks = footfall_service.selftest(bench.footfall, {"window_s": 300})
    return {check[0]: check[1] for check in checks}


def test_the_self_test_tells_a_good_sniffer_from_a_silent_and_a_garbled_one() -> None:
    bench = FootfallStreet()
    assert _checks(bench)["answers"] is False
    bench.begun().run(3, bench.own(range(5)))
    assert list(_checks(bench).values()) == [True] * 5
    bench.run(6, b"\x00\xff\xa5" * 20, heartbeat=False)
    assert _checks(bench)["frames"] is False
    bench.run(700)
    assert _checks(bench)["key"] is False, "its key ought to have turned"
    bench.footfall.sample(bench.now_ms + 5000)
    assert _checks(bench)["answers"] is False


def test_the_self_test_does_not_tell_how_much_was_heard_of_the_few_who_are_there() -> None:
    told = []
    for frames in (1, 4):
        bench = FootfallStreet().begun()
        for _ in range(frames):
            bench.run(1, bench.own([7]))
        bench.run(4 - frames)
        told.append(footfall_service.selftest(bench.footfall, {"window_s": 300}))
    assert told[0] == told[1]


def test_calibration_is_the_gateways() -> None:
    with_error = None
    try:
        footfall_service.calibrate(FootfallStreet().footfall, {"people": 10}, {})
    except CommandError as error:
        with_error = error
    assert with_error
