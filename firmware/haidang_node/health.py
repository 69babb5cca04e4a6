"""The node's own figures: memory, radio, queue, supply."""

import gc

from micropython import const

from haidang_wire.senml_text import Record

# The supply divider halves the voltage for the ADC.
_SUPPLY_FACTOR = const(2)


class Health:
    """Makes the node/ records; the hardware is injected, None where it is not fitted."""

    def __init__(self, free_bytes, rssi_dbm, supply_mv) -> None:
        self._free_bytes = free_bytes
        self._rssi_dbm = rssi_dbm
        self._supply_mv = supply_mv
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
            records.append(Record("node/supply", self._supply_mv() * _SUPPLY_FACTOR, now_ms))
        return records
