"""The outbox on a flash that refuses to write or to read: no alarm is lost, memory is bounded."""

import os

from haidang_node import number_ranges, segments
from haidang_node.outbox import ALARM, DATA, Place
from haidang_node.window import Window

from board_parts import flash_folder
from outbox_folder import EPOCH, all_held, done, numbers_of, opened, put, refuse_flushes


def test_an_alarm_that_flash_refused_at_first_never_takes_later_ones_with_it() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder)
    refuse_flushes(50)
    try:
        put(outbox, ALARM, 0)
        for second in range(60):
            outbox.flush_due(second)
    finally:
        del segments.open
    assert outbox.lowest_loose() is None
    for seq in range(1, 4):
        put(outbox, ALARM, seq)
    assert len(outbox.lanes[ALARM].all) == 1, "a refusing flash must not fill the memory"
    outbox.acknowledge(EPOCH, 1, [[0, 0]])
    assert numbers_of(outbox, ALARM) == [1, 2, 3]
    assert ledger.dropped == 0
    assert numbers_of(opened(folder)[0], ALARM) == [0, 1, 2, 3]
    done(folder)


def test_a_file_that_cannot_be_read_leaves_the_others_alone() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    put(outbox, ALARM, 5)
    outbox.close()
    os.mkdir(folder + "/a-7")
    again, _ = opened(folder)
    assert numbers_of(again, ALARM) == [5]
    put(again, ALARM, 6)
    assert numbers_of(opened(folder)[0], ALARM) == [5, 6]
    os.rmdir(folder + "/a-7")
    done(folder)


def test_a_file_that_could_not_be_read_for_a_moment_has_another_turn_in_the_same_session() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(2):
        put(outbox, ALARM, seq)
    window = Window(outbox, 32, 8, 2000, 60000)

    def refused(path, mode):
        raise OSError(5)

    segments.open = refused
    try:
        assert window.next(0) is None
    finally:
        del segments.open
    assert window.next(59999) is None, "not read in every turn"
    window.next(60000)
    for seq in range(2):
        held = window.next(60001)
        assert held.seq == seq
        window.sent(held, 1 + seq, 60001)
    done(folder)


def test_an_alarm_that_cannot_be_read_just_now_is_kept() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder)
    put(outbox, ALARM, 0)
    held = outbox.next(ALARM, Place())

    def refused(path, mode):
        raise OSError(5)

    segments.open = refused
    try:
        assert outbox.payload(held) is None
    finally:
        del segments.open
    assert outbox.payload(held) == b"pack 0"
    assert ledger.dropped == 0
    done(folder)


def test_a_flash_that_refuses_for_long_keeps_the_newest_alarms_and_names_the_others() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder)
    refuse_flushes(1000)
    try:
        for seq in range(20):
            put(outbox, ALARM, seq)
    finally:
        del segments.open
    assert numbers_of(outbox, ALARM) == list(range(4, 20))
    named = ledger.boots(EPOCH, 1, 20, outbox.held(EPOCH))[0]["dropped"]
    assert named == [[0, 3, "flash"]]
    outbox.flush_due(1)
    assert numbers_of(opened(folder)[0], ALARM) == list(range(4, 20))
    done(folder)


def test_a_new_file_that_flash_refuses_is_forgotten_though_the_one_before_was_good() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    put(outbox, ALARM, 0)
    outbox.close()
    refuse_flushes(5)
    try:
        for second in range(10):
            if second == 0:
                put(outbox, ALARM, 1)
            outbox.flush_due(second)
    finally:
        del segments.open
    assert len(outbox.lanes[ALARM].all) == 2
    outbox.acknowledge(EPOCH, 1, [[0, 0]])
    assert numbers_of(outbox, ALARM) == [1]
    assert numbers_of(opened(folder)[0], ALARM) == [1]
    done(folder)


