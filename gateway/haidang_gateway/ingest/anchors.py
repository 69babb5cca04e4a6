"""When a node's uptime was: from its own clock where it has one, otherwise within bounds."""

from haidang_gateway.ingest.boot import Boot

# A node's clock comes from this gateway; one that runs further ahead is wrong.
_AHEAD_MS = 60_000
# 2024-01-01: before this project, so a clock that says less was never set.
_EARLIEST_MS = 1_704_067_200_000
# A live status takes seconds; far below the age at which evidence opens no alarm any more.
_LIVE_MS = 60_000


def moved(unix_ms: int | None, step_ms: int, received_ms: int) -> int | None:
    """The time that a node meant, which may still go by our clock from before `step_ms`.

    The latest that it can be: a live alarm must not look hours old.
    """
    if unix_ms is None:
        return None
    latest_ms = received_ms + _AHEAD_MS
    return max((t for t in (unix_ms, unix_ms + step_ms) if t <= latest_ms), default=unix_ms)


def learn(boot: Boot, up_ms: int, unix_ms: int | None, received_ms: int) -> None:
    """Note what a live message says about the start of its boot.

    `unix_ms` is the node's own time of `up_ms`; a time that cannot be is ignored. Having been
    received is always an upper bound, the tighter the fresher the message.
    """
    # Of nearly every pack it is what is known: nothing is to be judged then.
    if (
        unix_ms is not None
        and unix_ms - up_ms != boot.anchor_ms
        and unix_ms <= received_ms + _AHEAD_MS
        and unix_ms - up_ms >= _EARLIEST_MS
        and not _is_contradicted(boot, unix_ms - up_ms)
    ):
        boot.anchor_ms = unix_ms - up_ms
    latest_ms = received_ms - up_ms
    is_earlier = boot.latest_ms is None or latest_ms < boot.latest_ms
    if is_earlier and latest_ms >= min(received_ms, _EARLIEST_MS):
        boot.latest_ms = latest_ms


def learn_live(boot: Boot, up_ms: int, received_ms: int) -> None:
    """Note the uptime that a status tells about the very moment it was sent.

    It overrules what was learned under another clock: a gateway that started with an old time
    gave it to its nodes, and their alarms would look hours old.
    """
    boot.live_ms = received_ms - up_ms
    if boot.anchor_ms is not None and _is_contradicted(boot, boot.anchor_ms):
        boot.anchor_ms = None
    if boot.latest_ms is not None and _is_contradicted(boot, boot.latest_ms):
        boot.latest_ms = None
    learn(boot, up_ms, None, received_ms)


def _is_contradicted(boot: Boot, start_ms: int) -> bool:
    return boot.live_ms is not None and abs(start_ms - boot.live_ms) > _LIVE_MS


def bounds(boots: dict[int, Boot], number: int, up_ms: int) -> tuple[int, int]:
    """Unix ms (low, high) of an uptime of boot `number`; equal where it is known exactly.

    0 as the lower bound: nothing is known. A boot lies after the start of every earlier one and
    ends before the start of every later one.
    """
    boot = boots[number]
    if boot.anchor_ms is not None:
        return boot.anchor_ms + up_ms, boot.anchor_ms + up_ms
    high = _start(boot) + up_ms
    low = 0
    for other, known in boots.items():
        if other > number:
            high = min(high, _start(known, high))
        elif other < number and known.anchor_ms is not None:
            low = max(low, known.anchor_ms + up_ms)
    return min(low, high), high


def _start(boot: Boot, unknown_ms: int = 0) -> int:
    if boot.anchor_ms is not None:
        return boot.anchor_ms
    return boot.latest_ms if boot.latest_ms is not None else unknown_ms
