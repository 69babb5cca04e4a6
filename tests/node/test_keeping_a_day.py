"""A day without a gateway fits: real sensors' packs, the real reporter and outbox, LittleFS."""

from bench.flash_wear import day, wear

OUTBOX_BYTES = 1 << 20
READINGS = 1440
# The node's own figures come with every heartbeat of 30 s.
FIGURES = 2880
ALARMS = 1000


def test_a_day_of_readings_and_a_thousand_alarms_fit_and_are_found_again() -> None:
    held = day(86400, ALARMS)
    assert held["packs"] == held["found"] == READINGS + FIGURES + ALARMS
    assert (held["dropped"], held["corrupt"]) == (0, 0)
    assert held["used_bytes"] <= OUTBOX_BYTES
    assert held["told"] == [[0, held["packs"] - 1]], "both lanes are told together"
    # A status stays small and the index in RAM too, however scattered the acknowledgements are.
    assert held["left"] == 2500
    assert held["heap_full"] < 16384
    assert held["heap_scattered"] < 16384
    assert held["ranges_told"] <= 16
    # About 50 us a read on an ESP32: a start takes a few seconds, main.py's watchdog gives 60.
    assert held["open_reads"] < 40000
    assert held["most_reads_at_once"] < 20000, "no loop may stand still for seconds"


def test_telemetry_is_flushed_in_batches_and_only_when_it_is_not_acknowledged() -> None:
    batched, each = wear(1500, "batched"), wear(300, "each")
    assert batched["bad"] == 0
    assert batched["erases"] / batched["packs"] <= 0.15
    assert each["erases"] / each["packs"] > 0.9, "the control must show what a flush costs"
    online = wear(300, "online")
    assert online["erases"] == 0
    assert online["nvs_writes"] <= online["seconds"] // 30 + 1
