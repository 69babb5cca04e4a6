"""Water under one board's level meter."""

ULTRASONIC_RX_PIN = 16


class WaterWorld:
    """`water_mm` is above the street, `mount_mm` the meter's height above it."""

    def __init__(self) -> None:
        self.water_mm = 0
        self.mount_mm = 3000
        self.ultrasonic_silent = False

    def echo_mm(self) -> int:
        """The distance that a perfect meter tells."""
        return self.mount_mm - int(self.water_mm)
