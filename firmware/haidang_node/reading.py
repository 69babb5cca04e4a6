"""The segments' files read: loaded while some packs are on flash alone and are being sent."""

from haidang_node import finding, numbers
from haidang_node.segments import Held


def next_held(outbox, lane: str, place):
    """The first held pack of the lane's files behind `place`, which moves on; None at the end."""
    of_lane = outbox.lanes[lane]
    for segment in of_lane.all:
        if segment.turn > place.turn:
            place.turn, place.offset = segment.turn, 0
        if segment.turn < place.turn or place.offset >= segment.size_bytes:
            continue
        try:
            with of_lane.open(segment.turn, "rb") as file:
                for offset, name in names(file, place.offset, segment.size_bytes):
                    if name:
                        length, epoch, boot, seq = name
                        key = outbox.find(epoch, boot)
                        if numbers.holds(segment.parts, key, seq):
                            found = Held(lane, key, seq, segment, offset)
                            # Last: where memory ends before, it is found again.
                            place.offset = offset + length
                            return found
        except OSError as error:
            outbox.trouble.failed(error)
            # The others are not kept waiting for it.
            place.missed = True
        place.offset = segment.size_bytes
    return None


def payload(outbox, held) -> bytes | bytearray | None:
    """A pack's bytes; None where flash has lost them or cannot be read now."""
    epoch, boot = outbox.boots[held.key]
    segment = held.source
    try:
        with outbox.lanes[held.lane].open(segment.turn, "rb") as file:
            found = finding.read(file, held.offset)
    except OSError as error:
        outbox.trouble.failed(error)
        return None
    if found and found[:3] == (epoch, boot, held.seq):
        return found[3]
    outbox.corrupt += 1
    outbox.ledger.drop(epoch, boot, [(held.seq, held.seq)], "corrupt")
    numbers.take_out(segment.parts, held.key, held.seq, held.seq)
    return None


def names(file, offset: int, end: int):
    """Where each record from `offset` on begins, and finding.read_name() of it; None for each
    damaged stretch. OSError.
    """
    while 0 <= offset < end:
        name = finding.read_name(file, offset)
        if name is None or offset + name[0] > end:
            yield offset, None
            offset = finding.find(file, offset + 1)
        else:
            yield offset, name
            offset += name[0]
