# heap: 600K
"""The clock: a rate that is bounded, stamps that never go back, answers that are not trusted."""

from haidang_node import log
from haidang_node.clock import Clock

from board_parts import PERIOD, Ticks

log.start(log.ERROR + 1, lambda: 0)

_UNIX_MS = 1764000000000
_WRAP = 1 << 30
_HOUR_MS = 3600000


class _Random:
    # The same numbers on both runtimes.
    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit


class _World:
    """True time, a crystal that is `ppm` wrong, a gateway whose clock is `wrong_ms` off."""

    def __init__(self, ppm=0, seed=1, start_ticks=0):
        self.now_ms = 0
        self.wrong_ms = 0
        self.random = _Random(seed)
        self._ppm = ppm
        self._start = start_ticks
        self.clock = Clock(self.ticks)

    def ticks(self):
        return (self._start + self.now_ms + self.now_ms * self._ppm // 1000000) % _WRAP

    def stamp(self):
        return self.clock.unix_ms(self.clock.uptime_ms())

    def error_ms(self):
        return self.stamp() - _UNIX_MS - self.now_ms

    def ask(self, there_ms, back_ms, lost=False):
        question = self.clock.question()
        self.now_ms += there_ms
        unix_ms = _UNIX_MS + self.now_ms + self.wrong_ms
        self.now_ms += back_ms
        return not lost and self.clock.answer(question["nonce"], unix_ms)

    def settle(self, trips=((10, 10),)):
        # Asks as the uplink does until nothing is due.
        turn = 0
        while self.clock.due(self.clock.uptime_ms()):
            self.ask(*trips[turn % len(trips)])
            turn += 1
        return turn


def test_uptime_goes_on_over_every_wrap_of_the_ticks() -> None:
    world = _World(start_ticks=_WRAP - 5000)
    for _ in range(60):
        world.now_ms += _WRAP // 3
        assert world.clock.uptime_ms() == world.now_ms
    assert world.now_ms > 19 * _WRAP


def test_uptime_starts_where_deep_sleep_left_it() -> None:
    world = _World()
    clock = Clock(world.ticks)
    clock.go_on(7 * _WRAP)
    world.now_ms += 50
    assert clock.uptime_ms() == 7 * _WRAP + 50
    assert clock.due(clock.uptime_ms())


def test_one_short_round_trip_is_enough_and_long_ones_are_asked_again() -> None:
    world = _World()
    assert world.settle(((20, 20),)) == 1
    world = _World()
    assert world.settle(((300, 0), (700, 0), (5, 60), (900, 900))) == 4
    assert abs(world.error_ms()) <= 33, "the third round trip was the best"


def test_bad_answers_are_refused() -> None:
    world = _World()
    clock = world.clock
    assert not clock.answer(0, _UNIX_MS), "nothing was asked"
    nonce = clock.question()["nonce"]
    assert not clock.answer(nonce - 1, _UNIX_MS)
    for unix_ms in (1.7e12, "1764000000000", None, 0, -5, 1 << 60):
        assert not clock.answer(nonce, unix_ms)
    world.now_ms += 2001
    assert not clock.answer(nonce, _UNIX_MS), "an answer that took too long"
    nonce = clock.question()["nonce"]
    assert clock.answer(nonce, _UNIX_MS)
    assert not clock.answer(nonce, _UNIX_MS + 9000), "an answer that comes twice"
    assert clock.unix_ms(clock.uptime_ms()) == _UNIX_MS


def test_without_answers_it_asks_again_after_half_a_minute_and_then_hourly() -> None:
    world = _World()
    asked = 0
    while world.now_ms < 600000:
        if world.clock.due(world.clock.uptime_ms()):
            world.ask(0, 0, lost=True)
            asked += 1
        world.now_ms += 1000
    assert 4 * 600 // 40 <= asked <= 4 * 600 // 30 + 4
    world.now_ms += 60000
    world.settle()
    assert not world.clock.due(world.clock.uptime_ms() + _HOUR_MS - 1)
    assert world.clock.due(world.clock.uptime_ms() + _HOUR_MS)


def test_a_correction_is_slewed_at_500_ppm_in_both_directions() -> None:
    for wrong_ms in (4000, -4000, 29000, -29000):
        world = _World()
        world.settle()
        world.wrong_ms = wrong_ms
        world.now_ms += _HOUR_MS
        before = world.stamp()
        world.settle()
        assert abs(world.stamp() - before) <= 30, "no jump"
        began_ms, began = world.now_ms, world.error_ms()
        world.now_ms += 1000000
        assert abs(world.error_ms() - began) == 500
        world.now_ms = began_ms + 2000 * abs(wrong_ms) + 2000
        assert abs(world.error_ms() - wrong_ms) <= 10 + 10
        assert world.clock.steps == 0


def test_a_large_difference_needs_two_rounds_and_is_counted() -> None:
    world = _World()
    world.settle()
    for wrong_ms in (86400000, -86400000):
        world.wrong_ms = wrong_ms
        world.now_ms += _HOUR_MS
        steps, error_ms = world.clock.steps, world.error_ms()
        world.settle()
        assert world.error_ms() == error_ms, "one answer alone moves nothing"
        world.now_ms += 31000
        world.settle()
        assert world.clock.steps == steps + 1
        assert abs(world.error_ms() - wrong_ms) <= 1


def test_a_single_wrong_answer_never_steps_the_clock() -> None:
    world = _World()
    world.settle()
    for _ in range(5):
        world.wrong_ms = 86400000
        world.now_ms += _HOUR_MS
        world.settle()
        world.wrong_ms = 0
        world.now_ms += 31000
        world.settle()
    assert world.clock.steps == 0
    assert abs(world.error_ms()) <= 1


def test_stamps_never_go_back_whatever_the_network_does() -> None:
    for seed in range(1, 12):
        world = _World(ppm=40 if seed & 1 else -40, seed=seed)
        world.settle()
        last = world.stamp()
        for _ in range(3000):
            world.now_ms += world.random.below(20000)
            if world.random.below(3) == 0:
                world.wrong_ms = world.random.below(28000) - 14000
                trip = world.random.below(2500)
                back = world.random.below(trip + 1)
                world.ask(trip - back, back, lost=world.random.below(4) == 0)
            stamp = world.stamp()
            assert stamp >= last
            last = stamp
        assert world.clock.steps == 0


def worst_error_ms(ppm, hours, seed=1):
    """The largest error of a clock with hourly refreshes over a net of 4 to 400 ms round trips."""
    world = _World(ppm=ppm, seed=seed, start_ticks=_WRAP - 1000)
    world.settle(((8, 8),))
    worst = 0
    while world.now_ms < hours * _HOUR_MS:
        world.now_ms += 60000
        while world.clock.due(world.clock.uptime_ms()):
            there = 2 + world.random.below(200)
            back = 2 + world.random.below(200)
            world.ask(there, back, lost=world.random.below(10) == 0)
        worst = max(worst, abs(world.error_ms()))
    assert world.clock.steps == 0
    return worst


def test_a_crystal_of_40_ppm_stays_within_half_a_second() -> None:
    for ppm in (40, -40):
        assert worst_error_ms(ppm, 24 * 40) <= 500


def test_uptime_goes_on_over_the_wrap_of_the_tick_counter() -> None:
    ticks = Ticks(PERIOD - 500)
    clock = Clock(ticks)
    ticks.now += 400
    assert clock.uptime_ms() == 400
    ticks.now += 400
    assert clock.uptime_ms() == 800
    for _ in range(40):
        ticks.now += PERIOD // 3
        clock.uptime_ms()
    assert clock.uptime_ms() == 800 + 40 * (PERIOD // 3)


def test_an_answer_anchors_the_clock_at_the_middle_of_its_round_trip() -> None:
    ticks = Ticks(0)
    clock = Clock(ticks)
    assert clock.unix_ms(0) is None
    question = clock.question()
    ticks.now += 40
    assert clock.answer(question["nonce"], 1764000000000)
    assert clock.unix_ms(40) == 1764000000020
    assert clock.unix_ms(0) == 1763999999980


def test_late_or_foreign_answers_are_refused() -> None:
    ticks = Ticks(0)
    clock = Clock(ticks)
    assert not clock.answer(0, 1764000000000)
    question = clock.question()
    assert not clock.answer(question["nonce"] + 1, 1764000000000)
    ticks.now += 2001
    assert not clock.answer(question["nonce"], 1764000000000)
    question = clock.question()
    assert clock.answer(question["nonce"], 1764000000000)
    assert not clock.answer(question["nonce"], 1765000000000), "an answer counts once"


if __name__ == "__main__":
    for ppm in (10, 40, -40, 100):
        print(ppm, worst_error_ms(ppm, 24 * 60))
