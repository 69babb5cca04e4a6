"""Messages for a window without a store, and a broker that takes what is due."""

from haidang_gateway.batch import Outgoing
from haidang_gateway.model import OutLane
from haidang_gateway.uplink.window import Window


def outgoing(seq: int, lane: OutLane = "data", size: int = 10) -> Outgoing:
    """A message of `size` bytes for the centre."""
    return Outgoing(
        destination="centre",
        seq=seq,
        lane=lane,
        topic=f"t/{seq}",
        payload=b"x" * size,
        created_ms=0,
    )


def send_due(window: Window, now_ms: int, *, taken: bool = True) -> list[int]:
    """Sends what is due, and unless told otherwise the broker takes it; their numbers."""
    seqs = [message.seq for message in window.due(now_ms)]
    for seq in seqs:
        window.sent(seq, now_ms)
        if taken:
            window.taken(seq, now_ms)
    return seqs
