"""One picture source: file, device, RTSP, HTTP or TCP stream; the newest frame wins.

The only importer of PyAV. A thread decodes; whoever takes a frame gets the newest one, converted
only then. Frames that nobody took are dropped and counted.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, cast

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from haidang_gateway.errors import CameraError

log = logging.getLogger(__name__)

Picture = NDArray[np.uint8]
State = Literal["opening", "open", "away", "ended"]

_LIVE = re.compile(r"^(rtsps?|rtmp|https?|tcp|udp|srt)://|^/dev/video")
_SECRET = re.compile(r"(?<=://)[^/@]*@")
_MAX_WIDTH = 1024
_LUMA_WIDTH = 160
_BACKOFF_FIRST_S = 0.5
_BACKOFF_CAP_S = 15.0
_MAX_BROKEN_PACKETS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture: `rgb` height x width x 3, at most 1024 wide; `luma` a small brightness picture.

    `scale` is the width of `rgb` through that of the source's picture, at most 1. `number` counts
    decoded frames from 1; `at_ms` is the time of decoding (in `frames()`: the time in the file).
    """

    number: int
    at_ms: int
    rgb: Picture
    luma: Picture
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pictures come from and how long to wait for them."""

    address: str
    loop: bool = True
    key_frames_only: bool = False
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0

    @property
    def live(self) -> bool:
        """A stream or device sets its own pace; a file is paced by its time stamps."""
        return _LIVE.match(self.address) is not None

    @property
    def shown(self) -> str:
        """The address without user name and password, for logs and messages."""
        return _SECRET.sub("", self.address)


@dataclass(slots=True)
class Counters:
    """Sums since the start."""

    decoded: int = 0
    taken: int = 0
    broken: int = 0
    reconnects: int = 0

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before anybody took them."""
        return self.decoded - self.taken


