"""Serves pictures as an MPEG-TS stream on a TCP port, as a network camera would."""

import contextlib
import logging
import socket
import threading
from fractions import Fraction
from typing import Self

import av
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from haidang_tools.street import Picture

log = logging.getLogger(__name__)

_BIT_RATE = 2_000_000
_SEND_BUFFER_BYTES = 1 << 20
_MAX_CLIENTS = 8


class VideoServer:
    """Encodes once, sends to every client; a client that cannot keep up is cut off.

    Nothing is encoded while nobody watches. Every new client gets a key frame at once.
    """

    def __init__(self, *, host: str, port: int, rate: int, width: int, height: int) -> None:
        """Store only; `start()` listens. Port 0 takes a free one, see `port`."""
        self._address = (host, port)
        self._rate = rate
        self._size = (width, height)
        self._lock = threading.Lock()
        self._clients: list[socket.socket] = []
        self._joined = False
        self._number = 0
        self.cut_off = 0

    def start(self) -> None:
        """Listen; OSError if the port is taken."""
        self._listener = socket.create_server(self._address)
        self._muxer, self._stream = self._encoder()
        self._accepting = threading.Thread(target=self._accept, name="video clients", daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def watched(self) -> bool:
        """Whether any client is connected."""
        return bool(self._clients)

    def send(self, picture: Picture) -> None:
        """Encode and send one picture; its time is its number through the rate."""
        self._number += 1
        if not self._clients:
            return
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._number
        frame.time_base = Fraction(1, self._rate)
        if self._joined:
            self._joined = False
            frame.pict_type = PictureType.I
        self._muxer.mux(self._stream.encode(frame))

    def stop(self) -> None:
        """Close all connections; the port is free again when this returns."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(timeout=2)
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients.clear()
        self._muxer.close()

    def write(self, data: bytes) -> int:
        """The muxer's output: to every client, without waiting for any."""
        with self._lock:
            for client in list(self._clients):
                try:
                    if client.send(data) != len(data):
                        raise BlockingIOError
                except OSError as error:
                    self._drop(client, error)
        return len(data)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _drop(self, client: socket.socket, error: OSError) -> None:
        self._clients.remove(client)
        client.close()
        if isinstance(error, BlockingIOError):
            self.cut_off += 1
            log.warning("a video client could not keep up and was cut off")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            client.setblocking(False)
            with self._lock:
                if len(self._clients) >= _MAX_CLIENTS:
                    client.close()
                    continue
                self._clients.append(client)
            self._joined = True

    def _encoder(self) -> tuple[OutputContainer, VideoStream]:
        muxer = av.open(self, "w", format="mpegts", options={"flush_packets": "1"})
        stream = muxer.add_stream("mpeg4", rate=self._rate)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = _BIT_RATE
        stream.codec_context.gop_size = self._rate
        stream.codec_context.thread_count = 1
        return muxer, stream
