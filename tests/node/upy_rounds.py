# heap: 400K
"""What a node looks at once a minute: when memory is too short, when a start was a good one."""

from haidang_node import log, rounds, shortage
from haidang_node.identity import Identity

from board_parts import Storage

log.start(log.ERROR + 1, lambda: 0)
_PLENTY = (100000, 60000)
_SHORT = "memory: 1000 bytes left for TLS, 1000 in one piece"


def test_memory_is_short_by_each_of_its_floors() -> None:
    assert shortage.shortage(20000, _PLENTY, True, False) is None
    assert shortage.shortage(8191, _PLENTY, True, True) == "memory: 8191 bytes free"
    assert "none of 2048 in one piece" in shortage.shortage(20000, _PLENTY, False, True)
    assert "left for TLS" in shortage.shortage(20000, (60000, 12000), True, False)
    assert shortage.shortage(20000, (60000, 12000), True, True) is None, "TLS has its pieces"


def test_the_look_takes_what_is_there_now() -> None:
    real = shortage._whole_piece
    try:
        assert shortage.look(lambda: _PLENTY, False) is None
        assert "left for TLS" in shortage.look(lambda: (60000, 12000), False)
        assert shortage.look(lambda: (60000, 12000), True) is None
        shortage._whole_piece = lambda: False
        assert "in one piece" in shortage.look(lambda: _PLENTY, True)
    finally:
        shortage._whole_piece = real


class _Node:
    """A node as a round sees it."""

    settled = False
    short_rounds = 0
    short_limit = 3
    sensors = ()

    def __init__(self):
        self.clock = self.status = self.link = self.supervisor = self
        self.told = {"fails": 1}
        self.now_ms = 0
        self.steps = 0
        self.online = True
        self.calm_since_ms = 0

    def uptime_ms(self):
        return self.now_ms


def test_a_start_is_a_good_one_after_a_minute_without_a_crash_and_is_written_once() -> None:
    node, storage = _Node(), Storage(fails=2)
    for node.now_ms, node.calm_since_ms, fails in (
        (15000, 0, 2),
        (75000, 20000, 2),
        (80000, 20000, 0),
        (140000, 20000, 0),
    ):
        rounds.go(node, storage, None)
        assert storage.get("fails") == fails
    assert storage.commits == 1
    assert node.told == {}


def test_a_storage_that_takes_nothing_ends_no_round_and_no_orderly_restart() -> None:
    class Worn(Storage):
        def put(self, key, value):
            raise OSError(-0x1105)

    node, storage = _Node(), Worn(fails=1, epoch=1, boot=1)
    node.now_ms = 75000
    assert rounds.go(node, storage, None) == (135000, None)
    assert node.settled
    identity = Identity(storage, lambda: 7)
    identity.begin()
    identity.close()


def test_three_short_rounds_in_a_row_ask_for_a_restart() -> None:
    node, storage = _Node(), Storage()
    asked = []
    for short in (_SHORT, _SHORT, None, _SHORT, _SHORT, _SHORT):
        again_ms, why = rounds.go(node, storage, short)
        assert again_ms == 60000
        asked.append(why is not None)
    assert asked == [False] * 5 + [True]


def test_a_shortage_that_a_restart_has_not_mended_leaves_the_sensors_time_to_watch() -> None:
    node = _Node()
    node.short_limit = 60
    asked = [rounds.go(node, Storage(), _SHORT)[1] for _ in range(60)]
    assert asked[:59] == [None] * 59
    assert asked[59]


def test_jumps_of_the_clock_are_told() -> None:
    node = _Node()
    node.steps = 2
    rounds.go(node, Storage(), None)
    assert node.told["steps"] == 2
