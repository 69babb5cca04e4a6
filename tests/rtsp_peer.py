"""A small RTSP server with its video inside the RTSP connection, as street cameras send it."""

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from io import BufferedIOBase

from waiting import DEADLINE_S

_TS_BYTES = 188
_PACKETS_EACH = 7
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 33\r\na=control:track1\r\n"
)


class RtspCamera:
    """Plays one MPEG-TS clip to each client over and over; refuses any transport but TCP.

    `frozen` keeps the connection and sends nothing, `corrupt` sends noise instead of video.
    """

    def __init__(self, clip: bytes) -> None:
        """Listen; a client must name itself (basic authorisation)."""
        self._clip = clip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.transports: list[str] = []
        self.frozen = threading.Event()
        self.corrupt = threading.Event()
        self._closed = threading.Event()
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def hang_up(self) -> None:
        """Cut every connection, as a power failure of the camera does."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()
        self._clients.clear()

    def close(self) -> None:
        """Stop listening and wait for all threads."""
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(DEADLINE_S)
        self.hang_up()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            with client.makefile("rb") as lines:
                while self._answer(client, lines) != "PLAY":
                    pass
            self._play(client)
        except (OSError, EOFError, ValueError):
            return

    def _answer(self, client: socket.socket, lines: BufferedIOBase) -> str:
        request = lines.readline().decode().split()
        if not request:
            raise EOFError
        headers = {}
        while (line := lines.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        method, address = request[0], request[1]
        status, extra, body = "200 OK", "", ""
        if method != "OPTIONS" and "authorization" not in headers:
            status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
        elif method == "DESCRIBE":
            body = _SDP
            extra = f"Content-Base: {address}/\r\nContent-Type: application/sdp\r\n"
        elif method == "SETUP":
            self.transports.append(headers["transport"])
            extra = f"Transport: {headers['transport']}\r\n"
            if "TCP" not in headers["transport"]:
                status = "461 Unsupported Transport"
        head = f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\nSession: 7\r\n{extra}"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return method if status == "200 OK" else ""

    def _play(self, client: socket.socket) -> None:
        size = _TS_BYTES * _PACKETS_EACH
        number = 0
        while True:
            for at in range(0, len(self._clip), size):
                while self.frozen.is_set() and not self._closed.is_set():
                    time.sleep(0.01)
                payload = self._clip[at : at + size]
                if self.corrupt.is_set():
                    payload = random.Random(number).randbytes(len(payload))
                rtp = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, number * 900, 1) + payload
                client.sendall(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
                number += 1
                time.sleep(0.001)
