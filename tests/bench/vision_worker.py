"""One camera worker's costs, in a process of its own: the real loop with the shipped models.

`python -m bench.vision_worker JSON`: cameras (list of sources), seconds, awake, people, folder.
"Invoke" is the runtime's own invoke() of both networks, two of the fire model where a picture is
looked at twice; all other processor time of the process is overhead: decoding, conversions, gate,
view, votes, ring, threads.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from haidang_gateway.clock import Clock
from haidang_gateway.vision.camera import Decoder
from haidang_gateway.vision.crew import Crew, rss_mb
from haidang_gateway.vision.interpreter import Model
from haidang_gateway.vision.lines import WorkerSettings, ZoneSettings
from haidang_gateway.vision.lookout import Lookout
from haidang_gateway.vision.networks import ShippedNetworks, load_networks
from haidang_gateway.vision.supervisor import _ONE_THREAD

_TESTS = Path(__file__).resolve().parents[1]
MODELS = _TESTS.parent / "models"
_WARM_S = 3.0
_FOREVER_MS = 10**15


def measured(
    sources: list[Path],
    seconds: float,
    folder: Path,
    *,
    awake: bool | None = None,
    people: bool = False,
) -> dict[str, float]:
    """Run a worker over these films and return its figures; `awake` None leaves it to itself."""
    order = {
        "sources": [str(source) for source in sources],
        "seconds": seconds,
        "awake": awake,
        "people": people,
        "folder": str(folder),
    }
    command = [sys.executable, "-m", "bench.vision_worker", json.dumps(order)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(_TESTS), **_ONE_THREAD},
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


class _Stopwatch:
    """Processor time of a thread inside one method of a class or object."""

    def __init__(self, owner: Any, name: str) -> None:
        self.used_s, self.calls = 0.0, 0
        self._call: Callable[..., Any] = getattr(owner, name)
        clock = self

        def timed(*args: Any, **options: Any) -> Any:
            began_s = time.thread_time()
            try:
                return clock._call(*args, **options)
            finally:
                clock.used_s += time.thread_time() - began_s
                clock.calls += 1

        setattr(owner, name, timed)


class _Runtime:
    """A TFLite runtime whose invoke() can be timed; everything else is passed on."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self.invoke = runtime.invoke

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


def _timed_invoke(model: Model) -> _Stopwatch:
    model._runtime = _Runtime(model._runtime)
    return _Stopwatch(model._runtime, "invoke")


def _run(order: dict[str, Any]) -> dict[str, float]:
    networks = load_networks(MODELS)
    invokes = [_timed_invoke(networks._fire), _timed_invoke(networks._crowd)]
    judging = _Stopwatch(networks, "fire")
    decoding = _Stopwatch(Decoder, "pictures")
    looking = _Stopwatch(Lookout, "look")
    crew = _crew(order, networks)
    clocks = [*invokes, decoding, looking]

    def spent() -> list[float]:
        used_s = [_cpu_s(), *(clock.used_s for clock in clocks)]
        return [*used_s, judging.calls, invokes[0].calls]

    spans = _spans(crew, spent, order["seconds"])
    total, fire, crowd, decode, look, looks, fire_invokes = spans
    counters = [lookout.camera.counters for lookout in crew.lookouts.values()]
    return {
        "core_share": total / order["seconds"],
        "total_s": total,
        "invoke_s": fire + crowd,
        "decode_s": decode,
        "look_s": look,
        "looks": looks,
        "second_looks": max(0, fire_invokes - looks),
        "rss_mb": rss_mb(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "decoded": sum(c.decoded for c in counters),
        "skipped": sum(c.skipped for c in counters),
    }


def _crew(order: dict[str, Any], networks: ShippedNetworks) -> Crew:
    """The real worker's crew for the cameras of an order, awake or asleep as it says."""
    zones = (ZoneSettings(id="z"),) if order["people"] else ()
    crew = Crew(
        [
            WorkerSettings(
                id=f"c{i}",
                source=source,
                models_dir="",
                clock_offset_ms=0,
                zones=zones,
                evidence_dir=order["folder"],
            )
            for i, source in enumerate(order["sources"])
        ],
        networks,
        Clock(),
        lambda line: None,
    )
    if order["awake"] is not None:
        for lookout in crew.lookouts.values():
            lookout._awake_until_ms = _FOREVER_MS if order["awake"] else 0
    return crew


def _spans(crew: Crew, spent: Callable[[], list[float]], seconds: float) -> list[float]:
    """What was spent in `seconds` of the crew's running, once it is warm."""
    before: list[float] = []

    def mark() -> None:
        before.extend(spent())

    threading.Timer(_WARM_S, mark).start()
    threading.Timer(_WARM_S + seconds, crew.stop).start()
    crew.run()
    return [b - a for a, b in zip(before, spent(), strict=True)]


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(json.loads(sys.argv[1]))) + "\n")
