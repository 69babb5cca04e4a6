"""The lamp: on for an alarm here, a short flash every 2 s when all is well, fast when unheard."""

import asyncio

from micropython import const

_IDENTIFY_FLASHES = const(50)


class Lamp:
    """Shows the node's state; `output` sets the pin, None where no lamp is fitted."""

    def __init__(self, output, sensors: list, uplink, turned) -> None:
        self._output = output
        self._sensors = sensors
        self._uplink = uplink
        self._turned = turned
        self._flashes = 0

    def identify(self) -> None:
        """Flashes for 10 s, so that a technician finds this node."""
        self._flashes = _IDENTIFY_FLASHES

    async def run(self) -> None:
        """Never ends."""
        while True:
            self._turned("lamp")
            if self._flashes:
                self._flashes -= 1
                await self._flash(100, 100)
            elif any([sensor.state in ("alarm", "danger") for sensor in self._sensors]):
                await self._flash(1000, 0)
            elif self._uplink.online:
                await self._flash(50, 1950)
            else:
                await self._flash(200, 200)

    async def _flash(self, on_ms: int, off_ms: int) -> None:
        if self._output:
            self._output(1)
        await asyncio.sleep_ms(on_ms)
        if self._output and off_ms:
            self._output(0)
        await asyncio.sleep_ms(off_ms)
