"""SHT3x, AHT20 and DHT22 as their data sheets tell them, byte by byte."""

_CRC_POLYNOMIAL = 0x31
_SHT_SINGLE_SHOT = {b"\x24\x00": 0.0155, b"\x24\x0b": 0.0065, b"\x24\x16": 0.0045}
_AHT_READY_S = 0.080
_AHT_BUSY, _AHT_CALIBRATED, _AHT_ALWAYS = 0x80, 0x08, 0x10


class Sht3x:
    """Single-shot measurements without clock stretching; it refuses to be read before the end."""

    def __init__(self) -> None:
        self._ready_s: float | None = None
        self._answer: bytes | None = None

    def write(self, data: bytes, now_s: float) -> int:
        """Bytes acknowledged; -1 for a command that it does not know."""
        self._answer = None
        if data in _SHT_SINGLE_SHOT:
            self._ready_s = now_s + _SHT_SINGLE_SHOT[data]
        elif data == b"\xf3\x2d":
            self._answer = _with_crc(b"\x80\x10")
        elif data == b"\x30\xa2":
            self._ready_s = None
        elif data:
            return -1
        return len(data)

    def read(
        self, count: int, now_s: float, temp_c: float, humidity_pct: float, fault: str
    ) -> bytes | None:
        """Temperature and humidity, a CRC-8 behind each; None: not acknowledged."""
        answer = self._answer
        if answer is None:
            if self._ready_s is None or now_s < self._ready_s:
                return None
            self._ready_s = None
            raw_temp = _raw((temp_c + 45) / 175, 16) if fault != "open" else 0
            raw_rh = _raw(humidity_pct / 100, 16)
            answer = _with_crc(raw_temp.to_bytes(2)) + _with_crc(raw_rh.to_bytes(2))
        return _padded(_garbled(answer, fault), count)


class Aht20:
    """Measures when triggered; its first byte tells whether it is busy and calibrated."""

    def __init__(self) -> None:
        self._ready_s = 0.0
        self._frame = bytes(5)
        self._measures = False
        self._only_status = False

    def write(self, data: bytes, now_s: float) -> int:
        """Bytes acknowledged."""
        self._only_status = data == b"\x71"
        if data == b"\xac\x33\x00":
            self._ready_s, self._measures = now_s + _AHT_READY_S, True
        return len(data)

    def read(
        self, count: int, now_s: float, temp_c: float, humidity_pct: float, fault: str
    ) -> bytes | None:
        """Status, 20 bits of humidity, 20 of temperature, a CRC-8 over all."""
        status = _AHT_ALWAYS | (0 if fault == "uncalibrated" else _AHT_CALIBRATED)
        if now_s < self._ready_s:
            status |= _AHT_BUSY
        elif self._measures:
            self._measures = False
            raw_temp = _raw((temp_c + 50) / 200, 20) if fault != "open" else 0
            self._frame = (_raw(humidity_pct / 100, 20) << 20 | raw_temp).to_bytes(5)
        if self._only_status:
            return _padded(bytes((status,)), count)
        return _padded(_garbled(_with_crc(bytes((status,)) + self._frame), fault), count)


def dht22_frame(temp_c: float, humidity_pct: float, fault: str) -> bytes:
    """Tenths of a percent and of a degree, the sign in the highest bit, and their sum."""
    if fault == "open":
        return bytes(5)
    tenths = round(abs(temp_c) * 10) | (0x8000 if temp_c < 0 else 0)
    body = min(max(round(humidity_pct * 10), 0), 1000).to_bytes(2) + tenths.to_bytes(2)
    return _garbled(body + bytes((sum(body) & 0xFF,)), fault)


def crc8(data: bytes) -> int:
    """Polynomial 0x31, initial value 0xFF; 0xBEEF gives 0x92 (data sheet SHT3x-DIS, 4.12)."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ _CRC_POLYNOMIAL) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _raw(part: float, bits: int) -> int:
    return min(max(round(part * (1 << bits)), 0), (1 << bits) - 1)


def _with_crc(data: bytes) -> bytes:
    return data + bytes((crc8(data),))


def _garbled(data: bytes, fault: str) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 0xA5,)) if fault == "noisy" else data


def _padded(data: bytes, count: int) -> bytes:
    # Nobody drives the line behind the last byte: it reads as ones.
    return (data + b"\xff" * count)[:count]
