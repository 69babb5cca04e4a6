"""The gateway's side of one camera worker: a process that is read, killed and started again."""

import asyncio
import logging
import os
import random
import sys
from collections.abc import Sequence

import msgspec

from haidang_gateway.errors import CameraError
from haidang_gateway.vision import lines
from haidang_gateway.vision.lines import AliveLine, CrewSettings, FaultLine, Line
from haidang_gateway.vision.post import Counters, OnFact, Patience, Post, SteadyClock
from haidang_gateway.vision.presence import Presence, Spot

log = logging.getLogger(__name__)

_CHUNK_BYTES = 65_536
# Spinning threads of linear algebra tripled the worker's CPU time on pictures this small.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
WORKER = (sys.executable, "-m", "haidang_gateway.vision.worker")


class Watch:
    """One worker's process with its cameras: started, read, killed when it hangs, restarted."""

    def __init__(
        self,
        posts: Sequence[Post],
        *,
        crew: CrewSettings,
        clock: SteadyClock,
        on_fact: OnFact,
        command: Sequence[str],
        patience: Patience,
    ) -> None:
        """Store only; `run()` starts the process. `crew` says what the worker may use."""
        self.name = "+".join(post.worker.id for post in posts)
        self._crew = crew
        self._clock = clock
        self._on_fact = on_fact
        self._command = command
        self._patience = patience
        self._stations = {
            post.worker.id: _Station(post, patience=patience, now_ms=clock.now_ms())
            for post in posts
        }

    @property
    def counters(self) -> dict[str, Counters]:
        """Counters by fact source."""
        return {x.post.source: x.counters for x in self._stations.values()}

    async def run(self) -> None:
        """Keep a worker running, for ever; longer pauses while it does not last."""
        backoff_s = self._patience.backoff_first_s
        while True:
            started_ms = self._clock.monotonic_ms()
            try:
                await self._run_once()
            except CameraError as error:
                for station in self._stations.values():
                    station.counters.fault = str(error)
                log.warning("cameras %s: %s", self.name, error)
            if self._clock.monotonic_ms() - started_ms >= self._patience.stable_s * 1000:
                backoff_s = self._patience.backoff_first_s
            await asyncio.sleep(backoff_s * random.uniform(0.8, 1.2))
            backoff_s = min(backoff_s * 2, self._patience.backoff_cap_s)

    async def mind_silence(self) -> None:
        """Tell the silence of a camera, also while the worker is being restarted."""
        while True:
            for station in self._stations.values():
                for fact in station.presence.check(self._clock.now_ms()):
                    station.counters.up = False
                    fault = station.counters.fault
                    log.warning("%s: sees nothing (%s)", station.post.source, fault)
                    await self._on_fact(fact)
            await asyncio.sleep(min(1.0, self._patience.silence_s / 4))

    async def _run_once(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | _ONE_THREAD,
            )
        except OSError as error:
            raise CameraError(
                f"the worker {self._command[0]} cannot be started ({error.strerror}); "
                "check that it is there and who may run it"
            ) from error
        for station in self._stations.values():
            station.counters.starts += 1
        stdin, stdout, stderr = _pipes(process)
        notes = asyncio.create_task(self._log_notes(stderr), name="worker notes")
        try:
            stdin.write(lines.encode(self._settings()))
            await self._read(stdout)
        finally:
            await self._end(process, stdin, stdout)
            await asyncio.wait((notes,), timeout=self._patience.end_s)
            notes.cancel()
            await asyncio.gather(notes, return_exceptions=True)

    def _settings(self) -> CrewSettings:
        offset_ms = self._clock.now_ms() - self._clock.monotonic_ms()
        cameras = tuple(
            msgspec.structs.replace(x.post.worker, clock_offset_ms=offset_ms)
            for x in self._stations.values()
        )
        return msgspec.structs.replace(self._crew, cameras=cameras)

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        """Lines to facts until the worker ends (returns) or hangs (CameraError)."""
        while True:
            try:
                # Not wait_for: until Python 3.12 it swallows a cancellation that meets a line.
                async with asyncio.timeout(self._patience.hang_s):
                    raw = await stdout.readline()
            except TimeoutError as error:
                for station in self._stations.values():
                    station.counters.hangs += 1
                raise CameraError(
                    f"the worker said nothing for {self._patience.hang_s:g} s and was ended"
                ) from error
            except ValueError as error:
                raise CameraError("the worker wrote a line without end") from error
            if not raw:
                raise CameraError("the worker ended")
            await self._take_line(raw)

    async def _take_line(self, raw: bytes) -> None:
        try:
            line = lines.decode_line(raw)
        except CameraError as error:
            for station in self._stations.values():
                station.counters.bad_lines += 1
            log.warning("cameras %s: %s", self.name, error)
            return
        for station in self._meant(line.camera):
            station.count(line)
            for fact in station.presence.hear(line, self._clock.now_ms()):
                await self._on_fact(fact)

    def _meant(self, camera: str) -> list["_Station"]:
        """The camera of that name; a line without a name is about all of the worker."""
        if not camera:
            return list(self._stations.values())
        station = self._stations.get(camera)
        return [] if station is None else [station]

    async def _log_notes(self, stderr: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await stderr.readline()
            except ValueError:
                continue
            if not raw:
                return
            log.info("cameras %s: worker: %s", self.name, raw.decode(errors="replace").rstrip())

    async def _end(
        self,
        process: asyncio.subprocess.Process,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
    ) -> None:
        """Ask by closing its input, then kill; returns when it is gone and its pipe is empty."""
        stdin.close()
        try:
            async with asyncio.timeout(self._patience.end_s):
                await _empty(stdout)
                await process.wait()
        except TimeoutError:
            process.kill()
            await _empty(stdout)
            await process.wait()


class _Station:
    """One camera of the worker: its presence and its counters."""

    def __init__(self, post: Post, *, patience: Patience, now_ms: int) -> None:
        self.post = post
        self.counters = Counters()
        self.presence = Presence(
            Spot(source=post.source, place=post.place),
            silence_ms=int(patience.silence_s * 1000),
            now_ms=now_ms,
        )

    def count(self, line: Line) -> None:
        """Take a line into the counters; the first of a fault is logged loudly."""
        counters = self.counters
        if isinstance(line, AliveLine):
            if not counters.up:
                log.info("%s: sees", self.post.source)
            counters.up, counters.fault = True, None
            counters.frames, counters.dropped = line.frames, line.dropped
            counters.fps, counters.invoke_ms = line.fps, line.invoke_ms
            counters.age_ms, counters.health = line.age_ms, line.health
        elif isinstance(line, FaultLine):
            level = logging.DEBUG if counters.fault == line.error else logging.WARNING
            log.log(level, "%s: %s. %s", self.post.source, line.error, line.hint)
            counters.fault, counters.health = line.error, line.health


async def _empty(stdout: asyncio.StreamReader) -> None:
    """Read away what nobody wants any more: a worker blocked by a full pipe cannot end."""
    while await stdout.read(_CHUNK_BYTES):
        pass


def _pipes(
    process: asyncio.subprocess.Process,
) -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamReader]:
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise CameraError("the worker was started without its pipes")
    return stdin, stdout, stderr
