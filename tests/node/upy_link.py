# heap: 400K
"""Wi-Fi: the best known network, hours without one, a driver that hangs; time is simulated."""

import gc

from haidang_node import log
from haidang_node.errors import LinkError
from haidang_node.link import JOINING, UP, WAITING, Link
from haidang_node.networks import ranked

from board_parts import Storage

log.start(log.ERROR + 1, lambda: 0)
_STEP_MS = 500
_HOUR_MS = 3600000


class Radio:
    """What ESP-IDF does: joining takes 3 s, a wrong key and an absent network are told."""

    def __init__(self, air):
        self.air = air
        self.now_ms = 0
        self.asked = []
        self.count = 0
        self.cycles = 0
        self.scans = 0
        self.raising = None
        self.deaf = False
        self.cured_by_cycle = True
        self._wanted = None
        self._since_ms = 0

    def join(self, ssid, key, bssid=None):
        if self.raising:
            raise self.raising("Wifi Unknown Error 0x0102")
        self.count += 1
        self.asked.append((ssid, bssid))
        del self.asked[:-9]
        self._wanted = (ssid, key)
        self._since_ms = self.now_ms

    def leave(self):
        self._wanted = None
        if self.raising:
            raise self.raising("Wifi Not Started")

    def off(self):
        self.cycles += 1
        self._wanted = None
        if self.cured_by_cycle:
            self.raising = None
            self.deaf = False

    def joined(self):
        return self._code() == 0

    def refusal(self):
        return max(0, self._code())

    def scan(self):
        self.scans += 1
        if self.raising:
            raise self.raising("Wifi Internal State Error")
        if self.deaf:
            return []
        return [
            (ssid.encode(), ssid[:1].encode() * 6, 6, dbm, 3, False)
            for ssid, (_, dbm) in self.air.items()
        ]

    def _code(self):
        if self._wanted is None or self.now_ms - self._since_ms < 3000:
            return -1
        ssid, key = self._wanted
        if self.deaf or ssid not in self.air:
            return 201
        return 0 if self.air[ssid][0] == key else 202


_KNOWN = [
    {"ssid": "one", "key": "1"},
    {"ssid": "two", "key": "2"},
    {"ssid": "three", "key": "3"},
]


class Bench:
    def __init__(self, air, known=None, storage=None):
        self.radio = Radio(air)
        self.storage = storage or Storage()
        self.link = Link(self.radio, known or _KNOWN, lambda: 0, self.storage)

    def run(self, time_ms, until=None):
        """Milliseconds until the link's state was `until`, or all of the time."""
        radio = self.radio
        began_ms = radio.now_ms
        while radio.now_ms - began_ms < time_ms:
            self.link.step(radio.now_ms)
            if self.link.state == until:
                break
            radio.now_ms += _STEP_MS
        return radio.now_ms - began_ms


def test_the_strongest_known_network_is_joined_at_its_access_point() -> None:
    bench = Bench({"one": ("1", -80), "two": ("2", -50), "stranger": ("", -20)})
    assert bench.run(60000, UP) <= 4000
    assert bench.radio.asked == [("two", b"tttttt")]


def test_hidden_networks_come_before_those_that_are_not_in_reach() -> None:
    known = _KNOWN + [{"ssid": "under", "key": "x", "hidden": True}]
    assert ranked(known, []) == [(3, None), (0, None), (1, None), (2, None)]
    row = (b"three", b"3" * 6, 1, -70, 3, False)
    far = (b"three", b"4" * 6, 1, -90, 3, False)
    assert ranked(known, [far, row, far]) == [(2, b"3" * 6), (3, None), (0, None), (1, None)]


def test_the_last_good_network_is_tried_first_and_written_once() -> None:
    air = {"one": ("1", -50), "three": ("3", -80)}
    storage = Storage()
    first = Bench({"three": ("3", -80)}, storage=storage)
    first.run(60000, UP)
    assert storage.commits == 1
    again = Bench(air, storage=storage)
    again.run(60000, UP)
    assert again.radio.asked == [("three", None)]
    assert (again.radio.scans, storage.commits) == (0, 1)


def test_another_network_takes_over_when_the_last_one_is_gone() -> None:
    bench = Bench({"one": ("1", -50)})
    bench.run(60000, UP)
    bench.radio.air = {"two": ("2", -60)}
    bench.run(60000, WAITING)
    assert bench.run(60000, UP) <= 10000
    assert bench.radio.asked[-1][0] == "two"


def test_a_wrong_key_does_not_keep_the_others_from_their_turn() -> None:
    bench = Bench({"one": ("changed", -30), "three": ("3", -85)})
    assert bench.run(60000, UP) <= 15000
    assert bench.radio.asked[-1][0] == "three"
    bench = Bench({"one": ("changed", -30)}, known=_KNOWN[:1])
    bench.run(_HOUR_MS)
    assert bench.link.state in (JOINING, WAITING)
    bench.radio.air["one"] = ("1", -30)
    assert bench.run(60000, UP) <= 45000


