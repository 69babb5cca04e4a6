"""Packs dropped for room: loaded when `limit_bytes` or the flash is full.

The oldest telemetry goes first. Where alarms alone fill the flash, an alarm drops the oldest
segment of alarms, because the newest tell what is; telemetry never drops an alarm. What is
dropped is named in the ledger first.
"""

from haidang_node import log, number_ranges

_ALARM = "a"
_DATA = "d"


def room(outbox, lane: str) -> str | None:
    """Room on a full flash: None where writing may be tried again, else why there is none."""
    if oldest(outbox, _DATA):
        return None
    # Once: where that gives no room, dropping more alarms would not either.
    given = lane == _ALARM and not outbox.gave_alarms and oldest(outbox, _ALARM)
    outbox.gave_alarms = lane == _ALARM
    return None if given else "full"


def oldest(outbox, lane: str) -> bool:
    """Drops the oldest segment of a lane; whether there was one."""
    of_lane = outbox.lanes[lane]
    if not of_lane.all:
        return False
    if lane == _ALARM:
        log.Log("outbox").error("flash is full of alarms: the oldest go, the newest tell what is")
    segment = of_lane.all[0]
    for key in range(len(outbox.boots)):
        lost = list(number_ranges.each(segment.parts, key))
        if lost:
            # Named before the file goes: a power cut in between leaves both names, never none.
            cause = "alarm_full" if lane == _ALARM else "full"
            outbox.ledger.drop(*outbox.boots[key], lost, cause)
    of_lane.remove(segment)
    segment.parts = []
    return True
