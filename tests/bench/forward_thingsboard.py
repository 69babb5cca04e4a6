"""thingsboard-gateway as a peer: not taken here; the reason stands in the figures.

It has a fixed uplink of its own (no MQTT to MQTT), needs a server that answers its calls and the
package in a folder of its own: `python3 -m venv .cache/thingsboard` and there
`pip install thingsboard-gateway==3.8.5`.
"""

from pathlib import Path

from bench.parts import Figures

_PROGRAM = Path(__file__).resolve().parents[2] / ".cache" / "thingsboard" / "bin"


def figures(quick: bool = False) -> Figures:
    """No rate, and why."""
    del quick
    installed = (_PROGRAM / "thingsboard-gateway").exists()
    why = "installed, but its run is not automated yet" if installed else "not installed"
    return {"thingsboard_msgs_per_s": None, "thingsboard_why": why}
