"""The outbox: kept until named, found again by the next boot, bounded, damage survived."""

import os

from haidang_node.ledger import Ledger
from haidang_node.outbox import ALARM, DATA, Place

from board_parts import flash_folder
from outbox_folder import EPOCH, all_held, done, numbers_of, opened, put


def test_an_alarm_is_on_flash_at_once_and_telemetry_after_a_batch() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    put(outbox, ALARM, 0)
    for seq in range(1, 10):
        put(outbox, DATA, seq)
    assert outbox.lowest_loose() == 1
    again, _ = opened(folder)
    assert numbers_of(again, ALARM) == [0]
    assert numbers_of(again, DATA) == []
    put(outbox, DATA, 10)
    assert outbox.lowest_loose() is None
    again, _ = opened(folder)
    assert numbers_of(again, DATA) == list(range(1, 11))
    done(folder)


def test_telemetry_behind_packs_that_are_read_from_flash_waits_in_smaller_batches() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(10):
        put(outbox, DATA, seq)
    assert outbox.next(DATA, Place()).seq == 0
    for seq in range(10, 13):
        put(outbox, DATA, seq)
    assert outbox.lowest_loose() == 10
    put(outbox, DATA, 13)
    assert outbox.lowest_loose() is None
    for seq in range(14, 23):
        put(outbox, DATA, seq)
    assert outbox.lowest_loose() == 14, "nothing is read: as few flushes as ever"
    done(folder)


def test_telemetry_that_waited_a_minute_is_flushed() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    put(outbox, DATA, 0, now_ms=1000)
    outbox.flush_due(60999)
    assert outbox.lowest_loose() == 0
    outbox.flush_due(61000)
    assert outbox.lowest_loose() is None
    assert numbers_of(opened(folder)[0], DATA) == [0]
    done(folder)


def test_only_named_packs_are_freed() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(30):
        put(outbox, DATA, seq)
    assert outbox.acknowledge(EPOCH, 1, [[3, 5], [20, 99]]) == 13
    assert outbox.acknowledge(EPOCH, 2, [[0, 99]]) == 0
    assert outbox.acknowledge("00000000", 1, [[0, 99]]) == 0
    left = [0, 1, 2] + list(range(6, 20))
    assert numbers_of(outbox, DATA) == left
    assert outbox.count() == len(left)
    assert outbox.held(EPOCH) == {1: [[0, 2], [6, 19]]}
    done(folder)


def test_acknowledged_packs_leave_no_file_behind() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(100):
        put(outbox, ALARM if seq % 7 == 0 else DATA, seq)
    outbox.close()
    assert outbox.acknowledge(EPOCH, 1, [[0, 99]]) == 100
    assert [name for name in os.listdir(folder) if name != "ledger"] == []
    assert outbox.count() == 0
    done(folder)


def test_reading_goes_on_behind_freed_segments_and_meets_new_packs() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    place = Place()
    for seq in range(5):
        put(outbox, ALARM, seq)
    assert outbox.next(ALARM, place).seq == 0
    outbox.acknowledge(EPOCH, 1, [[0, 4]])
    put(outbox, ALARM, 5)
    assert outbox.next(ALARM, place).seq == 5
    assert outbox.next(ALARM, place) is None
    done(folder)


def test_the_oldest_telemetry_goes_when_the_outbox_is_full_and_is_named() -> None:
    folder = flash_folder("outbox")
    outbox, ledger = opened(folder, limit_bytes=65536)
    payload = b"x" * 500
    for seq in range(400):
        outbox.put(ALARM if seq == 3 else DATA, EPOCH, 1, seq, payload, 0)
    dropped = ledger.boots(EPOCH, 1, 400, outbox.held(EPOCH))[0]["dropped"]
    assert dropped[0][0] == 0
    assert dropped[-1][2] == "full"
    named = sum([hi - lo + 1 for lo, hi, _ in dropped])
    assert named == ledger.dropped == 400 - outbox.count()
    assert outbox.held(EPOCH)[1][0] == [3, 3], "an alarm is never dropped"
    used = sum([os.stat(folder + "/" + name)[6] for name in os.listdir(folder)])
    assert used <= 65536 + 2000
    # The names survive a restart.
    again = Ledger(folder + "/ledger")
    again.open()
    assert again.boots(EPOCH, 1, 400, {})[0]["dropped"] == dropped
    done(folder)


def test_damaged_records_are_skipped() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    for seq in range(5):
        put(outbox, ALARM, seq)
    outbox.close()
    name = [name for name in os.listdir(folder) if name[0] == "a"][0]
    with open(folder + "/" + name, "rb") as file:
        data = bytearray(file.read())
    # One record is 20 + 6 bytes: the second's payload, the fourth's mark, the tail of the last.
    data[1 * 26 + 22] ^= 1
    data[3 * 26] ^= 1
    with open(folder + "/" + name, "wb") as file:
        file.write(data[:-3])
    again, ledger = opened(folder)
    assert again.corrupt == 1, "two beside each other are one stretch"
    ended = (EPOCH, 1, 6, 0)
    again, ledger = opened(folder, ended=ended)
    place = Place()
    read = []
    held = again.next(ALARM, place)
    while held:
        payload = again.payload(held)
        if payload is not None:
            assert payload == b"pack %d" % held.seq
            read.append(held.seq)
        held = again.next(ALARM, place)
    assert read == [0, 2]
    assert again.corrupt == 2
    # The number of the second is known, those of the others by their neighbours and the end.
    dropped = ledger.boots(EPOCH, 2, 0, again.held(EPOCH))[0]["dropped"]
    assert dropped == [[1, 1, "corrupt"], [3, 5, "corrupt"]]
    put(again, ALARM, 0, boot=2)
    assert [held.seq for held in all_held(opened(folder)[0], ALARM)] == [0, 1, 2, 0]
    done(folder)


def test_packs_of_an_older_boot_come_first_and_are_acknowledged_under_its_name() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    put(outbox, ALARM, 7, boot=9)
    outbox.close()
    outbox, _ = opened(folder)
    put(outbox, ALARM, 0, boot=10)
    assert numbers_of(outbox, ALARM) == [7, 0]
    outbox.acknowledge(EPOCH, 9, [[7, 7]])
    assert numbers_of(outbox, ALARM) == [0]
    done(folder)


def test_a_segment_stays_while_any_of_its_packs_is_held() -> None:
    for kept in range(4):
        folder = flash_folder("outbox")
        outbox, _ = opened(folder)
        for seq in range(4):
            put(outbox, ALARM, seq)
        for seq in range(4):
            if seq != kept:
                outbox.acknowledge(EPOCH, 1, [[seq, seq]])
        assert numbers_of(outbox, ALARM) == [kept]
        assert kept in numbers_of(opened(folder)[0], ALARM)
        done(folder)


def test_packs_of_an_older_epoch_come_before_those_of_the_present_one() -> None:
    folder = flash_folder("outbox")
    outbox, _ = opened(folder)
    outbox.put(ALARM, "00000001", 90, 4, b"pack 4", 0)
    outbox.close()
    outbox, _ = opened(folder)
    put(outbox, ALARM, 0, boot=1)
    outbox.close()
    assert numbers_of(opened(folder)[0], ALARM) == [4, 0]
    done(folder)
