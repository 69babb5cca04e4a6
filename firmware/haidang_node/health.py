"""The node's own figures: memory, radio, queue, supply."""

import gc

from micropython import const

from haidang_node import log
from haidang_wire.senml_text import Record

# The supply divider halves the voltage for the ADC.
_SUPPLY_FACTOR = const(2)
# Back within its limits by this much, so that a supply at the edge is told once.
_BACK_MV = const(100)


class Health:
    """Makes the node/ records; the hardware is injected, None where it is not fitted.

    limits_mv: lowest and highest good supply; a supply beyond is a warning in the log, and
    node/power tells it until it is good again.
    """

    def __init__(self, free_bytes, rssi_dbm, supply_mv, limits_mv: tuple = (0, 60000)) -> None:
        self._free_bytes = free_bytes
        self._rssi_dbm = rssi_dbm
        self._supply_mv = supply_mv
        self._limits_mv = limits_mv
        self._power = "ok"
        self._least_free = gc.mem_free()

    def watch(self) -> None:
        """Notes the least free heap; call now and then."""
        self._least_free = min(self._least_free, gc.mem_free())

    def records(self, now_ms: int, queue: int, dropped: int) -> list:
        """queue: packs held; dropped: since the start of this boot."""
        self.watch()
        idf_free, idf_largest = self._free_bytes()
        records = [
            Record("node/heap_free", gc.mem_free(), now_ms),
            Record("node/heap_min", self._least_free, now_ms),
            Record("node/idf_free", idf_free, now_ms),
            Record("node/idf_largest", idf_largest, now_ms),
            Record("node/queue", queue, now_ms),
            Record("node/dropped", dropped, now_ms),
        ]
        rssi_dbm = self._rssi_dbm()
        if rssi_dbm is not None:
            records.append(Record("node/rssi", rssi_dbm, now_ms))
        if self._supply_mv:
            supply_mv = self._supply_mv() * _SUPPLY_FACTOR
            records.append(Record("node/supply", supply_mv, now_ms))
            before, self._power = self._power, self._judge(supply_mv)
            if self._power != before:
                log.Log("health").warning("supply is %s: %d mV", self._power, supply_mv)
            if self._power != "ok" or before != "ok":
                records.append(Record("node/power", self._power, now_ms))
        return records

    def _judge(self, supply_mv: int) -> str:
        least_mv, most_mv = self._limits_mv
        if self._power != "ok":
            least_mv, most_mv = least_mv + _BACK_MV, most_mv - _BACK_MV
        return "low" if supply_mv < least_mv else "high" if supply_mv > most_mv else "ok"