def test_a_flash_that_says_full_for_ever_costs_one_segment_of_alarms_and_no_more() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder, 1 << 18)
    for seq in range(400):
        put(outbox, ALARM, seq)
    assert len(outbox.lanes[ALARM].all) == 2
    outbox.close()
    refuse_flushes(1000, 28)
    try:
        for seq in range(400, 410):
            put(outbox, ALARM, seq)
            outbox.flush_due(seq)
    finally:
        del segments.open
    named = ledger.boots(EPOCH, 1, 410, outbox.held(EPOCH))[0]["dropped"]
    assert [(lo, cause) for lo, _, cause in named] == [(0, "alarm_full")]
    assert numbers_of(outbox, ALARM) == list(range(named[0][1] + 1, 410))
    outbox.flush_due(1)
    assert outbox.lowest_loose() is None
    done(folder)


def test_alarms_alone_fill_the_outbox_then_the_oldest_alarms_go_and_telemetry_takes_no_place() -> (
    None
):
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder, limit_bytes=65536)
    payload = b"x" * 500
    for seq in range(300):
        outbox.put(ALARM, EPOCH, 1, seq, payload, 0)
    alarms = [held.seq for held in all_held(outbox, ALARM)]
    assert alarms == list(range(alarms[0], 300)), "the newest stay"
    assert 100 < len(alarms) < 130
    row = ledger.boots(EPOCH, 1, 300, outbox.held(EPOCH))[0]
    assert row["dropped"] == [[0, alarms[0] - 1, "alarm_full"]]
    room = 65536 - sum([segment.size_bytes for segment in outbox.lanes[ALARM].all])
    for seq in range(300, 340):
        outbox.put(DATA, EPOCH, 1, seq, b"x" * (room // 2), 0)
    assert [held.seq for held in all_held(outbox, ALARM)] == alarms
    row = ledger.boots(EPOCH, 1, 340, outbox.held(EPOCH))[0]
    assert row["dropped"][1][0] == 300
    assert row["dropped"][1][2] == "full"
    assert len(outbox.waiting) <= 10, "what finds no place waits in RAM, bounded"
    done(folder)


def test_a_broken_flash_costs_no_pack_that_it_holds() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(10):
        put(outbox, DATA, seq)
    refuse_flushes(100, 5)
    try:
        for seq in range(10, 40):
            put(outbox, DATA, seq)
            put(outbox, ALARM, 100 + seq)
    finally:
        del segments.open
    assert [held.seq for held in all_held(outbox, DATA)][:10] == list(range(10))
    done(folder)


def test_foreign_files_are_left_alone() -> None:
    folder = flash_folder("outbox")
    names = ("a-9f3c01aa-7-12", "d-9f3c01aa-7-0", "d-", "a-x", "-3", "b-4", "ledger.new", "noise")
    for name in names:
        with open(folder + "/" + name, "w") as file:
            file.write("anything")
    outbox, _ = opened(folder)
    assert (outbox.count(), outbox.corrupt) == (0, 0)
    put(outbox, ALARM, 1)
    assert numbers_of(outbox, ALARM) == [1]
    assert sorted(names) == sorted([name for name in os.listdir(folder) if name in names])
    done(folder)


def test_a_segment_of_noise_is_counted_and_removed_and_its_numbers_are_named() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder, 1 << 18)
    for seq in range(700):
        put(outbox, DATA, seq)
    outbox.close()
    victim = outbox.lanes[DATA].all[0]
    lost = list(number_ranges.each(victim.parts, 0))
    path = outbox.lanes[DATA].path(victim.turn)
    with open(path, "wb") as file:
        for _ in range(64):
            file.write(bytes([(7 * n) & 0xFF for n in range(256)]))
    outbox, ledger = opened(folder, 1 << 18, (EPOCH, 1, 700, 0))
    assert outbox.corrupt == 1
    assert [held.seq for held in all_held(outbox, DATA)] == list(range(lost[0][1] + 1, 700))
    row = ledger.boots(EPOCH, 2, 0, outbox.held(EPOCH))[0]
    assert row["dropped"] == [[lost[0][0], lost[0][1], "corrupt"]]
    assert path.split("/")[-1] not in os.listdir(folder)
    done(folder)
