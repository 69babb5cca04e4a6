"""Talks to systemd (sd_notify) without a library: ready, alive, stopping."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)

_FEED_S = 5.0


class Watchdog:
    """Feeds systemd's watchdog only while the gateway is healthy; silent outside of systemd."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Take the socket's name and the watchdog's time from the environment."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        limit_us = environment.get("WATCHDOG_USEC", "")
        self._every_s = int(limit_us) / 2_000_000 if limit_us.isdigit() else _FEED_S

    async def run(self, healthy: Callable[[], bool]) -> None:
        """Report readiness once `healthy`, then feed until cancelled."""
        ready = False
        while True:
            if healthy():
                self.say("WATCHDOG=1" if ready else "READY=1\nWATCHDOG=1")
                ready = True
            else:
                _log.warning("the gateway's work does not move on; the watchdog is not fed")
            await asyncio.sleep(self._every_s)

    def stopping(self) -> None:
        """Tell systemd that the stop is meant."""
        self.say("STOPPING=1")

    def say(self, state: str) -> None:
        """One datagram to systemd; nothing where there is no socket."""
        if not self._address:
            return
        # A leading @ names a socket in the abstract namespace.
        address = self._address.replace("@", "\0", 1)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as link:
                link.connect(address)
                link.sendall(state.encode())
        except OSError as error:
            _log.warning("systemd at %s does not take messages: %s", self._address, error)
