"""The demo's camera: a real street on which flames are rendered when the scenario says so.

`haidang scene --port P` serves it as MPEG-TS over TCP and takes orders as JSON lines on its
standard input, e.g. {"fire": 0.8} or {"people": 0.5}; every rendered picture says so.
"""

import argparse
import json
import logging
import math
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from haidang_tools.arguments import tcp_port
from haidang_tools.errors import InputRefused, ToolError
from haidang_tools.flames import render_fire
from haidang_tools.street import Picture, Street, street
from haidang_tools.video_server import VideoServer

log = logging.getLogger(__name__)

RATE = 10
_HOST = "127.0.0.1"
_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
_LATE_S = 1.0
_DAYLIGHT_LEVELS = 4
_DAYLIGHT_S = 30.0


class SceneError(ToolError):
    """An order for the scene cannot be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the scene shows.

    `fire` 0 (none) to 1 grows flames with their foot at `fire_x`, `fire_y` (fractions of the
    picture); `people` is the share of the street, from the left, that is shown as filmed: the
    rest shows it empty; `freeze` repeats one picture; `black` covers the lens.
    """

    fire: float = 0.0
    fire_x: float = 0.62
    fire_y: float = 0.6
    fire_height: float = 0.35
    people: float = 1.0
    freeze: bool = False
    black: bool = False

    def changed(self, line: str) -> "Orders":
        """These orders with those of one JSON line; SceneError names what is wrong."""
        try:
            wanted = json.loads(line)
        except json.JSONDecodeError as error:
            raise SceneError(f"the order is not JSON: {error}") from error
        known = {field.name: field.type for field in fields(Orders)}
        if not isinstance(wanted, dict) or not wanted.keys() <= known.keys():
            raise SceneError(f"an order is an object with fields of {', '.join(known)}")
        for name, value in wanted.items():
            _check(name, value, known[name] is bool)
        return replace(self, **wanted)


class Scene:
    """Plays the street with its orders into a video server, 10 pictures a second, in a thread."""

    def __init__(self, view: Street, *, port: int = 0, orders: Orders | None = None) -> None:
        """Store only; `start()` opens the port."""
        self._view = view
        self._orders = orders or Orders()
        self._port = port
        self._stop = threading.Event()
        self._playing = threading.Thread(target=self._play, name="scene", daemon=True)

    def start(self) -> None:
        """Listen and play; OSError if the port is taken."""
        self._plate = self._view.empty()
        height, width = self._plate.shape[:2]
        self._server = VideoServer(
            host=_HOST, port=self._port, rate=RATE, width=width, height=height
        )
        self._server.start()
        self._playing.start()

    @property
    def url(self) -> str:
        """The address for a camera's `url`."""
        return f"tcp://{_HOST}:{self._server.port}"

    def order(self, orders: Orders) -> None:
        """Show this from the next picture on."""
        self._orders = orders

    def stop(self) -> None:
        """End the play and free the port."""
        self._stop.set()
        self._playing.join(timeout=5)
        self._server.stop()

    def _play(self) -> None:
        start_s = due_s = time.monotonic()
        for picture in self._composed(start_s):
            self._server.send(picture)
            due_s += 1 / RATE
            now_s = time.monotonic()
            if now_s - due_s > _LATE_S:
                due_s = now_s
            if self._stop.wait(max(0.0, due_s - now_s)):
                return

    def _composed(self, start_s: float) -> Iterator[Picture]:
        last = self._plate
        for filmed in self._view.pictures():
            orders = self._orders
            if not orders.freeze:
                t_s = time.monotonic() - start_s
                last = compose(filmed, self._plate, orders, t_s=t_s, filmed=self._view.filmed)
            yield last


def compose(
    picture: Picture, plate: Picture, orders: Orders, *, t_s: float, filmed: bool
) -> Picture:
    """One picture of the scene at moment `t_s`; labelled unless it is exactly as filmed."""
    if orders.black:
        return np.zeros_like(picture)
    if filmed and orders.fire == 0 and orders.people == 1:
        return picture
    edge = round(orders.people * picture.shape[1])
    shown = picture.copy()
    shown[:, edge:] = _in_daylight(plate[:, edge:], t_s)
    if orders.fire > 0:
        shown = render_fire(
            shown,
            t_s=t_s,
            growth=orders.fire,
            x=orders.fire_x,
            y=orders.fire_y,
            height_frac=orders.fire_height,
            seed=7,
        )
    label = _label()
    shown[8 : 8 + label.shape[0], 8 : 8 + label.shape[1]] = label
    return shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `haidang scene`."""
    parser.add_argument("--port", type=tcp_port, default=0, help="TCP port; 0 takes a free one")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="for the street video")


def run(args: argparse.Namespace) -> int:
    """Serve until standard input, if it is a pipe, closes; orders come as lines there."""
    view = street(args.cache)
    scene = Scene(view, port=args.port)
    try:
        scene.start()
    except OSError as error:
        what = "take another port, or 0 for a free one"
        raise InputRefused(f"port {args.port}: {error.strerror}; {what}") from error
    ready = {"t": "ready", "url": scene.url, "source": view.name, "filmed": view.filmed}
    print(json.dumps(ready), flush=True)
    try:
        _obey(scene)
    except KeyboardInterrupt:
        return 0
    finally:
        scene.stop()
    return 0


def _obey(scene: Scene) -> None:
    orders = Orders()
    for line in sys.stdin:
        try:
            orders = orders.changed(line)
        except SceneError as error:
            print(json.dumps({"t": "error", "error": str(error)}), flush=True)
            continue
        scene.order(orders)
    if not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        threading.Event().wait()


def _check(name: str, value: object, wants_bool: bool) -> None:
    if wants_bool != isinstance(value, bool):
        raise SceneError(
            f"{name}: {value!r} is not {'true or false' if wants_bool else 'a number'}"
        )
    if not wants_bool and not (isinstance(value, int | float) and 0 <= value <= 1):
        raise SceneError(f"{name}: {value!r} is not a number from 0 to 1")


def _in_daylight(plate: Picture, t_s: float) -> Picture:
    """Light that comes and goes a little: without it a camera would be right to call it frozen."""
    level = round(_DAYLIGHT_LEVELS * math.sin(2 * math.pi * t_s / _DAYLIGHT_S))
    lit: Picture = np.clip(plate.astype(np.int16) + level, 0, 255).astype(np.uint8)
    return lit


@lru_cache(maxsize=1)
def _label() -> Picture:
    font, text = _font(18)
    _, _, width, height = font.getbbox(text)
    image = Image.new("RGB", (int(width) + 12, int(height) + 10), (20, 20, 20))
    ImageDraw.Draw(image).text((6, 4), text, font=font, fill=(255, 220, 60))
    return np.asarray(image)


def _font(size: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, str]:
    try:
        return ImageFont.truetype(_FONT, size), "rendered / mô phỏng"
    except OSError:
        # Pillow's own font has no Vietnamese letters; boxes in their place would look broken.
        return ImageFont.load_default(size=size), "rendered"


def main() -> int:
    """`python -m haidang_tools.scene`."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    parser = argparse.ArgumentParser(prog="haidang scene", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
