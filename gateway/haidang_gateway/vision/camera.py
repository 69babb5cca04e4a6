"""Opens picture sources and turns their packets into pictures; the only importer of PyAV."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from haidang_gateway.errors import CameraError
from haidang_gateway.vision.masks import Masks

Picture = NDArray[np.uint8]

_LIVE = re.compile(r"^(rtsps?|rtmp|https?|tcp|udp|srt)://|^/dev/video|^snapshot\+|^picamera2:")
# Passwords hold "/" and "@" too, and many cameras want theirs in the path or behind a "?".
_ACCOUNT = re.compile(r"(:/+)\S*@")
_PARAMETERS = re.compile(r"\?\S*|/[^/?\s]*=\S*")
_SNAPSHOT = "snapshot+"
_MAX_WIDTH = 1024
_LUMA_WIDTH = 160
# Twice the fire model's input: halved by plain means it is what training saw.
_SMALL = 448
_MAX_PIXELS = 40_000_000
_MAX_BROKEN_PACKETS = 200
_NO_MASKS = Masks()

Encoded: TypeAlias = "Packet[VideoStream]"
"""A packet as it came from the source."""
Raw = VideoFrame
"""A decoded picture as it came, without masks: it never leaves `vision/`."""


class Frame:
    """One picture: `rgb` height x width x 3, at most 1024 wide; `luma` its brightness, 160 wide.

    `scale` is the width of `rgb` through that of the source's picture, at most 1. `number` counts
    decoded frames from 1; `at_ms` is the time of decoding (in `frames()`: the time in the file).
    `small` is the whole picture in 448 x 448, cheap to make and enough for the fire model. Privacy
    masks are black in all of them. `rgb` and `small` are made when they are first asked for.
    """

    __slots__ = ("_make", "_make_small", "_rgb", "at_ms", "luma", "number", "scale")

    def __init__(
        self,
        *,
        number: int,
        at_ms: int,
        luma: Picture,
        scale: float = 1.0,
        rgb: Picture | None = None,
        make: Callable[[], Picture] | None = None,
        make_small: Callable[[], Picture] | None = None,
    ) -> None:
        """Store; give `rgb` or the way to `make` it."""
        self.number, self.at_ms, self.luma, self.scale = number, at_ms, luma, scale
        self._rgb, self._make, self._make_small = rgb, make, make_small

    @property
    def rgb(self) -> Picture:
        """The picture with its masks."""
        if self._rgb is None:
            assert self._make is not None
            self._rgb, self._make = self._make(), None
        return self._rgb

    @property
    def small(self) -> Picture:
        """The picture with its masks, proportions not kept; `rgb` where that is no larger."""
        if self._make_small is None:
            return self.rgb
        return self._make_small()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the pictures come from and how long to wait for them.

    `snapshot+http://...` is one picture for each request, asked for every `snapshot_every_s`.
    """

    address: str
    loop: bool = True
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    snapshot_every_s: float = 1.0

    @property
    def live(self) -> bool:
        """A stream or device sets its own pace; a file is paced by its time stamps."""
        return _LIVE.match(self.address) is not None

    @property
    def snapshot(self) -> bool:
        """One picture for each request."""
        return self.address.startswith(_SNAPSHOT)

    @property
    def module(self) -> int | None:
        """The number of a camera on the board's ribbon cable (`picamera2:0`), else None."""
        name, _, number = self.address.partition(":")
        return int(number or "0") if name == "picamera2" else None

    @property
    def shown(self) -> str:
        """The address without account and parameters, for logs and messages."""
        return _without_secrets(self.address) if ":/" in self.address else self.address


