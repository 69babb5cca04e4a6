"""The air around one board, and the thermometers that may be wired to it.

All three hang on the reference wiring: SHT3x (0x44) and AHT20 (0x38) on the I2C bus of GPIO21
(SDA) and GPIO22 (SCL), DHT22 on GPIO4; a node asks the one that its node.json names.
"""

AIR_SDA_PIN = 21
AIR_SCL_PIN = 22
AIR_DHT_PIN = 4


class AirWorld:
    """Temperature and relative humidity; `air_fault` breaks whichever probe is asked.

    `air_fault`: "" none; "silent" unplugged; "noisy" wrong checksums; "stuck" the same reading for
    ever; "short" a line held low; "broken" a torn sensing element (lowest code); "uncalibrated".
    """

    def __init__(self) -> None:
        self.temp_c = 30.0
        self.humidity_pct = 70.0
        self.air_fault = ""
