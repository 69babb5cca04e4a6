"""What an MQ-2 has learnt, over restarts: on NVS about once a day, in RTC memory that it is warm.

Loaded on demand.
"""

from haidang_node import log
from haidang_node.hal import esp32, sleep

_KEY = "smoke"
_HOURS = 1023
# A power cut leaves anything in RTC memory.
_HOT = b"MQ-2 hot"
_LOG = log.Log("smoke")


def restore() -> tuple:
    """(kept, hot) for the Mq2; the heater stays warm over every reset but a power cut."""
    hot = esp32.reset_reason() != "power_on" and sleep.kept()[: len(_HOT)] == _HOT
    try:
        return esp32.Storage().get(_KEY) or 0, hot
    except OSError as error:
        _LOG.warning("NVS cannot be read: %s: clean air is learnt anew", error)
        return 0, hot


def keep(gas) -> None:
    """Writes down what a Mq2 wants kept; NVS only where its hours of heating have changed."""
    gas.unkept = False
    sleep.keep(_HOT if gas.hot else bytes(len(_HOT)))
    storage = esp32.Storage()
    try:
        if gas.kept & _HOURS != (storage.get(_KEY) or 0) & _HOURS:
            storage.put(_KEY, gas.kept)
            storage.commit()
    except OSError as error:
        # Nothing is lost but some minutes of learning after the next start.
        _LOG.warning("NVS refused: %s", error)


def forget() -> None:
    """Another sensor was fitted: its burn-in begins with the next start."""
    storage = esp32.Storage()
    storage.put(_KEY, 0)
    storage.commit()
