"""Opens picture sources and turns their packets into pictures; the only importer of PyAV."""

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import TypeAlias, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from haidang_gateway.errors import CameraError, CameraRefused, EvidenceError
from haidang_gateway.vision.frame import Form, Frame, Picture, bounded
from haidang_gateway.vision.masks import Masks
from haidang_gateway.vision.restart import LOOKED_AT_BYTES, begins_anew
from haidang_gateway.vision.source import SNAPSHOT, Source, without_secrets

# A triangle as wide as the step is what training saw: means over areas move single scores by up to
# .5 of 1 (267 pictures), this one by .24. Brightness alone needs no better than plain means.
_FILTERS: dict[Form, Interpolation] = {
    "gray": Interpolation.AREA,
    "yuv420p": Interpolation.AREA,
    "rgb24": Interpolation.BILINEAR,
}
_MOST_SIZES = 12
# FFmpeg makes RGB in plain C while it resizes, with its vector code when only the form changes:
# by way of this form a picture for a network costs a third, and lies nearer to a plain resizing
# (.5 of a level on average, 1.1 in one step; scores .012 and .018; 417 pictures of nine clips).
_HALFWAY = dict.fromkeys(("yuv420p", "yuv422p", "nv12", "yuyv422"), "yuv422p")
_HALFWAY |= dict.fromkeys(("yuvj420p", "yuvj422p"), "yuvj422p")
_MAX_PIXELS = 40_000_000
_MAX_BROKEN_PACKETS = 200
_NO_MASKS = Masks()

Encoded: TypeAlias = "Packet[VideoStream]"
"""A packet as it came from the source."""
Raw = VideoFrame
"""A decoded picture as it came, without masks: it never leaves `vision/`."""


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
        self._codec = self._context.codec.canonical_name
        self._all_alone = self._context.codec.intra_only
        # Films say first how their units are counted: hardly ever otherwise than by four bytes.
        self._counted = (self._context.extradata or b"").startswith(b"\1")
        # Asked of each packet, this makes a fraction each time.
        self._tick_ms = float(self._stream.time_base or 0) * 1000
        self.broken = 0

    def packets(self) -> Iterator[Encoded]:
        """Yield the stream's packets until its end; CameraError where it stops or stalls."""
        packets = cast("Generator[Encoded]", self._container.demux(self._stream))
        take = _owned if self._source.device else _as_it_is
        try:
            while True:
                try:
                    packet = take(next(packets))
                except (StopIteration, av.EOFError):
                    return
                except av.InvalidDataError:
                    self._note_broken()
                    continue
                except (av.FFmpegError, OSError) as error:
                    shown = self._source.shown
                    raise CameraError(f"camera {shown} stopped ({_reason(error)})") from error
                yield packet
        finally:
            # It holds the last packet, and an error holds it, longer than the container is open.
            packets.close()
            del packets

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

    def begins_anew(self, packet: Encoded) -> bool:
        """Whether no later picture needs what came before this packet."""
        if self._all_alone or not packet.is_keyframe:
            return self._all_alone
        start = bytes(memoryview(packet)[:LOOKED_AT_BYTES])
        return begins_anew(self._codec, start, counted=self._counted)

    def stamp_ms(self, packet: Encoded) -> float | None:
        """When a packet is to be decoded, by the stream's own time; None where it does not say."""
        stamp = packet.pts if packet.dts is None else packet.dts
        return None if stamp is None else stamp * self._tick_ms

    def _note_broken(self) -> None:
        self.broken += 1
        if self.broken > _MAX_BROKEN_PACKETS:
            raise CameraError(f"camera {self._source.shown} sends broken pictures only")


def _as_it_is(packet: Encoded) -> Encoded:
    return packet


def _owned(packet: Encoded) -> Encoded:
    """With bytes of its own: a device's lie in memory that is gone when it is closed.

    Raw pictures lie there, too: whoever looked at one when the plug was pulled crashed.
    """
    if not packet.size:
        return packet
    own = cast("Encoded", Packet(bytes(packet)))
    own.pts, own.dts, own.time_base = packet.pts, packet.dts, packet.time_base
    own.stream, own.is_keyframe = packet.stream, packet.is_keyframe
    return own


