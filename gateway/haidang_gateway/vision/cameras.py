"""The gateway's side of the cameras: one worker process each, its lines become facts."""

import asyncio
import logging
import os
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from haidang_gateway.errors import CameraError
from haidang_gateway.model import Fact
from haidang_gateway.vision import lines
from haidang_gateway.vision.lines import AliveLine, FaultLine, Line, WorkerSettings
from haidang_gateway.vision.presence import Presence, Spot

log = logging.getLogger(__name__)

OnFact = Callable[[Fact], Awaitable[None]]
_CHUNK_BYTES = 65_536
# Spinning threads of linear algebra tripled the worker's CPU time on pictures this small.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
WORKER = (sys.executable, "-m", "haidang_gateway.vision.worker")


class SteadyClock(Protocol):
    """The two clocks of `clock.Clock`."""

    def now_ms(self) -> int:
        """Unix milliseconds, never stepping."""

    def monotonic_ms(self) -> int:
        """Milliseconds for durations; the machine's monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One camera at its place: `worker` without the clock offset, which is filled in at start."""

    place: str
    worker: WorkerSettings

    @property
    def source(self) -> str:
        """The name of this camera in facts."""
        return f"camera:{self.worker.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a worker may say nothing, and how soon it is started again."""

    hang_s: float = 15.0
    silence_s: float = 20.0
    backoff_first_s: float = 1.0
    backoff_cap_s: float = 60.0
    stable_s: float = 30.0
    end_s: float = 3.0


@dataclass(slots=True)
class Counters:
    """Sums of one camera since the gateway's start, for the status page."""

    starts: int = 0
    hangs: int = 0
    bad_lines: int = 0
    frames: int = 0
    dropped: int = 0
    fps: float = 0.0
    up: bool = False
    fault: str | None = None


class Cameras:
    """Runs all cameras' workers; `on_fact` gets what they see, and their silence."""

    def __init__(
        self,
        posts: Sequence[Post],
        *,
        clock: SteadyClock,
        on_fact: OnFact,
        command: Sequence[str] = WORKER,
        patience: Patience = Patience(),
    ) -> None:
        """Store only; `run()` starts the processes."""
        self._watches = [
            _Watch(post, clock=clock, on_fact=on_fact, command=command, patience=patience)
            for post in posts
        ]

    async def run(self) -> None:
        """Run until cancelled; every worker has ended when this returns."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run(), name=f"worker {watch.post.source}")
                group.create_task(watch.mind_silence(), name=f"silence {watch.post.source}")

    def counters(self) -> dict[str, Counters]:
        """Counters by fact source ("camera:<id>")."""
        return {watch.post.source: watch.counters for watch in self._watches}


class _Watch:
    """One camera's worker process: started, read, killed when it hangs, started again."""

    def __init__(
        self,
        post: Post,
        *,
        clock: SteadyClock,
        on_fact: OnFact,
        command: Sequence[str],
        patience: Patience,
    ) -> None:
        self.post = post
        self.counters = Counters()
        self._clock = clock
        self._on_fact = on_fact
        self._command = command
        self._patience = patience
        self._presence = Presence(
            Spot(source=post.source, place=post.place),
            silence_ms=int(patience.silence_s * 1000),
            now_ms=clock.now_ms(),
        )

    async def run(self) -> None:
        """Keep a worker running, for ever; longer pauses while it does not last."""
        backoff_s = self._patience.backoff_first_s
        while True:
            started_ms = self._clock.monotonic_ms()
            try:
                await self._run_once()
            except CameraError as error:
                self.counters.fault = str(error)
                log.warning("%s: %s", self.post.source, error)
            if self._clock.monotonic_ms() - started_ms >= self._patience.stable_s * 1000:
                backoff_s = self._patience.backoff_first_s
            await asyncio.sleep(backoff_s * random.uniform(0.8, 1.2))
            backoff_s = min(backoff_s * 2, self._patience.backoff_cap_s)

    async def mind_silence(self) -> None:
        """Tell the silence of this camera, also while its worker is being restarted."""
        while True:
            for fact in self._presence.check(self._clock.now_ms()):
                self.counters.up = False
                log.warning("%s: sees nothing (%s)", self.post.source, self.counters.fault)
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
            raise CameraError(f"the worker cannot be started ({error.strerror})") from error
        self.counters.starts += 1
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

    def _settings(self) -> WorkerSettings:
        offset_ms = self._clock.now_ms() - self._clock.monotonic_ms()
        return msgspec.structs.replace(self.post.worker, clock_offset_ms=offset_ms)

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        """Lines to facts until the worker ends (returns) or hangs (CameraError)."""
        while True:
            try:
                # Not wait_for: until Python 3.12 it swallows a cancellation that meets a line.
                async with asyncio.timeout(self._patience.hang_s):
                    raw = await stdout.readline()
            except TimeoutError as error:
                self.counters.hangs += 1
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
            self.counters.bad_lines += 1
            log.warning("%s: %s", self.post.source, error)
            return
        self._count(line)
        for fact in self._presence.hear(line, self._clock.now_ms()):
            await self._on_fact(fact)

    def _count(self, line: Line) -> None:
        counters = self.counters
        if isinstance(line, AliveLine):
            if not counters.up:
                log.info("%s: sees", self.post.source)
            counters.up, counters.fault = True, None
            counters.frames, counters.dropped = line.frames, line.dropped
            counters.fps = line.fps
        elif isinstance(line, FaultLine):
            level = logging.DEBUG if counters.fault == line.error else logging.WARNING
            log.log(level, "%s: %s. %s", self.post.source, line.error, line.hint)
            counters.fault = line.error

    async def _log_notes(self, stderr: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await stderr.readline()
            except ValueError:
                continue
            if not raw:
                return
            log.info("%s: worker: %s", self.post.source, raw.decode(errors="replace").rstrip())

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
