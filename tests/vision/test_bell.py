"""A bell wakes whoever waits, never loses a ring, and many rings are one."""

import threading

from haidang_gateway.vision.bell import Bell

DEADLINE_S = 10.0


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