class Camera:
    """Keeps the newest frame of a source and reconnects for ever.

    `monotonic_ms` gives the steady time that paces files, `now_ms` the time stamped on frames.
    """

    def __init__(
        self, source: Source, *, monotonic_ms: Callable[[], int], now_ms: Callable[[], int]
    ) -> None:
        """Store only; `start()` opens."""
        self._source = source
        self._monotonic_ms = monotonic_ms
        self._now_ms = now_ms
        self._fresh = threading.Condition()
        self._newest: tuple[VideoFrame, int, int] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._reformatter = VideoReformatter()
        self.counters = Counters()
        self.state: State = "opening"
        self.error: CameraError | None = None

    def start(self) -> None:
        """Start the decoding thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits at most one read time-out."""
        self._stop.set()
        with self._fresh:
            self._fresh.notify_all()
        self._thread.join(self._source.read_timeout_s + 1)

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not taken yet; None after `timeout_s` or at the end."""
        with self._fresh:
            self._fresh.wait_for(self._something_new, timeout_s)
            newest, self._newest = self._newest, None
        if newest is None:
            return None
        self.counters.taken += 1
        picture, at_ms, number = newest
        return _frame(picture, self._reformatter, number=number, at_ms=at_ms)

    def _something_new(self) -> bool:
        return self._newest is not None or self.state == "ended" or self._stop.is_set()

    def _run(self) -> None:
        backoff_s = _BACKOFF_FIRST_S
        while not self._stop.is_set():
            before = self.counters.decoded
            try:
                self._play_once()
            except CameraError as error:
                self._note_failure(error)
            except Exception as error:
                log.exception("camera %s: unexpected error", self._source.shown)
                self._note_failure(CameraError(f"{self._source.shown}: {_reason(error)}"))
            if self.state == "ended":
                return
            played = self.counters.decoded > before
            if self.state == "away":
                backoff_s = _BACKOFF_FIRST_S if played else min(backoff_s * 2, _BACKOFF_CAP_S)
                self._stop.wait(backoff_s)
                self.counters.reconnects += 1

    def _note_failure(self, error: CameraError) -> None:
        level = logging.DEBUG if self.state == "away" else logging.WARNING
        log.log(level, "%s; trying again", error)
        self.state, self.error = "away", error

    def _play_once(self) -> None:
        """One connection, or one pass over a file, until its end or a CameraError."""
        with _open(self._source) as container:
            stream = _video_stream(container, self._source)
            start_ms, before = self._monotonic_ms(), self.counters.decoded
            for picture, broken in _decode(container, stream, self._source):
                self.counters.broken += broken
                if self._stop.is_set():
                    return
                if not self._source.live:
                    self._pace(picture, start_ms)
                self._offer(picture)
        if self._source.live:
            raise CameraError(f"camera {self._source.shown}: the stream ended")
        if self.counters.decoded == before:
            raise CameraError(f"camera {self._source.shown} holds no pictures; take another file")
        if not self._source.loop:
            with self._fresh:
                self.state = "ended"
                self._fresh.notify_all()

    def _pace(self, picture: VideoFrame, start_ms: int) -> None:
        due_ms = start_ms + int((picture.time or 0.0) * 1000)
        self._stop.wait(max(0, due_ms - self._monotonic_ms()) / 1000)

    def _offer(self, picture: VideoFrame) -> None:
        if self.state == "away":
            log.info("camera %s: pictures again", self._source.shown)
        with self._fresh:
            self.counters.decoded += 1
            self._newest = (picture, self._now_ms(), self.counters.decoded)
            self.state, self.error = "open", None
            self._fresh.notify_all()


def frames(path: str, *, every_ms: int = 0) -> Iterator[Frame]:
    """A file's frames, as fast as they decode, at most one for each `every_ms` of its time.

    `at_ms` is the time within the file. Raises CameraError.
    """
    source = Source(address=path, loop=False)
    reformatter = VideoReformatter()
    due_ms = 0
    with _open(source) as container:
        stream = _video_stream(container, source)
        for number, (picture, _) in enumerate(_decode(container, stream, source), start=1):
            at_ms = int((picture.time or 0.0) * 1000)
            if at_ms >= due_ms:
                due_ms = at_ms + every_ms
                yield _frame(picture, reformatter, number=number, at_ms=at_ms)


def _open(source: Source) -> InputContainer:
    options = {"fflags": "nobuffer", "flags": "low_delay"} if source.live else {}
    if source.address.startswith(("rtsp://", "rtsps://")):
        # Over UDP a busy Wi-Fi tears pictures apart; torn pictures look like smoke.
        options["rtsp_transport"] = "tcp"
    elif source.live:
        options |= {"probesize": "200000", "analyzeduration": "1000000"}
    try:
        return av.open(
            source.address,
            format="v4l2" if source.address.startswith("/dev/video") else None,
            options=options,
            timeout=(source.open_timeout_s, source.read_timeout_s),
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CameraError(
            f"camera {source.shown} cannot be opened ({_reason(error)}); "
            "check address, cable and that the camera is switched on"
        ) from error


def _video_stream(container: InputContainer, source: Source) -> VideoStream:
    if not container.streams.video:
        raise CameraError(f"camera {source.shown} sends no video; check the address")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    if source.key_frames_only:
        stream.codec_context.skip_frame = "NONKEY"
    return stream


def _decode(
    container: InputContainer, stream: VideoStream, source: Source
) -> Iterator[tuple[VideoFrame, int]]:
    """Frames, each with the number of broken packets before it; too many in a row are an error."""
    broken = 0
    packets = container.demux(stream)
    while True:
        try:
            pictures = next(packets).decode()
        except (StopIteration, av.EOFError):
            return
        except av.InvalidDataError as error:
            broken += 1
            if broken > _MAX_BROKEN_PACKETS:
                raise CameraError(f"camera {source.shown} sends broken pictures only") from error
            continue
        except (av.FFmpegError, OSError) as error:
            raise CameraError(f"camera {source.shown} stopped ({_reason(error)})") from error
        for picture in pictures:
            yield picture, broken
            broken = 0


def _reason(error: Exception) -> str:
    if isinstance(error, av.ExitError):
        return "no answer in time"
    # Not every error of FFmpeg is an OSError, but all have its text.
    text = error.strerror if isinstance(error, OSError | av.FFmpegError) else None
    return text or _SECRET.sub("", str(error))


def _frame(
    picture: VideoFrame, reformatter: VideoReformatter, *, number: int, at_ms: int
) -> Frame:
    width, height = picture.width, picture.height
    if width > _MAX_WIDTH:
        width, height = _MAX_WIDTH, max(2, height * _MAX_WIDTH // width)
    small = reformatter.reformat(picture, width, height, "rgb24", interpolation=Interpolation.AREA)
    rgb = cast("Picture", small.to_ndarray())
    step = max(1, width // _LUMA_WIDTH)
    # The green channel carries most of the brightness and needs no conversion.
    return Frame(
        number=number,
        at_ms=at_ms,
        rgb=rgb,
        luma=rgb[::step, ::step, 1].copy(),
        scale=width / picture.width,
    )
