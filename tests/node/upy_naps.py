# heap: 400K
"""A battery node's memory over deep sleep, and when it connects."""

from haidang_node import naps
from haidang_node.config import check
from haidang_node.errors import ConfigError
from haidang_node.identity import Identity
from haidang_node.naps import Nap, pack, pack_most, unpack
from haidang_node.sensors.contact import Contact

from board_parts import Storage

_LIMIT = 2048 - 384
_PACK = (
    b'[{"bver":26,"bn":"urn:dev:mac:240ac4fffe000001:","he":"9f3c01aa","hb":7,"hs":%d,"hu":99,'
    b'"n":"flood/level","u":"mm","v":412},{"n":"flood/state","vs":"normal"}]'
)


def _nap(**changes):
    nap = Nap()
    nap.epoch, nap.boot, nap.following = "9f3c01aa", 7, 1234
    nap.up_ms, nap.clock_ms, nap.sleep_ms = 86400123456, 1 << 41, 60000
    nap.connected_ms, nap.retry_ms = 86400000000, 86400060000
    nap.failures, nap.input_wakes = 3, 2
    nap.told = "normal/ok;warning/ok"
    for name, value in changes.items():
        setattr(nap, name, value)
    return nap


def _rows(count):
    return [("d", "9f3c01aa", 7, n, _PACK % n, 5) for n in range(count)]


def _same(one, other):
    names = [name for name in dir(Nap()) if name[0] != "_" and not callable(getattr(one, name))]
    assert len(names) == 12
    return all([getattr(one, name) == getattr(other, name) for name in names])


def test_what_was_kept_comes_back_whole() -> None:
    for count in (0, 1, 8):
        data = pack(_nap(), _rows(count), _LIMIT)
        nap, packs = unpack(data)
        assert _same(nap, _nap())
        assert packs == [("9f3c01aa", 7, n, _PACK % n) for n in range(count)]
        # RTC memory is longer than what was put there.
        assert _same(unpack(data + bytes(40))[0], nap)


def test_eight_packs_fit_and_too_many_are_refused() -> None:
    assert pack(_nap(), _rows(8), _LIMIT) is not None
    assert pack(_nap(), _rows(40), _LIMIT) is None


def test_what_neither_flash_nor_memory_takes_is_the_oldest_readings_never_an_alarm() -> None:
    rows = [("a" if n in (3, 30) else "d", "9f3c01aa", 7, n, _PACK % n, 5) for n in range(40)]
    nap, packs = unpack(pack_most(_nap(), rows, _LIMIT))
    assert nap.alarms == 2
    kept = [seq for _, _, seq, _ in packs]
    assert kept[:2] == [3, 30], "alarms come first and stay alarms"
    assert len(kept) >= 8
    readings = [n for n in range(40) if n not in (3, 30)]
    assert kept[2:] == readings[2 - len(kept) :], "the newest readings"


def test_damaged_memory_is_a_new_boot_or_costs_a_pack_alone() -> None:
    data = pack(_nap(), _rows(2), _LIMIT)
    head = len(pack(_nap(), [], _LIMIT))
    for at in range(len(data)):
        for bit in (0, 7):
            hurt = bytearray(data)
            hurt[at] ^= 1 << bit
            found = unpack(bytes(hurt))
            if at < head:
                assert found is None, at
            else:
                assert _same(found[0], _nap())
                assert all([p == ("9f3c01aa", 7, p[2], _PACK % p[2]) for p in found[1]])
                assert len(found[1]) < 2
    for size in range(head):
        assert unpack(data[:size]) is None
    assert unpack(b"") is None
    assert unpack(bytes(_LIMIT)) is None


def test_the_length_of_a_sleep_is_the_clock_s_where_that_can_be() -> None:
    nap = _nap(clock_ms=5000, sleep_ms=600000)
    assert nap.slept_ms(5000 + 570000) == 570000, "an oscillator of 5 %"
    assert nap.slept_ms(5000 + 20000) == 20000, "woken early"
    assert nap.slept_ms(4000) == 600000, "the clock was set back"
    assert nap.slept_ms(5000 + 99999999) == 600000, "the clock was set forward"


