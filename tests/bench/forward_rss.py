"""Memory while 1,000,000 packs go through the whole pipeline, from the nodes to the centre's ack.

Published, decoded, committed, acknowledged by name, forwarded, acknowledged by the centre. Not one
of `make bench-forward`'s own parts, because it takes minutes:
`make bench-forward ARGS="--part rss"`.
"""

import asyncio
import time
from pathlib import Path

from bench import parts, stand
from bench.forward_fleet import PUBLISHERS, Costs, Fleet, until
from bench.forward_ways import Ours, authority, rss_mb

_MARKS = 20
_SHOWN = (5, 10, 15, 20)
# Handed to the nodes ahead of what has come: enough for every window.
_AHEAD = 10_000
_STALLED_S = 120.0


def figures(packs: int = 1_000_000, quick: bool = False) -> parts.Figures:
    """Resident memory in MB at the start, at each quarter and at its most."""
    packs, publishers = (2_000, 10) if quick else (packs, PUBLISHERS)
    with stand.scratch("rss") as folder:
        ca = authority(folder, publishers)
        way = Ours(folder / "ours", ca, publishers)
        try:
            way.start()
            return asyncio.run(_measure(way, ca, publishers, packs))
        finally:
            way.stop()


async def _measure(way: Ours, ca: Path, publishers: int, packs: int) -> parts.Figures:
    step = packs // _MARKS
    async with Fleet(way, ca, publishers) as fleet:
        names = fleet.centre.names
        await fleet.ready()
        found: parts.Figures = {
            "rss_packs": packs,
            "rss_start_mb": round(rss_mb(way.gateway.pid), 1),
        }
        costs = Costs(way)
        began_s = time.monotonic()
        handed = 0
        for mark in range(1, _MARKS + 1):
            async with asyncio.timeout(_STALLED_S):
                while len(names) < mark * step:
                    if handed < packs and handed - fleet.freed.count < _AHEAD:
                        await fleet.feed(fleet.packs(min(_AHEAD // 10, packs - handed)))
                        handed += min(_AHEAD // 10, packs - handed)
                    await asyncio.sleep(0.005)
            now_mb = round(rss_mb(way.gateway.pid), 1)
            parts.LOG.info("rss: %s packs at the centre, %s MB", len(names), now_mb)
            if mark in _SHOWN:
                found[f"rss_{mark * 100 // _MARKS}_percent_mb"] = now_mb
        async with asyncio.timeout(_STALLED_S):
            await until(lambda: fleet.freed.count >= packs)
        took_s = time.monotonic() - began_s
        spent = costs.per_message(packs)
    return found | {
        "rss_most_mb": round(spent["rss_mb"], 1),
        "rss_packs_acked": fleet.freed.count,
        "rss_packs_at_centre": len(names),
        "rss_packs_per_s": round(packs / took_s),
        "rss_cpu_s_per_10k": round(spent["cpu_forwarder"], 2),
        "rss_disk_bytes_per_msg": round(spent["disk_bytes"]),
    }


if __name__ == "__main__":
    parts.main(figures, packs=1_000_000)
