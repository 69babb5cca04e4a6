# heap: 400K
"""The error ring: what survives a reset, what a power cut, and how little flash it costs."""

import os

from haidang_node import loading, log, ring

from board_parts import RingMemory


def _path():
    return "/tmp/haidang-ring-%d" % int.from_bytes(os.urandom(4), "big")


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def test_warnings_outlive_a_reset_with_boot_and_second() -> None:
    memory, path = RingMemory(), _path()
    ring.start(memory, 7, path)
    now_ms = [1500]
    log.start(log.ERROR, lambda: now_ms[0], memory)
    try:
        part = log.Log("link")
        part.info("nobody needs this later")
        log.start(log.WARNING, lambda: now_ms[0], memory)
        part.warning("joining failed: %s", "no\nanswer \u0111")
    finally:
        log.start(log.ERROR + 1, lambda: 0)
    ring.start(memory, 8, path)
    ring.keep(memory, 2000, "E smoke: x", False, path)
    assert ring.told(memory)["lines"] == [
        "7/1 W link: joining failed: no?answer ?",
        "8/2 E smoke: x",
    ]
    assert not _exists(path), "a warning is not worth a flash write"


def test_the_oldest_lines_make_room_and_every_line_is_bounded() -> None:
    memory, path = RingMemory(), _path()
    ring.start(memory, 1, path)
    for number in range(50):
        ring.keep(memory, 1000 * number, "W x: " + "%d" % number * 90, False, path)
    lines = ring.told(memory)["lines"]
    assert 3 <= len(lines) <= 5
    assert lines[-1].startswith("1/49 W x: 4949")
    assert max([len(line) for line in lines]) <= 90


def test_errors_reach_flash_once_an_hour_and_come_back_after_a_power_cut() -> None:
    memory, path = RingMemory(), _path()
    ring.start(memory, 1, path)
    ring.keep(memory, 1000, "E a: first", True, path)
    ring.keep(memory, 2000, "E a: second", True, path)
    ring.note(memory, "why")
    cold = RingMemory()
    assert ring.start(cold, 2, path) == "", "a power cut has no note"
    assert ring.told(cold)["lines"] == ["1/1 E a: first"]
    ring.keep(cold, 3601000, "E a: third", True, path)
    ring.save(cold, path)
    dead = RingMemory()
    assert ring.start(dead, 3, path) == ""
    assert ring.told(dead)["lines"] == ["1/1 E a: first", "2/3601 E a: third"]
    os.remove(path)


def test_damaged_memory_is_no_ring() -> None:
    memory, path = RingMemory(), _path()
    for data in (b"", bytes(384), b"\xff" * 384, b"\x05\x00abcdhello", os.urandom(384)):
        memory.data = data
        assert ring.start(memory, 1, path) == ""
        assert ring.told(memory)["lines"] == []
        ring.keep(memory, 0, "W x: y", False, path)
        assert ring.told(memory)["lines"] == ["1/0 W x: y"]


def test_a_note_is_told_once_and_taken_back_where_the_node_goes_on() -> None:
    memory, path = RingMemory(), _path()
    ring.start(memory, 1, path)
    ring.note(memory, "command c-1 " + "x" * 200)
    why = ring.start(memory, 2, path)
    assert why.startswith("command c-1")
    assert len(why) == 80
    assert ring.told(memory)["why"] == why
    ring.note(memory, "loop smoke hung")
    ring.note(memory, "")
    assert ring.start(memory, 3, path) == ""


def test_a_ring_that_cannot_be_loaded_ends_no_loop() -> None:
    real, tried = loading.call, []
    for error in (MemoryError(), ImportError("ring"), OSError(5), ValueError("incompatible")):

        def lost(*args, error=error):
            tried.append(args[1])
            raise error

        loading.call = lost
        log.start(log.ERROR + 1, lambda: 0, object())
        try:
            log.ring("keep", 0, "W node: a line", False)
        finally:
            loading.call = real
            log.start(log.ERROR + 1, lambda: 0)
    assert tried == ["keep"] * 4
