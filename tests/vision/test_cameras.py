"""The supervisor against real processes: lines become facts, hanging and dead workers return."""

import asyncio
import json
import os
import sys
import time
from dataclasses import replace

import pytest
from haidang_gateway.clock import Clock
from haidang_gateway.errors import CameraError
from haidang_gateway.model import CrowdSeen, FireSeen, HealthFact, Heard, Silence
from haidang_gateway.settings import VisionSettings
from haidang_gateway.vision.cameras import Cameras
from haidang_gateway.vision.lines import CrewSettings, WorkerSettings, decode_settings, encode
from haidang_gateway.vision.post import Patience, Post
from waiting import DEADLINE_S

PLAIN = VisionSettings()
# A busy machine needs seconds to start a worker: that is neither its hanging nor its silence.
PATIENT = Patience(
    hang_s=DEADLINE_S,
    silence_s=DEADLINE_S,
    backoff_first_s=0.1,
    backoff_cap_s=0.3,
    stable_s=60,
    end_s=1.0,
)
SOON_SILENT = replace(PATIENT, silence_s=0.8)
PREAMBLE = """
import json, os, sys, time
settings = json.loads(sys.stdin.readline())
def say(**line):
    print(json.dumps({"at_ms": 1764000000000, **line}), flush=True)
def alive(camera=""):
    say(t="alive", frames=5, dropped=1, fps=4.9, camera=camera)
"""


def post(camera="east"):
    settings = WorkerSettings(id=camera, source="none", models_dir="none", clock_offset_ms=0)
    return Post(place="market-3", worker=settings)


class LateClock:
    """Stands until the camera's counters say that what the test is about has begun."""

    def __init__(self, begun):
        self._begun = begun
        self._began_ms = None
        self.cameras = None

    def monotonic_ms(self):
        return time.monotonic_ns() // 1_000_000

    def now_ms(self):
        now_ms = self.monotonic_ms()
        known = None if self.cameras is None else self.cameras.counters()["camera:east"]
        if self._began_ms is None and known is not None and self._begun(known):
            self._began_ms = now_ms
        return 1764000000000 + (0 if self._began_ms is None else now_ms - self._began_ms)


class ClockOfLines(LateClock):
    """Goes by the lines that the camera has sent, 0.1 s each."""

    def __init__(self):
        super().__init__(None)

    def now_ms(self):
        sent = 0 if self.cameras is None else self.cameras.counters()["camera:east"].frames
        return 1764000000000 + 100 * sent


def started(posts, clock, **rules):
    """Cameras that know the time by `clock`, and it them."""
    cameras = Cameras(posts, clock=clock, **rules)
    if isinstance(clock, LateClock):
        clock.cameras = cameras
    return cameras


async def watch(script, until, *, patience=PATIENT, vision=PLAIN, clock=None):
    """The facts told by a worker that runs `script`, as soon as `until(facts)` is true."""
    facts = []
    enough = asyncio.Event()

    async def on_fact(fact):
        facts.append(fact)
        if until(facts):
            enough.set()

    command = (sys.executable, "-c", PREAMBLE + script)
    rules = {"command": command, "patience": patience, "vision": vision}
    cameras = started([post()], clock or Clock(), on_fact=on_fact, **rules)
    running = asyncio.create_task(cameras.run())
    try:
        await asyncio.wait_for(enough.wait(), DEADLINE_S)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return facts, cameras.counters()["camera:east"]


def kinds(facts):
    return [type(fact) for fact in facts]


