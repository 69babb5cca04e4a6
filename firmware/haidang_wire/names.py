"""The SenML names of the contract, with their units and words."""

# Rows: name, unit (- for none), value field, words. One text, because a node holds it in its heap.
_ROWS = """
smoke/mv mV v
smoke/ratio / v
smoke/contact - vb
smoke/state - vs warming normal pre_alarm alarm
flood/level mm v
flood/rate mm/h v
flood/to_next s v
flood/float - vb
flood/state - vs normal watch warning danger
footfall/devices count v
footfall/low count v
footfall/high count v
footfall/suppressed - vb
footfall/frames count v
footfall/window s v
footfall/source - vs sniffer module stations ble
env/temp Cel v
env/rh %RH v
node/heap_free B v
node/heap_min B v
node/idf_free B v
node/idf_largest B v
node/rssi dBm v
node/queue count v
node/dropped count v
node/supply mV v
node/power - vs ok low high
smoke/health - vs ok warming open short silent noisy stuck uncalibrated
flood/health - vs ok warming open short silent noisy stuck uncalibrated
footfall/health - vs ok warming open short silent noisy stuck uncalibrated
env/health - vs ok warming open short silent noisy stuck uncalibrated
"""


def known(name: str) -> "tuple[str | None, str, tuple[str, ...] | None] | None":
    """(unit or None, value field, words or None) of a name; None for no name of the contract."""
    at = -1 if " " in name or "\n" in name else _ROWS.find("\n" + name + " ")
    if at < 0:
        return None
    row = _ROWS[at + len(name) + 2 : _ROWS.find("\n", at + 1)].split(" ")
    return None if row[0] == "-" else row[0], row[1], tuple(row[2:]) or None


def all_names() -> "list[str]":
    """Every name, in the contract's order."""
    return [row.split(" ")[0] for row in _ROWS.strip().split("\n")]