class Decoder:
    """Packets of one stream to frames, with its conversions; not thread-safe."""

    def __init__(self, container: InputContainer, source: Source) -> None:
        """Take an opened container; CameraError without video."""
        if not container.streams.video:
            raise CameraError(f"camera {source.shown} sends no video; check the address")
        self._container = container
        self._source = source
        self._stream: VideoStream = container.streams.video[0]
        self._context = self._stream.codec_context
        self._context.thread_count = 1
        self.broken = 0

    def packets(self) -> Iterator[Encoded]:
        """Yield the stream's packets until its end; CameraError where it stops or stalls."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.EOFError):
                return
            except av.InvalidDataError:
                self._note_broken()
                continue
            except (av.FFmpegError, OSError) as error:
                shown = self._source.shown
                raise CameraError(f"camera {shown} stopped ({_reason(error)})") from error
            yield packet

    def pictures(self, packet: Encoded, *, alone: bool = False) -> list[VideoFrame]:
        """Decode one packet; `alone` gives a key frame's picture at once and forgets the rest.

        Too many broken packets in a row are a CameraError.
        """
        try:
            pictures: list[VideoFrame] = self._context.decode(packet)
            if alone and not pictures:
                # A stream with frames out of order holds its first pictures back.
                pictures = self._context.decode(None)
                self._context.flush_buffers()
        except (av.FFmpegError, OSError):
            self._note_broken()
            return []
        if pictures:
            self.broken = 0
        for picture in pictures:
            if picture.width * picture.height > _MAX_PIXELS:
                raise CameraError(
                    f"camera {self._source.shown}: a picture of {picture.width} x "
                    f"{picture.height} is too large; choose a smaller stream in the camera"
                )
        return pictures

    def _note_broken(self) -> None:
        self.broken += 1
        if self.broken > _MAX_BROKEN_PACKETS:
            raise CameraError(f"camera {self._source.shown} sends broken pictures only")


def raw(rgb: Picture) -> Raw:
    """Return an array of height x width x 3 bytes as a decoded picture."""
    return VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")


def due_s(packet: Encoded) -> float:
    """When a packet of a file is to be shown, in seconds of the file."""
    if packet.dts is None or packet.time_base is None:
        return 0.0
    return float(packet.dts * packet.time_base)


def opened(source: Source) -> AbstractContextManager[InputContainer]:
    """Open a source within its time-out; CameraError with what to check."""
    address = source.address.removeprefix(_SNAPSHOT)
    # Without a buffer the pictures read while the format is guessed are gone: all of a snapshot.
    stream = source.live and not source.snapshot
    options = {"fflags": "nobuffer", "flags": "low_delay"} if stream else {}
    if address.startswith(("rtsp://", "rtsps://")):
        # Over UDP a busy Wi-Fi tears pictures apart; torn pictures look like smoke.
        options["rtsp_transport"] = "tcp"
    elif source.live:
        options |= {"probesize": "200000", "analyzeduration": "1000000"}
    try:
        return av.open(
            address,
            format="v4l2" if address.startswith("/dev/video") else None,
            options=options,
            timeout=(source.open_timeout_s, source.read_timeout_s),
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise CameraError(
            f"camera {source.shown} cannot be opened ({_reason(error)}); "
            "check address, cable and that the camera is switched on"
        ) from error


def frames(path: str, *, every_ms: int = 0, masks: Masks = _NO_MASKS) -> Iterator[Frame]:
    """Yield a file's frames, as fast as they decode, at most one for each `every_ms` of it.

    `at_ms` is the time within the file. Raises CameraError.
    """
    source = Source(address=path, loop=False)
    develop = Develop(masks)
    due_ms = number = 0
    with opened(source) as container:
        decoder = Decoder(container, source)
        for packet in decoder.packets():
            for picture in decoder.pictures(packet):
                number += 1
                at_ms = int((picture.time or 0.0) * 1000)
                if at_ms >= due_ms:
                    due_ms = at_ms + every_ms
                    yield develop(picture, number=number, at_ms=at_ms)


class Develop:
    """Turns decoded pictures into frames with their masks burned in; not thread-safe."""

    def __init__(self, masks: Masks) -> None:
        """Keep the masks."""
        self._masks = masks
        self._reformatter = VideoReformatter()
        self._brightness = VideoReformatter()
        self._shrink = VideoReformatter()

    def __call__(self, picture: VideoFrame, *, number: int, at_ms: int) -> Frame:
        """Return the frame; its colours are converted only when they are asked for."""
        width, height = _bounded(picture.width, picture.height, _MAX_WIDTH)
        small = _bounded(picture.width, picture.height, _LUMA_WIDTH)
        return Frame(
            number=number,
            at_ms=at_ms,
            luma=self._convert(self._brightness, picture, small, "gray"),
            scale=width / picture.width,
            make=lambda: self._convert(self._reformatter, picture, (width, height), "rgb24"),
            make_small=None
            if min(width, height) <= _SMALL
            else lambda: self._convert(self._shrink, picture, (_SMALL, _SMALL), "rgb24"),
        )

    def _convert(
        self, reformatter: VideoReformatter, picture: VideoFrame, size: tuple[int, int], to: str
    ) -> Picture:
        made = reformatter.reformat(picture, *size, to, interpolation=Interpolation.AREA)
        pixels = cast("Picture", made.to_ndarray())
        self._masks.burn(pixels)
        return pixels


def jpeg(rgb: Picture, *, width: int, quality: int = 5) -> bytes:
    """Encode a picture, at most `width` wide; `quality` is FFmpeg's 2 (best) to 31."""
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    wide, high = _bounded(rgb.shape[1], rgb.shape[0], width)
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = wide // 2 * 2, high // 2 * 2
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.qmin = encoder.qmax = quality
    shrunk = picture.reformat(encoder.width, encoder.height, "yuvj420p")
    packets = [*encoder.encode(shrunk), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _bounded(width: int, height: int, limit: int) -> tuple[int, int]:
    if width <= limit:
        return width, height
    return limit, max(2, height * limit // width)


def _without_secrets(text: str) -> str:
    return _PARAMETERS.sub("", _ACCOUNT.sub(r"\1", text))


def _reason(error: Exception) -> str:
    if isinstance(error, av.ExitError):
        return "no answer in time"
    # Not every error of FFmpeg is an OSError, but all have its text.
    text = error.strerror if isinstance(error, OSError | av.FFmpegError) else None
    return text or _without_secrets(str(error))
