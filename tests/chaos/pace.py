"""The only clock of the storm: for how long a fault lasts, and the load between two faults."""

import time


def load_for(duration_s: float) -> None:
    """Everything that runs goes on for so long; never in hope of something, see Town.expect."""
    time.sleep(duration_s)