def raw(rgb: Picture) -> Raw:
    """Return an array of height x width x 3 bytes as a decoded picture."""
    return VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")


def opened(source: Source) -> AbstractContextManager[InputContainer]:
    """Open a source within its time-out; CameraError with what to check."""
    address = source.address.removeprefix(SNAPSHOT)
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
            format="v4l2" if source.device else None,
            options=options,
            timeout=(source.open_timeout_s, source.read_timeout_s),
        )
    except (av.HTTPUnauthorizedError, av.HTTPForbiddenError) as error:
        raise CameraRefused(
            f"camera {source.shown} refuses us ({_reason(error)}); check account and password"
        ) from error
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
        self._reformatters: dict[tuple[int, int, str], VideoReformatter] = {}

    def __call__(self, picture: Raw, *, number: int, at_ms: int) -> Frame:
        """Return the frame; it is converted only where somebody asks for it."""

        def make(width: int, height: int, form: Form) -> Picture:
            return self._convert(picture, width, height, form)

        return Frame(
            number=number, at_ms=at_ms, width=picture.width, height=picture.height, make=make
        )

    def _convert(self, picture: Raw, width: int, height: int, form: Form) -> Picture:
        """From the decoder's picture to the size and form wanted; resized once."""
        halfway = _HALFWAY.get(picture.format.name)
        if form == "rgb24" and halfway is not None and width % 2 == 0:
            picture = self._reformatted(picture, width, height, halfway, _FILTERS[form])
        made = self._reformatted(picture, width, height, form, _FILTERS[form])
        pixels = cast("Picture", made.to_ndarray())
        if form == "yuv420p":
            self._masks.burn_planes(pixels)
        else:
            self._masks.burn(pixels)
        return pixels

    def _reformatted(
        self, picture: Raw, width: int, height: int, form: str, filtering: Interpolation
    ) -> Raw:
        wanted = (width, height, form)
        if wanted not in self._reformatters:
            # One for each size keeps its tables; a stream that changes for ever must not pile up.
            if len(self._reformatters) >= _MOST_SIZES:
                self._reformatters.clear()
            self._reformatters[wanted] = VideoReformatter()
        # Threads for pictures this small only wake each other up.
        return self._reformatters[wanted].reformat(
            picture, width, height, form, interpolation=filtering, threads=1
        )


def jpeg(rgb: Picture, *, width: int, quality: int = 5) -> bytes:
    """Encode a picture, at most `width` wide; `quality` is FFmpeg's 2 (best) to 31.

    EvidenceError where FFmpeg cannot.
    """
    wide, high = bounded(rgb.shape[1], rgb.shape[0], width)
    return _encoded(raw(rgb), max(2, wide // 2 * 2), max(2, high // 2 * 2), quality)


def planes_jpeg(planes: Picture, *, quality: int = 5) -> bytes:
    """Encode a picture of `Frame.planes()`; EvidenceError where FFmpeg cannot."""
    picture = VideoFrame.from_ndarray(planes, format="yuv420p")
    return _encoded(picture, picture.width, picture.height, quality)


def _encoded(picture: Raw, width: int, height: int, quality: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.qmin = encoder.qmax = quality
    try:
        shrunk = picture.reformat(width, height, "yuvj420p")
        packets = [*encoder.encode(shrunk), *encoder.encode(None)]
    except (av.FFmpegError, OSError) as error:
        raise EvidenceError(
            f"a picture of {width} x {height} cannot be encoded ({_reason(error)}); "
            "choose another stream in the camera"
        ) from error
    return b"".join(bytes(packet) for packet in packets)


def _reason(error: Exception) -> str:
    if isinstance(error, av.ExitError):
        return "no answer in time"
    # Not every error of FFmpeg is an OSError, but all have its text.
    text = error.strerror if isinstance(error, OSError | av.FFmpegError) else None
    return text or without_secrets(str(error))
