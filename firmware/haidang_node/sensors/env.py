"""Temperature and humidity of the air: told by itself, and what the other sensors correct by."""

from micropython import const

from haidang_wire.senml_text import Fixed, Record

# Times wrap here, so that they stay small integers on the chip.
_TICKS_MASK = const((1 << 30) - 1)
# The air of a street changes slowly: a reading older than this is none.
_KNOWN_MS = const(60000)
_BAD_READINGS = const(3)
_GOOD_READINGS = const(2)
_QUIET_READINGS = const(6)
# What no street has: outside of it the chip or the line is wrong (SHT3x: -40 to 125 C).
_COLDEST_CC = const(-4000)
_HOTTEST_CC = const(8500)
# More within one reading is believed when the next one agrees.
_JUMP_CC = const(500)
_JUMP_PERMILLE = const(200)


class Env:
    """Readings to values and health; call sample() every two seconds.

    A measurement takes two steps: driver.start(), and in a later step driver.read(), which is
    "ok" with driver.temp_cc and driver.rh_permille or the word of a fault. `lines` are the pins
    of its wires, all high at rest. `known`: a reading younger than 60 s stands in `temp_cc`
    (hundredths of a degree Celsius) and `rh_permille`. Sampling allocates nothing.
    """

    kind = "env"
    period_ms = 2000
    # The air is in no state; the others' words for it.
    state = "normal"

    def __init__(self, settings: dict, driver, lines: tuple) -> None:
        self._driver = driver
        self._lines = lines
        self._offset_cc = settings["temp_offset_cc"]
        self._offset_permille = settings["rh_offset_permille"]
        self._begun = False
        # Nothing to wait for before the first one.
        self._hurry = True
        self._begun_ms = 0
        self._good_ms = 0
        self._bad = 0
        self._good = 0
        self._same = 0
        self._last_cc = 0
        self._last_permille = -1
        self._told_health = ""
        self._at_ms = 0
        self.known = False
        self.temp_cc = 0
        self.rh_permille = 0
        self.health = "warming"

    def sample(self, now_ms: int) -> None:
        """Begins a measurement, reads one or rests; now_ms wraps at 2**30."""
        self._at_ms = now_ms
        if self.known and (now_ms - self._good_ms) & _TICKS_MASK > _KNOWN_MS:
            self.known = False
        if self._begun:
            self._begun = False
            self._judge(self._read(), now_ms)
        elif self._hurry or (now_ms - self._begun_ms) & _TICKS_MASK >= self._driver.pause_ms:
            self._begun_ms = now_ms
            self._begin(now_ms)

    def changed(self) -> bool:
        """Whether the health differs from what was last told; the new one counts as told."""
        same = self.health == self._told_health
        self._told_health = self.health
        return not same

    def resume(self, state: str, health: str, now_ms: int) -> None:
        """What was told before a deep sleep: only a change is news."""
        del state, now_ms
        self._told_health = health

    @property
    def normal(self) -> bool:
        """Whether nothing has to be repeated to the gateway."""
        return self.health == "ok"

    def records(self) -> list:
        """What is known now; a faulty sensor gives its health and no reading."""
        at_ms = self._at_ms
        records = [Record("env/health", self.health, at_ms)]
        if self.health == "ok" and self.known:
            records.append(Record("env/temp", Fixed(self.temp_cc, 2), at_ms))
            records.append(Record("env/rh", Fixed(self.rh_permille, 1), at_ms))
        return records

    state_records = records

    def _begin(self, now_ms: int) -> None:
        try:
            self._driver.start()
            self._begun = True
        except OSError:
            self._judge("silent", now_ms)

    def _read(self) -> str:
        try:
            word = self._driver.read()
        except OSError:
            return "silent"
        return self._plausible() if word == "ok" else word

    def _plausible(self) -> str:
        # One by one: pairs would be made on the heap.
        temp_cc = self._driver.temp_cc
        rh_permille = self._driver.rh_permille
        if not _COLDEST_CC < temp_cc < _HOTTEST_CC or not 0 <= rh_permille <= 1000:
            return "noisy"
        jumped = (
            abs(temp_cc - self._last_cc) > _JUMP_CC
            or abs(rh_permille - self._last_permille) > _JUMP_PERMILLE
        ) and self._last_permille >= 0
        same = temp_cc == self._last_cc and rh_permille == self._last_permille
        self._same = min(self._same + 1, self._driver.still) if same else 0
        self._last_cc = temp_cc
        self._last_permille = rh_permille
        if jumped:
            return "noisy"
        return "stuck" if self._same >= self._driver.still else "ok"

    def _judge(self, word: str, now_ms: int) -> None:
        if word != "ok":
            if word != "stuck":
                for line in self._lines:
                    if not line.value():
                        word = "short"
            self._good = 0
            self._bad = min(self._bad + 1, _BAD_READINGS)
            # What is certain needs no second look.
            if self._bad == _BAD_READINGS or word == "stuck":
                self.health = word
            self._hurry = True
            return
        self.known = True
        self._good_ms = now_ms
        self.temp_cc = self._driver.temp_cc + self._offset_cc
        self.rh_permille = min(max(self._driver.rh_permille + self._offset_permille, 0), 1000)
        self._bad = max(0, self._bad - 1)
        self._good = min(self._good + 1, _QUIET_READINGS)
        needed = _QUIET_READINGS if self.health == "noisy" else _GOOD_READINGS
        if self.health == "warming" or self._good >= needed:
            self.health = "ok"
        self._hurry = self.health != "ok"


def crc8(data, start: int, count: int) -> int:
    """The CRC-8 of SHT3x and AHT20, polynomial 0x31, initial value 0xFF; allocates nothing."""
    crc = 0xFF
    for i in range(start, start + count):
        crc ^= data[i]
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 0xFF if crc & 0x80 else crc << 1
    return crc
