#!/usr/bin/python3
"""A street camera played by Debian's gst-rtsp-server; run by the system's Python, not ours.

`gst_camera.py PORT FILE ...`: each file holds H.264 pictures, each with its length before it in 4
bytes. Orders come as lines: `play N` (that file from now on, over and over), `freeze` (nothing is
sent), `corrupt` (pictures with wrong bytes), `go` (as it should be). Says `ready` when it listens.
"""

import random
import struct
import sys
import threading
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

_EVERY_MS = 50
_LAUNCH = (
    "( appsrc name=src is-live=true format=time do-timestamp=true "
    "caps=video/x-h264,stream-format=byte-stream,alignment=au "
    "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )"
)
# Behind the start code and the head of the first parts of a picture.
_SPARED_BYTES = 60


class Player:
    """Feeds whoever watches, twenty pictures a second."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.clips = [_pictures(path) for path in files]
        self.playing = self.clips[0]
        self.trouble = "go"
        self.at = 0
        self.source: Any = None

    def take(self, media: Any) -> None:
        """A client came: `media` is its pipeline."""
        self.source = media.get_element().get_by_name("src")
        self.at = 0

    def order(self, line: str) -> bool:
        """Obey one line."""
        word, _, number = line.partition(" ")
        if word == "play":
            self.playing, self.at = self.clips[int(number)], 0
        else:
            self.trouble = word
        return False

    def push(self) -> bool:
        """Send the next picture, if anybody listens."""
        if self.source is not None and self.trouble != "freeze":
            picture = self.playing[self.at % len(self.playing)]
            self.at += 1
            if self.trouble == "corrupt":
                picture = _torn(picture, self.at)
            self.source.emit("push-buffer", Gst.Buffer.new_wrapped(picture))
        return True


def _torn(picture: bytes, seed: int) -> bytes:
    torn, draw = bytearray(picture), random.Random(seed)
    for _ in range(len(torn) // 100 if len(torn) > 2 * _SPARED_BYTES else 0):
        torn[draw.randrange(_SPARED_BYTES, len(torn))] = draw.randrange(4, 256)
    return bytes(torn)


def _pictures(path: str) -> list[bytes]:
    with open(path, "rb") as file:  # noqa: PTH123 (the system's Python, as plain as can be)
        content = file.read()
    pictures, at = [], 0
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        pictures.append(content[at + 4 : at + 4 + size])
        at += 4 + size
    return pictures


def main(port: str, *files: str) -> None:
    """Serve until standard input closes."""
    Gst.init(None)
    loop, player = GLib.MainLoop(), Player(files)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_LAUNCH)
    factory.connect("media-configure", lambda _, media: player.take(media))
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        sys.exit("the port is taken")
    GLib.timeout_add(_EVERY_MS, player.push)

    def listen() -> None:
        for line in sys.stdin:
            GLib.idle_add(player.order, line.strip())
        loop.quit()

    threading.Thread(target=listen, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
