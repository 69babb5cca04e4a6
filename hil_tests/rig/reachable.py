"""The gateway's broker where a board on the Wi-Fi reaches it."""

from pathlib import Path

from haidang_tools.brokers import Broker, render

LOOPBACK = "127.0.0.1"
_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - clients without our certificate are refused


class ReachableBroker(Broker):
    """Listens on loopback for the virtual board, on every address for a board at `host`."""

    def __init__(self, ca_dir: Path, work_dir: Path, host: str, port: int | None) -> None:
        """Keep the arguments."""
        super().__init__("gateway", ca_dir, work_dir, port)
        self._address = LOOPBACK if host == LOOPBACK else _ALL_ADDRESSES

    def _config(self, port: int) -> str:
        return render(super()._config(port), {"listener": f"{port} {self._address}"})
