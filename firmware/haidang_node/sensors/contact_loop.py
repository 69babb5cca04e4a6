"""Detectors' contacts on a supervised line: end-of-line resistor, alarm resistor at each contact.

4.7 kOhm to 3.3 V, 4.7 kOhm at the line's end, 1 kOhm in series with each contact: at rest
1650 mV, one contact 490 mV, two 270 mV; a broken line 3300 mV, a shorted one 0 V.
"""

from micropython import const

# An ESP32's ADC tells 0 V as up to 142 mV and is blind above about 3100 mV.
_SHORT_MV = const(220)
_ALARM_MV = const(1050)
_OPEN_MV = const(2400)
# Looks in a row, a quarter of a second apart, until a broken line is told.
_FAULT_LOOKS = const(8)


class ContactLoop:
    """closed() is 1 while a contact is closed; fault: "", "open" or "short".

    A shorted line is an alarm and a fault: it may be a contact whose resistor was left out.
    """

    def __init__(self, read_mv, other=None) -> None:
        """other: closed() of contacts beside the line."""
        self._read_mv = read_mv
        self._other = other
        self._bad = 0
        self.fault = ""
        self.mv = 0

    def closed(self) -> int:
        """Reads the line once; allocates nothing."""
        mv = self.mv = self._read_mv()
        word = "short" if mv < _SHORT_MV else "open" if mv > _OPEN_MV else ""
        self._bad = min(self._bad + 1, _FAULT_LOOKS) if word else 0
        if not word or self._bad >= _FAULT_LOOKS:
            self.fault = word
        if mv < _ALARM_MV:
            return 1
        return self._other() if self._other is not None else 0
