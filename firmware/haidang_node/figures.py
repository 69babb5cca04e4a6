"""The node/ records of one moment; loaded for each heartbeat, then forgotten."""

import gc

from micropython import const

from haidang_node import log
from haidang_wire.senml_text import Record

# The supply divider halves the voltage for the ADC.
_SUPPLY_FACTOR = const(2)
# Back within its limits by this much, so that a supply at the edge is told once.
_BACK_MV = const(100)


def records(now_ms: int, counts: tuple, hardware: tuple, power: str) -> tuple:
    """The records, and the word for the supply; `power` is the one of before.

    counts: least free heap, packs held, packs dropped; hardware: as haidang_node.health has it.
    """
    least_free, queue, dropped = counts
    free_bytes, rssi_dbm, supply_mv, limits_mv = hardware
    free = gc.mem_free()
    idf_free, idf_largest = free_bytes()
    told = [
        Record("node/heap_free", free, now_ms),
        Record("node/heap_min", min(free, least_free), now_ms),
        Record("node/idf_free", idf_free, now_ms),
        Record("node/idf_largest", idf_largest, now_ms),
        Record("node/queue", queue, now_ms),
        Record("node/dropped", dropped, now_ms),
    ]
    dbm = rssi_dbm()
    if dbm is not None:
        told.append(Record("node/rssi", dbm, now_ms))
    if not supply_mv:
        return told, power
    mv = supply_mv() * _SUPPLY_FACTOR
    told.append(Record("node/supply", mv, now_ms))
    word = _judge(mv, limits_mv, power)
    if word != power:
        log.Log("health").warning("supply is %s: %d mV", word, mv)
    if word != "ok" or power != "ok":
        told.append(Record("node/power", word, now_ms))
    return told, word


def _judge(mv: int, limits_mv: tuple, power: str) -> str:
    least_mv, most_mv = limits_mv
    if power != "ok":
        least_mv, most_mv = least_mv + _BACK_MV, most_mv - _BACK_MV
    return "low" if mv < least_mv else "high" if mv > most_mv else "ok"