def test_cameras_of_one_worker_are_told_apart_and_one_silent_one_does_not_hide_another():
    script = """
for number in range(1, 100_000):
    say(t="alive", frames=number, dropped=1, fps=4.9, camera="east")
    say(t="fault", camera="west", error="no answer", hint="Look at the cable", health="silent")
    time.sleep(0.1)
"""

    async def both():
        facts = []

        silent = asyncio.Event()

        async def on_fact(fact):
            facts.append(fact)
            if isinstance(fact, Silence):
                silent.set()

        command = (sys.executable, "-c", PREAMBLE + script)
        posts = [post("east"), post("west")]
        rules = {"command": command, "patience": SOON_SILENT}
        cameras = started(posts, ClockOfLines(), on_fact=on_fact, **rules)
        running = asyncio.create_task(cameras.run())
        await asyncio.wait_for(silent.wait(), DEADLINE_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return facts, cameras.counters()

    facts, counters = asyncio.run(both())
    assert {(type(f), f.source) for f in facts} == {
        (Heard, "camera:east"),
        (HealthFact, "camera:east"),
        (HealthFact, "camera:west"),
        (Silence, "camera:west"),
    }
    assert [counters[f"camera:{name}"].up for name in ("east", "west")] == [True, False]
    assert counters["camera:east"].starts == counters["camera:west"].starts == 1


def test_a_worker_is_told_which_fire_model_to_take():
    script = """
if settings["fire"] == "fire-research":
    alive("east")
time.sleep(60)
"""
    chosen = VisionSettings(fire="fire-research")
    facts, _ = asyncio.run(watch(script, lambda facts: len(facts) > 0, vision=chosen))
    assert Heard in kinds(facts)


def test_a_bad_view_that_is_still_looked_at_is_health_and_no_silence():
    script = """
alive()
say(t="alive", frames=9, dropped=1, fps=4.9, health="turned", invoke_ms=5.5, age_ms=80)
sys.stdin.read()
"""
    facts, counters = asyncio.run(watch(script, lambda f: len(f) == 3))
    assert [f.health for f in facts if isinstance(f, HealthFact)] == ["ok", "turned"]
    assert (counters.up, counters.health, counters.invoke_ms) == (True, "turned", 5.5)


def test_lines_become_facts_with_source_and_place():
    script = """
alive()
say(t="fire", active=True, score=0.91, box=[0.3, 0.4, 0.1, 0.2], snapshot="sha256:ab")
say(t="smoke", active=False, score=0.1, box=None)
say(t="crowd", zone="square", count=12.5, low=9, high=16, density=None)
sys.stdin.read()
"""
    facts, counters = asyncio.run(watch(script, lambda f: len(f) == 5))
    heard, health, fire, smoke, crowd = facts
    assert isinstance(heard, Heard)
    assert isinstance(health, HealthFact)
    assert (health.sensor, health.health) == ("camera", "ok")
    assert isinstance(fire, FireSeen)
    assert (fire.kind, fire.active, fire.box) == ("fire", True, (0.3, 0.4, 0.1, 0.2))
    assert (fire.snapshot, smoke.snapshot) == ("sha256:ab", None)
    assert isinstance(smoke, FireSeen)
    assert (smoke.kind, smoke.active) == ("smoke", False)
    assert isinstance(crowd, CrowdSeen)
    assert (crowd.zone, crowd.count, crowd.density_m2) == ("square", 12.5, None)
    assert {(f.source, f.place, f.at_ms) for f in facts} == {
        ("camera:east", "market-3", 1764000000000)
    }
    assert (counters.up, counters.frames, counters.dropped) == (True, 5, 1)


def test_a_hanging_worker_is_killed_its_silence_told_and_its_return_too(tmp_path):
    mark = tmp_path / "hung-once"
    script = f"""
alive()
if not os.path.exists({str(mark)!r}):
    open({str(mark)!r}, "w").close()
    time.sleep(3600)
while True:
    alive(); time.sleep(0.1)
"""
    back = watch(
        script,
        lambda f: kinds(f).count(Heard) == 2,
        patience=replace(SOON_SILENT, hang_s=5.0),
        clock=LateClock(lambda counters: counters.frames > 0),
    )
    facts, counters = asyncio.run(back)
    assert kinds(facts) == [Heard, HealthFact, Silence, Heard]
    silence = facts[2]
    assert 700 < silence.at_ms - silence.since_ms < 5000
    assert (counters.hangs, counters.starts) == (1, 2)


def test_a_worker_that_dies_again_and_again_is_one_silence():
    dead = watch(
        "os.abort()",
        lambda f: kinds(f).count(Silence) == 1,
        patience=SOON_SILENT,
        clock=LateClock(lambda counters: counters.starts >= 2),
    )
    facts, counters = asyncio.run(dead)
    assert kinds(facts) == [Silence]
    assert counters.starts >= 2
    assert not counters.up


def test_a_worker_that_only_reports_faults_is_silent_with_its_health():
    script = """
while True:
    say(t="fault", error="no answer in time", hint="Look at the cable", health="silent")
    time.sleep(0.1)
"""
    blind = watch(
        script,
        lambda f: Silence in kinds(f),
        patience=SOON_SILENT,
        clock=LateClock(lambda counters: counters.fault),
    )
    facts, counters = asyncio.run(blind)
    assert kinds(facts) == [HealthFact, Silence]
    assert facts[0].health == "silent"
    assert (counters.starts, counters.fault) == (1, "no answer in time")


def test_a_line_that_is_no_event_is_counted_and_the_rest_goes_on():
    script = """
print("Segmentation fault?", flush=True)
print(json.dumps({"t": "fire", "active": "yes"}), flush=True)
alive()
sys.stdin.read()
"""
    facts, counters = asyncio.run(watch(script, lambda f: len(f) == 2))
    assert kinds(facts) == [Heard, HealthFact]
    assert counters.bad_lines == 2


def test_the_worker_gets_the_gateways_time():
    script = """
say(t="alive", frames=1, dropped=0, fps=1.0,
    at_ms=settings["cameras"][0]["clock_offset_ms"] + time.monotonic_ns() // 1000000)
sys.stdin.read()
"""
    before_ms = time.time_ns() // 1_000_000
    facts, _ = asyncio.run(watch(script, lambda f: len(f) == 1))
    assert kinds(facts)[0] is Heard
    assert before_ms <= facts[0].at_ms <= time.time_ns() // 1_000_000


def test_a_worker_that_ignores_the_closing_of_its_input_is_killed(tmp_path):
    pid_file = tmp_path / "pid"
    script = f"""
open({str(pid_file)!r}, "w").write(str(os.getpid()))
while True:
    alive(); time.sleep(0.1)
"""
    asyncio.run(watch(script, lambda f: len(f) == 2))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_the_end_is_obeyed_in_the_middle_of_a_flood_of_lines():
    script = """
for number in range(20_000):
    say(t="crowd", zone="square", count=number, low=0, high=0, density=None)
sys.stdin.read()
"""
    for enough in range(1, 6):
        facts, _ = asyncio.run(watch(script, lambda f, n=enough: len(f) == n))
        assert len(facts) < 20_000


@pytest.mark.parametrize(("made", "why"), [(True, "Permission denied"), (False, "No such file")])
def test_a_worker_that_cannot_be_started_is_named_with_its_path(tmp_path, made, why):
    program = tmp_path / "python3"
    if made:
        program.write_text("#!/bin/sh\n")

    async def told():
        silent = asyncio.Event()

        async def on_fact(fact):
            silent.set()

        clock = LateClock(lambda counters: counters.fault)
        rules = {"command": (str(program),), "patience": SOON_SILENT}
        cameras = started([post()], clock, on_fact=on_fact, **rules)
        running = asyncio.create_task(cameras.run())
        await asyncio.wait_for(silent.wait(), DEADLINE_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return cameras.counters()["camera:east"].fault

    assert f"{program} cannot be started ({why}" in asyncio.run(told())


def test_settings_that_cannot_be_read_are_refused_with_the_field():
    settings = json.loads(encode(CrewSettings(cameras=(post().worker,))))
    settings["cameras"][0]["fps"] = "fast"
    with pytest.raises(CameraError, match=r"\$\.cameras\[0\]\.fps"):
        decode_settings(json.dumps(settings).encode())
