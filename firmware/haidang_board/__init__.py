"""A virtual ESP32 board: real MicroPython on a pseudo-terminal, with flash, sensors and power."""
