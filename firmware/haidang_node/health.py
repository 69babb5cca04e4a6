"""The node's own figures: memory, radio, queue, supply."""

import gc

from haidang_node import loading


class Health:
    """Makes the node/ records; the hardware is injected, None where it is not fitted.

    limits_mv: lowest and highest good supply; a supply beyond is a warning in the log, and
    node/power tells it until it is good again.
    """

    def __init__(self, free_bytes, rssi_dbm, supply_mv, limits_mv: tuple = (0, 60000)) -> None:
        self._hardware = (free_bytes, rssi_dbm, supply_mv, limits_mv)
        self._power = "ok"
        self._least_free = gc.mem_free()

    def watch(self) -> None:
        """Notes the least free heap; call now and then."""
        self._least_free = min(self._least_free, gc.mem_free())

    def records(self, now_ms: int, queue: int, dropped: int) -> list:
        """queue: packs held; dropped: since the start of this boot.

        None where memory or flash refuses them this time: no loop ends for its figures.
        """
        counts = (self._least_free, queue, dropped)
        try:
            told, self._power = loading.call(
                "haidang_node.figures", "records", now_ms, counts, self._hardware, self._power
            )
        except (MemoryError, ImportError, OSError, ValueError):
            return []
        return told
