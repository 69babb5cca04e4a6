"""A bell wakes whoever waits, never loses a ring, and many rings are one."""

import threading

import pytest
from crew_kit import Networks, settings
from haidang_gateway.clock import Clock
from haidang_gateway.vision import crew as crew_module
from haidang_gateway.vision.bell import Bell
from haidang_gateway.vision.crew import Crew
from waiting import DEADLINE_S


def test_a_ring_before_the_wait_ends_it_at_once_and_counts_once():
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(DEADLINE_S)
    assert not bell.wait(0.001)


def test_a_ring_that_was_hushed_is_forgotten():
    bell = Bell()
    bell.hush()
    bell.ring()
    bell.hush()
    assert not bell.wait(0.001)


def test_many_threads_ring_and_the_one_that_waits_misses_none_of_their_words():
    bell, words, heard = Bell(), [], []

    def say(name):
        for number in range(200):
            words.append((name, number))
            bell.ring()

    threads = [threading.Thread(target=say, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    while len(heard) < 800 and bell.wait(DEADLINE_S):
        heard = list(words)
    for thread in threads:
        thread.join(DEADLINE_S)
    assert len(heard) == 800


class Street:
    """A camera without pictures; does something whenever it is asked for one."""

    state = "open"

    def __init__(self, asked):
        self._asked = asked

    @property
    def waiting(self):
        self._asked()
        return False

    def start(self):
        pass

    def stop(self):
        pass


@pytest.mark.parametrize("what", ["a picture", "an order to stop"])
def test_what_comes_while_the_cameras_are_asked_ends_the_wait_that_follows(monkeypatch, what):
    heard = []

    class Heard(Bell):
        def wait(self, timeout_s):
            heard.append(super().wait(0))
            crew.stop()
            return heard[-1]

    monkeypatch.setattr(crew_module, "Bell", Heard)
    crew = Crew([settings("east", "/nowhere")], Networks(), Clock(), [].append)
    # What a camera calls when a picture came.
    wake = crew.lookouts["east"].camera._on_fresh
    crew.lookouts["east"].camera = Street(wake if what == "a picture" else crew.stop)
    crew.run()
    assert heard == [True]
