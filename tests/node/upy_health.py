"""The node's own figures, and a supply that leaves its limits."""

from haidang_node import log
from haidang_node.health import Health

log.start(log.ERROR + 1, lambda: 0)


def _told(health):
    return {record.name: record.value for record in health.records(7, 3, 2)}


def test_memory_radio_queue_and_supply_are_told() -> None:
    told = _told(Health(lambda: (91000, 61000), lambda: -71, lambda: 2500))
    assert (told["node/idf_free"], told["node/idf_largest"]) == (91000, 61000)
    assert (told["node/queue"], told["node/dropped"]) == (3, 2)
    assert (told["node/rssi"], told["node/supply"]) == (-71, 5000)
    assert told["node/heap_min"] <= told["node/heap_free"]
    bare = _told(Health(lambda: (1, 1), lambda: None, None))
    assert "node/rssi" not in bare
    assert "node/supply" not in bare


def test_a_supply_out_of_its_limits_is_told_until_it_is_clearly_back() -> None:
    seen = [2500]
    health = Health(lambda: (1, 1), lambda: None, lambda: seen[0], (4400, 5600))
    powers = []
    for half_mv in (2500, 2190, 2210, 2240, 2255, 2500, 2850, 2780, 2740, 2500):
        seen[0] = half_mv
        powers.append(_told(health).get("node/power"))
    assert powers == [None, "low", "low", "low", "ok", None, "high", "high", "ok", None]
