"""What names a pack: clock, epoch, boot, number and the ledger of dropped numbers."""

import os

from haidang_node import accounts, log, number_ranges, recovery
from haidang_node.clock import Clock
from haidang_node.identity import Identity
from haidang_node.ledger import Ledger

_PERIOD = 1 << 30

log.start(log.ERROR + 1, lambda: 0)


class _Storage:
    """NVS as the chip has it: what was not committed is lost at a power cut."""

    def __init__(self):
        self.safe = {}
        self.fresh = {}
        self.commits = 0
        self.cut_after = -1

    def get(self, key):
        return self.fresh.get(key, self.safe.get(key))

    def put(self, key, value):
        assert -(1 << 31) <= value < 1 << 31
        self.fresh[key] = value

    def commit(self):
        self.commits += 1
        self.safe.update(self.fresh)
        self.fresh = {}

    def power_cut(self):
        self.fresh = {}


class _Ticks:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now % _PERIOD


def test_uptime_goes_on_over_the_wrap_of_the_tick_counter() -> None:
    ticks = _Ticks(_PERIOD - 500)
    clock = Clock(ticks)
    ticks.now += 400
    assert clock.uptime_ms() == 400
    ticks.now += 400
    assert clock.uptime_ms() == 800
    for _ in range(40):
        ticks.now += _PERIOD // 3
        clock.uptime_ms()
    assert clock.uptime_ms() == 800 + 40 * (_PERIOD // 3)


def test_an_answer_anchors_the_clock_at_the_middle_of_its_round_trip() -> None:
    ticks = _Ticks(0)
    clock = Clock(ticks)
    assert clock.unix_ms(0) is None
    question = clock.question()
    ticks.now += 40
    assert clock.answer(question["nonce"], 1764000000000)
    assert clock.unix_ms(40) == 1764000000020
    assert clock.unix_ms(0) == 1763999999980


def test_late_or_foreign_answers_are_refused() -> None:
    ticks = _Ticks(0)
    clock = Clock(ticks)
    assert not clock.answer(0, 1764000000000)
    question = clock.question()
    assert not clock.answer(question["nonce"] + 1, 1764000000000)
    ticks.now += 2001
    assert not clock.answer(question["nonce"], 1764000000000)
    question = clock.question()
    assert clock.answer(question["nonce"], 1764000000000)
    assert not clock.answer(question["nonce"], 1765000000000), "an answer counts once"


def _boot(storage):
    identity = Identity(storage, lambda: 0x9F3C01AA)
    ended = identity.ended()
    identity.begin()
    return identity, ended


def _take(identity):
    number = identity.take()
    identity.save(None)
    return number


def test_boots_count_up_and_numbers_start_anew() -> None:
    storage = _Storage()
    identity, ended = _boot(storage)
    assert (ended, identity.epoch, identity.boot) == (None, "9f3c01aa", 1)
    assert [_take(identity) for _ in range(3)] == [0, 1, 2]
    storage.power_cut()
    identity, ended = _boot(storage)
    assert ended[:3] == ("9f3c01aa", 1, 3)
    assert (identity.epoch, identity.boot, _take(identity)) == ("9f3c01aa", 2, 0)


def test_an_erased_storage_draws_a_new_epoch() -> None:
    storage = _Storage()
    _boot(storage)
    storage.safe.clear()
    identity = Identity(storage, lambda: 0xFFFFFFFE)
    assert identity.ended() is None
    identity.begin()
    assert (identity.epoch, identity.boot) == ("fffffffe", 1)


def test_a_saved_number_survives_a_power_cut() -> None:
    storage = _Storage()
    identity, _ = _boot(storage)
    for lowest_loose in (None, 0, 0, 2):
        number = identity.take()
        identity.save(lowest_loose)
        storage.power_cut()
        assert Identity(storage, lambda: 1).ended()[2] == number + 1


def test_a_number_costs_one_write_and_many_taken_together_cost_one_too() -> None:
    storage = _Storage()
    identity, _ = _boot(storage)
    before = storage.commits
    for _ in range(5):
        identity.take()
    identity.save(None)
    identity.save(None)
    assert storage.commits == before + 1
    ended = Identity(storage, lambda: 1).ended()
    assert ended[2:] == (5, 5), "numbers without a word of theirs are unsure"


def test_a_storage_that_refuses_stops_nothing_and_no_name_comes_twice() -> None:
    storage = _Storage()
    identity, _ = _boot(storage)
    names = {(identity.epoch, identity.boot)}

    def refuse(*_):
        raise OSError(-0x1105)

    storage.put = refuse
    identity.take()
    identity.save(None)
    for number in range(3):
        identity = Identity(storage, lambda epoch=number: 77 + epoch)
        identity.begin()
        assert identity.take() == 0
        names.add((identity.epoch, identity.boot))
    storage.get = refuse
    identity = Identity(storage, lambda: 99)
    assert identity.ended() is None
    identity.begin()
    names.add((identity.epoch, identity.boot))
    assert len(names) == 5


def test_the_numbers_in_ram_alone_are_known_after_a_power_cut() -> None:
    storage = _Storage()
    identity, _ = _boot(storage)
    for _ in range(10):
        _take(identity)
    identity.take()
    identity.save(7)
    ended = Identity(storage, lambda: 1).ended()
    assert ended[2:] == (11, 4)


def test_a_power_cut_while_a_boot_begins_leaves_the_boot_before_untouched() -> None:
    storage = _Storage()
    identity, _ = _boot(storage)
    _take(identity)
    identity, _ = _boot(storage)
    _take(identity)
    _take(identity)
    # Everything that begin() writes is committed at once; cut before that commit.
    interrupted = Identity(storage, lambda: 1)
    storage_commit, storage.commit = storage.commit, storage.power_cut
    interrupted.begin()
    storage.commit = storage_commit
    ended = Identity(storage, lambda: 1).ended()
    assert ended[1:3] == (2, 2)


def _ledger(name):
    path = "/tmp/haidang-ledger-%s-%d" % (name, int.from_bytes(os.urandom(4), "big"))
    ledger = Ledger(path)
    ledger.open()
    return ledger, path


class _Lane:
    """The lanes as recovery sees them: one whose only segment is not on flash."""

    def __init__(self, parts):
        self.all = [self]
        self.parts = parts


def test_numbers_that_went_with_the_power_are_named_and_held_ones_are_not() -> None:
    ledger, path = _ledger("power")
    parts = []
    for seq in (3, 4, 17):
        number_ranges.add(parts, 0, seq)
    ended = ("9f3c01aa", 6, 20, 5)
    lanes = {"a": _Lane(parts)}
    recovery.end(ledger, lanes, 0, ended)
    rows = ledger.boots("9f3c01aa", 7, 2, {6: [[3, 4], [17, 17]]})
    assert rows == [
        {
            "hb": 6,
            "next": 20,
            "held": [[3, 4], [17, 17]],
            "dropped": [[15, 16, "power"], [18, 19, "power"]],
        },
        {"hb": 7, "next": 2, "held": [], "dropped": []},
    ]
    # A second power cut before the next boot began tells the same again.
    accounts.save(ledger)
    again = Ledger(path)
    again.open()
    recovery.end(again, lanes, 0, ended)
    assert again.boots("9f3c01aa", 7, 2, {})[0]["dropped"] == rows[0]["dropped"]
    os.remove(path)


def test_dropped_numbers_stay_rising_and_apart_whatever_comes() -> None:
    ledger, path = _ledger("order")
    for lo, hi, cause in ((10, 12, "full"), (4, 5, "full"), (11, 20, "power"), (6, 9, "full")):
        ledger.drop("9f3c01aa", 1, [(lo, hi)], cause)
    row = ledger.boots("9f3c01aa", 1, 30, {})[0]
    assert row["dropped"] == [[4, 12, "full"], [13, 20, "power"]]
    os.remove(path)


def test_the_status_stays_small_however_torn_the_numbers_are() -> None:
    ledger, path = _ledger("small")
    for seq in range(0, 200, 2):
        ledger.drop("9f3c01aa", 1, [(seq, seq)], "full")
    held = [[seq, seq] for seq in range(1, 401, 2)]
    row = ledger.boots("9f3c01aa", 1, 500, {1: held})[0]
    assert len(row["dropped"]) <= 16
    assert len(row["held"]) <= 16
    for seq in range(1, 401, 2):
        assert any(lo <= seq <= hi for lo, hi in row["held"]), "nothing held is left out"
    assert held[0] == [1, 1], "the outbox's own list is not touched"
    os.remove(path)


def test_boots_that_lost_something_are_told_though_many_pass_before_the_gateway_hears() -> None:
    ledger, path = _ledger("flicker")
    for boot in range(1, 31):
        recovery.end(ledger, {"a": _Lane([])}, 0, ("9f3c01aa", boot, 4, boot % 3))
        accounts.save(ledger)
    again = Ledger(path)
    again.open()
    rows = again.boots("9f3c01aa", 31, 1, {})
    lost = [row["hb"] for row in rows if row["dropped"]]
    assert lost == [boot for boot in range(1, 31) if boot % 3][-len(lost) :]
    assert len(lost) >= 12
    assert [row["hb"] for row in rows if row["hb"] > 26] == [27, 28, 29, 30, 31]
    assert len(rows) <= 17
    os.remove(path)


def test_a_damaged_ledger_starts_anew() -> None:
    _, path = _ledger("damaged")
    with open(path, "w") as file:
        file.write('[["9f3c')
    ledger = Ledger(path)
    ledger.open()
    ledger.drop("9f3c01aa", 1, [(0, 0)], "full")
    again = Ledger(path)
    again.open()
    assert again.boots("9f3c01aa", 1, 1, {})[0]["dropped"] == [[0, 0, "full"]]
    os.remove(path)


class _Cut(Exception):
    pass


class _PlainStorage(dict):
    """ESP-IDF's NVS writes each value at once; the power goes before write `cut_at`."""

    cut_at = 99

    def put(self, key, value):
        self.cut_at -= 1
        if self.cut_at < 0:
            raise _Cut
        self[key] = value

    def commit(self):
        pass


def test_a_power_cut_at_any_write_of_a_start_never_invents_numbers_of_a_boot() -> None:
    for cut_at in range(3):
        storage = _PlainStorage()
        for boot in range(1, 4):
            identity = Identity(storage, lambda: 1)
            identity.begin()
            for _ in range(10 * boot):
                _take(identity)
        storage.cut_at = cut_at
        try:
            Identity(storage, lambda: 1).begin()
        except _Cut:
            assert cut_at < 2
        ended = Identity(storage, lambda: 1).ended()
        assert ended[1:3] == ((3, 30) if cut_at < 2 else (4, 0))
