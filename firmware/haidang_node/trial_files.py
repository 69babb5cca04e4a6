"""Where a configuration on trial lies; `folder` is "" on a node."""

import os

from micropython import const

ACTIVE = "/node.json"
TRIAL = "/node.trial"
ORDER = "/node.trial.id"
# Running time left, in NVS: counted over resets, each start costs a step at least.
LEFT = "trial"
STEP_S = const(15)


def is_on(folder: str) -> bool:
    """Whether a configuration is on trial."""
    try:
        os.stat(folder + TRIAL)
    except OSError:
        return False
    return True
