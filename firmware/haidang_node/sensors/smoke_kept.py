"""What an MQ-2 has learnt, over restarts: on NVS about once a day; in RTC memory heat and alarm.

Loaded on demand.
"""

from haidang_node import log
from haidang_node.hal import esp32, sleep

_KEY = "smoke"
# One number of 31 bits: mark of r0_ohm (9), clean air in permille of it (12), hours (10).
_HOUR_BITS = 10
_HOURS = (1 << _HOUR_BITS) - 1
_PERMILLE = 0xFFF
_MARK_AT = 22
# Mq2 keeps its baseline in 1/256 permille.
_FINE = 256
_ALL = 7
# A power cut leaves anything in RTC memory. Behind this one digit: marks of Smoke.
_MARKS = b"MQ-2 marks "
_LOG = log.Log("smoke")


def restore(r0_ohm: int) -> tuple:
    """(permille, hours, marks) for a Smoke; the heater stays hot, and an alarm latched, over every
    reset but a power cut.

    What was learnt against another r0_ohm counts no more: somebody has calibrated since.
    """
    marks = 0
    if esp32.reset_reason() != "power_on":
        kept = sleep.kept()
        size = len(_MARKS)
        marks = kept[size] & _ALL if kept[:size] == _MARKS and len(kept) > size else 0
    try:
        kept = esp32.Storage().get(_KEY) or 0
    except OSError as error:
        _LOG.warning("NVS cannot be read: %s: clean air is learnt anew", error)
        return 0, 0, marks
    permille = kept >> _HOUR_BITS & _PERMILLE
    return permille if kept >> _MARK_AT == _mark(r0_ohm) else 0, kept & _HOURS, marks


def keep(smoke) -> None:
    """Writes down what a Smoke has learnt; NVS only where its hours of heating have changed."""
    gas = smoke.gas
    sleep.keep(_MARKS + bytes((smoke.marks,)))
    try:
        storage = esp32.Storage()
        if gas.hours != (storage.get(_KEY) or 0) & _HOURS:
            permille = gas.baseline // _FINE
            kept = _mark(smoke.r0_ohm) << _MARK_AT | permille << _HOUR_BITS | gas.hours
            storage.put(_KEY, kept)
            storage.commit()
    except OSError as error:
        # Nothing is lost but some minutes of learning after the next start.
        _LOG.warning("NVS refused: %s", error)


def forget() -> None:
    """Another sensor was fitted: its burn-in begins with the next start."""
    storage = esp32.Storage()
    storage.put(_KEY, 0)
    storage.commit()


def _mark(r0_ohm: int) -> int:
    return (r0_ohm ^ r0_ohm >> 9) & 0x1FF