def test_it_connects_when_due_on_news_and_when_memory_is_full() -> None:
    nap = _nap(connected_ms=1000, failures=0)
    now = [(899999, False), (901000, True)]
    for now_ms, due in now:
        assert nap.must_connect(now_ms, 900000, False, False, 0) == due
    assert nap.must_connect(2000, 900000, True, False, 0)
    assert nap.must_connect(2000, 900000, False, True, 0)
    assert nap.must_connect(2000, 900000, False, False, 8)
    assert not nap.must_connect(2000, 900000, False, False, 7)


def test_failed_connections_come_seldomer_but_news_goes_out_at_once() -> None:
    nap = _nap(connected_ms=0, failures=0)
    waits = []
    for _ in range(12):
        nap.failed(1000000, 900000)
        waits.append(nap.retry_ms - 1000000)
    assert waits[:5] == [60000, 120000, 240000, 480000, 900000]
    assert max(waits) == 900000
    assert not nap.must_connect(1000001, 900000, False, True, 9)
    assert nap.must_connect(1000001, 900000, True, True, 9)
    nap.connected(2000000)
    assert (nap.failures, nap.connected_ms) == (0, 2000000)


def test_a_chattering_input_is_left_alone_until_the_timer_wakes() -> None:
    nap = _nap(input_wakes=4)
    assert nap.input_may_wake()
    nap.input_wakes = 5
    assert not nap.input_may_wake()


def test_a_boot_goes_on_after_sleep_and_never_gives_a_number_twice() -> None:
    storage = Storage()
    awake = Identity(storage, lambda: 77)
    awake.begin()
    first = [awake.take() for _ in range(3)]
    awake.save(None)
    woken = Identity(storage, lambda: 77)
    assert naps.resume(woken, awake.epoch, awake.boot, awake.following)
    assert (woken.epoch, woken.boot) == (awake.epoch, awake.boot)
    assert [woken.take() for _ in range(3)] == [n + 3 for n in first]
    other = Identity(storage, lambda: 78)
    assert not naps.resume(other, awake.epoch, awake.boot + 1, 3)
    assert not naps.resume(other, "00000000", awake.boot, 3)
    assert not naps.resume(Identity(Storage(), lambda: 1), awake.epoch, awake.boot, 3)


def test_a_contact_tells_its_change_once_and_nothing_for_a_bounce() -> None:
    levels = [1, 1, 0, 1, 1, 0, 0, 0]
    contact = Contact("float", lambda: levels.pop(0), 0, True)
    told = []
    for now_ms in range(8):
        contact.sample(now_ms)
        if contact.changed():
            told.append((now_ms, contact.state))
    assert told == [(1, "normal"), (6, "warning")]
    values = {record.name: record.value for record in contact.records()}
    assert values == {"flood/float": True, "flood/state": "warning", "flood/health": "ok"}
    beside = Contact("contact", lambda: 1, 1, False)
    beside.resume("alarm", "ok", 0)
    for now_ms in range(3):
        beside.sample(now_ms)
        assert not beside.changed(), "told before the sleep"
    assert [record.name for record in beside.records()] == ["smoke/contact"]


def _problems(**changes):
    document = {
        "v": 1,
        "wifi": [{"ssid": "demo", "hidden": True}],
        "broker": {"host": "192.168.1.10"},
        "sensors": {"flood": {}},
        "power": {},
    }
    document.update(changes)
    try:
        check(document)
    except ConfigError as error:
        return error.problems
    return ()


def test_what_cannot_run_on_a_battery_is_said() -> None:
    assert _problems() == ()
    assert _problems(sensors={}, power={"wake_pin": 33}) == ()
    for problem, changes in (
        ("MQ-2", {"sensors": {"smoke": {}}}),
        ("supply", {"sensors": {"footfall": {}}}),
        ("nothing to measure", {"sensors": {}}),
        ("cannot wake", {"power": {"wake_pin": 16}}),
        ("cannot wake", {"power": {"wake_pin": 5}}),
        ("float or contact", {"power": {"wake_pin": 33, "wake_as": "bells"}}),
        ("below sleep_s", {"power": {"sleep_s": 3600}}),
        ("take another", {"power": {"wake_pin": 14}, "sensors": {"flood": {"rx_pin": 14}}}),
        ("power must be", {"power": 3}),
    ):
        problems = _problems(**changes)
        assert any([problem in text for text in problems]), (problem, problems)
