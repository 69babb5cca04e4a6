"""The CRC-8 of SHT3x and AHT20: polynomial 0x31, initial value 0xFF."""


def crc8(data, start: int, count: int) -> int:
    """Of `count` bytes from `start` on; allocates nothing."""
    crc = 0xFF
    for i in range(start, start + count):
        crc ^= data[i]
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 0xFF if crc & 0x80 else crc << 1
    return crc