def test_half_a_day_without_a_network_ends_nothing_and_costs_no_memory() -> None:
    for known in (_KNOWN, _KNOWN[:1]):
        bench = Bench({}, known=known)
        bench.run(_HOUR_MS)
        before_asked = bench.radio.count
        gc.collect()
        before = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
        bench.run(12 * _HOUR_MS)
        asked = bench.radio.count - before_asked
        gc.collect()
        grown = gc.mem_alloc() - before if hasattr(gc, "mem_alloc") else 0
        assert grown < 512, grown
        assert 12 * 60 < asked < 12 * 60 * 6
        assert bench.storage.commits == 0
        bench.radio.air = {"one": ("1", -70)}
        assert bench.run(120000, UP) < 120000


def test_scans_are_seldom_while_nothing_is_in_reach() -> None:
    bench = Bench({})
    bench.run(_HOUR_MS)
    assert bench.radio.scans <= 2 + 3600 // (8 * 30)


def test_a_driver_that_refuses_is_switched_off_and_on_at_once() -> None:
    for kind in (OSError, RuntimeError):
        bench = Bench({"one": ("1", -50)})
        bench.radio.raising = kind
        assert bench.run(60000, UP) <= 10000
        assert bench.radio.cycles == 1


def test_a_deaf_driver_is_switched_off_and_on_after_some_failures() -> None:
    bench = Bench({"one": ("1", -50)})
    bench.radio.deaf = True
    assert bench.run(_HOUR_MS, UP) <= 180000
    assert bench.radio.cycles == 1


def _reset_of(bench, time_ms):
    try:
        bench.run(time_ms)
    except LinkError:
        return bench.radio.now_ms
    return None


def test_a_driver_that_nothing_cures_resets_the_chip_at_most_every_six_hours() -> None:
    storage = Storage()
    bench = Bench({"one": ("1", -50)}, storage=storage)
    bench.radio.raising, bench.radio.cured_by_cycle = RuntimeError, False
    first_ms = _reset_of(bench, 24 * _HOUR_MS)
    assert 5 * 60000 <= first_ms <= _HOUR_MS
    bench = Bench({"one": ("1", -50)}, storage=storage)
    bench.radio.raising, bench.radio.cured_by_cycle = RuntimeError, False
    assert 6 * _HOUR_MS <= _reset_of(bench, 24 * _HOUR_MS) <= 7 * _HOUR_MS
    bench = Bench({"one": ("1", -50)}, storage=storage)
    bench.run(60000, UP)
    assert storage.values["radio"] == 0, "cured: the next time is a first time again"


def test_want_of_any_network_resets_the_chip_once_a_day_and_not_before() -> None:
    bench = Bench({})
    assert 24 * _HOUR_MS <= _reset_of(bench, 30 * _HOUR_MS) <= 24 * _HOUR_MS + 60000
    bench = Bench({"one": ("1", -50)})
    bench.run(60000, UP)
    bench.run(20 * _HOUR_MS)
    bench.radio.air = {}
    assert _reset_of(bench, 23 * _HOUR_MS) is None


class _Worn(Storage):
    """NVS at its end: it takes nothing more, and where `deaf` it gives nothing either."""

    deaf = False

    def get(self, key):
        if self.deaf:
            raise OSError(-0x1113, "ESP_ERR_NVS_CORRUPT_KEY_PART")
        return super().get(key)

    def put(self, key, value):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


def test_worn_storage_keeps_a_node_off_no_network() -> None:
    for known in (_KNOWN, _KNOWN[:1]):
        for deaf in (False, True):
            storage = _Worn(wifi=2, radio=1)
            storage.deaf = deaf
            bench = Bench({"one": ("1", -50)}, known=known, storage=storage)
            assert bench.run(60000, UP) <= 30000, (len(known), deaf)


def test_a_radio_that_hangs_beside_worn_storage_resets_the_chip_once_a_day_alone() -> None:
    for raising in (RuntimeError, None):
        bench = Bench({}, storage=_Worn())
        bench.radio.raising, bench.radio.cured_by_cycle = raising, False
        assert 24 * _HOUR_MS <= _reset_of(bench, 30 * _HOUR_MS) <= 24 * _HOUR_MS + 60000


def test_a_loss_is_noticed_with_the_next_step() -> None:
    bench = Bench({"one": ("1", -50)})
    bench.run(60000, UP)
    bench.radio.air = {}
    bench.link.step(bench.radio.now_ms)
    assert not bench.link.up
