"""What names a pack: epoch, boot and number, each once, whatever the storage and the power do."""

from haidang_node import log
from haidang_node.identity import Identity

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
