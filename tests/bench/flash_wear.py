"""What keeping telemetry costs the flash and the NVS partition of a three-sensor node.

The node's real parts from the sensors to LittleFS, in real MicroPython, on a flash that counts;
the gateway is away for the whole run, the worst that can happen. Beside it the same with a flush
per pack, and a node whose gateway is there.
"""

import tempfile
from pathlib import Path
from typing import Any

from bench import interpreter, parts

_PACKS = 90000
_DAY_S = 86400
# Erase cycles of a NOR flash block by its data sheets; not measured here.
_CYCLES = 100_000
_YEAR_S = 31_557_600
_RECORD_S = 10
# NVS of ESP-IDF: 126 entries of 32 bytes a page, erased when it is full. Of the 6 pages of the
# usual 24 KiB, one is always free; calibration and Wi-Fi data keep two from taking their turn.
_NVS_ENTRIES = 126
_NVS_PAGES = 4


def wear(packs: int, mode: str) -> dict[str, int]:
    """What the flash counted; mode "batched", "each" (a flush per pack) or "online"."""
    with tempfile.TemporaryDirectory() as folder:
        return interpreter.run("on_node_wear.py", Path(folder) / "flash.img", packs, mode)


def day(seconds: int, alarms: int) -> dict[str, Any]:
    """What a time without a gateway takes of the flash and, after a power cut, of the heap."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "flash.img"
        filled = interpreter.run("on_node_day.py", image, "fill", seconds, alarms)
        return {**filled, **interpreter.run("on_node_day.py", image, "open", heap="256K")}


def figures(quick: bool = False) -> parts.Figures:
    """Erases and years; `..._years` at one record in 10 s, 100,000 erases a block."""
    packs = 400 if quick else _PACKS
    parts.LOG.info("flash wear: %s packs without a gateway", packs)
    batched = wear(packs, "batched")
    parts.LOG.info("flash wear: the same with a flush per pack, then with a gateway")
    each = wear(min(packs, 10000), "each")
    online = wear(min(packs, 10000), "online")
    parts.LOG.info("flash wear: a day of one-minute readings and 1,000 alarms")
    held = day(_DAY_S // (20 if quick else 1), 50 if quick else 1000)
    return {
        "wear_records": batched["packs"],
        "erases_per_record": _per_pack(batched, "erases"),
        "erases_per_record_flush_each": _per_pack(each, "erases"),
        "erases_per_record_online": _per_pack(online, "erases"),
        "hottest_block_erases": batched["hottest"],
        "hottest_block_years": _block_years(batched),
        "hottest_block_years_flush_each": _block_years(each),
        "nvs_years_online": _nvs_years(online),
        "nvs_years_without_gateway": _nvs_years(batched),
        "assumed_erase_cycles": _CYCLES,
        "day_packs": held["found"],
        "day_bytes": held["used_bytes"],
        "day_open_reads": held["open_reads"],
        "day_index_heap_bytes": held["heap_full"],
        "scattered_packs": held["left"],
        "scattered_index_heap_bytes": held["heap_scattered"],
    }


def _per_pack(result: dict[str, int], what: str) -> float:
    return round(result[what] / result["packs"], 4)


def _block_years(result: dict[str, int]) -> float | None:
    if not result["hottest"]:
        return None
    records_a_year = _YEAR_S / _RECORD_S
    return round(_CYCLES / (result["hottest"] / result["packs"] * records_a_year), 1)


def _nvs_years(result: dict[str, int]) -> float:
    writes_a_year = result["nvs_writes"] / result["seconds"] * _YEAR_S
    return round(_CYCLES * _NVS_PAGES * _NVS_ENTRIES / writes_a_year, 1)


if __name__ == "__main__":
    parts.main(figures)
