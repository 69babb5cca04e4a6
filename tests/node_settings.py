"""node.json of a node under test, on whatever bench it lies."""

from typing import Any


def settings(
    port: int,
    *,
    host: str = "127.0.0.1",
    ssid: str = "demo",
    key: str = "secret",
    **sensors: Any,
) -> dict[str, Any]:
    """Quick reports, no warm-up; the defaults are those of the virtual board's surroundings."""
    return {
        "v": 1,
        "wifi": [{"ssid": ssid, "key": key}],
        "broker": {"host": host, "port": port, "server_name": "gateway.local"},
        "sensors": sensors or {"smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 5}},
        "report_s": 1,
        "heartbeat_s": 5,
    }
