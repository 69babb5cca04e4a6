"""Pictures of a camera on the Raspberry Pi's ribbon cable; the only importer of picamera2."""

import importlib
from collections.abc import Iterator
from typing import Any

from haidang_gateway.errors import CameraError
from haidang_gateway.vision.frame import Picture

_SIZE = (1280, 720)


def pictures(module: int) -> Iterator[Picture]:
    """Yield pictures (height x width x 3, RGB) for ever; CameraError where the camera fails.

    picamera2 comes with Raspberry Pi OS (`sudo apt install python3-picamera2`), not from PyPI.
    """
    camera = _started(module)
    try:
        while True:
            try:
                picture: Picture = camera.capture_array("main")
            except (RuntimeError, OSError) as error:
                raise CameraError(f"camera picamera2:{module} stopped ({error})") from error
            # The library calls blue, green, red in memory "RGB888".
            yield picture[:, :, ::-1]
    finally:
        camera.stop()
        camera.close()


def _started(module: int) -> Any:
    try:
        library = importlib.import_module("picamera2")
    except ImportError as error:
        raise CameraError(
            "picamera2 is not installed: `sudo apt install python3-picamera2`, and make the "
            "virtual environment with --system-site-packages"
        ) from error
    try:
        camera = library.Picamera2(module)
        main = {"size": _SIZE, "format": "RGB888"}
        camera.configure(camera.create_video_configuration(main=main))
        camera.start()
    except (RuntimeError, IndexError, OSError) as error:
        raise CameraError(
            f"camera picamera2:{module} cannot be opened ({error}); check the ribbon cable"
        ) from error
    return camera
