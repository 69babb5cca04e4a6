"""Runs one TFLite file; the only importer of the TFLite runtime."""

import ctypes
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haidang_gateway.errors import ModelError

try:
    from ai_edge_litert.interpreter import Interpreter, load_delegate
except ImportError:
    # 32-bit Raspberry Pi OS has no LiteRT, only its predecessor.
    try:
        from tflite_runtime.interpreter import Interpreter, load_delegate
    except ImportError:
        Interpreter = load_delegate = None

Picture = NDArray[np.uint8]
Grid = NDArray[np.float32]

_LEAST_BYTES = 1024
_NO_RUNTIME = (
    "no TFLite runtime is installed: `pip install ai-edge-litert` (64-bit) or "
    "`pip install 'tflite-runtime==2.14.0' 'numpy<2'` (32-bit Raspberry Pi OS)"
)


class Model:
    """One model file: checked by its SHA-256, then run picture by picture. Not thread-safe."""

    def __init__(
        self, path: Path, sha256: str, *, threads: int = 1, edge_tpu: str | None = None
    ) -> None:
        """Store only; `load()` reads the file. `edge_tpu` is the library of a Coral Edge TPU."""
        self._edge_tpu = edge_tpu
        self._path = path
        self._sha256 = sha256
        self._threads = threads
        self._runtime: Any = None
        self._input: dict[str, Any] = {}
        self._outputs: list[dict[str, Any]] = []
        self._tables: dict[int, Grid] = {}
        self._wanted: tuple[int, ...] = ()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width, channels of the picture wanted; ModelError before `load()`."""
        self._check_loaded()
        height, width, channels = self._wanted
        return height, width, channels

    def load(self) -> None:
        """Read, check and prepare the file; ModelError if it is absent, altered or unfit."""
        content = verified_bytes(self._path, self._sha256)
        if Interpreter is None:
            raise ModelError(_NO_RUNTIME)
        try:
            # XNNPACK is the runtime's own default on a processor; it takes the threads.
            runtime = Interpreter(
                model_content=content,
                num_threads=self._threads,
                experimental_delegates=self._delegates(),
            )
            runtime.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"model {self._path}: the TFLite runtime refuses it ({error}); "
                "install the released file"
            ) from error
        inputs = runtime.get_input_details()
        if len(inputs) != 1 or len(inputs[0]["shape"]) != 4 or inputs[0]["dtype"] != np.uint8:
            raise ModelError(
                f"model {self._path}: wants no single 8-bit picture; export it with models/train"
            )
        self._input, self._outputs = inputs[0], runtime.get_output_details()
        self._tables = {x["index"]: _table(x) for x in self._outputs if _of_bytes(x)}
        self._wanted = tuple(int(n) for n in inputs[0]["shape"][1:])
        self._runtime = runtime

    def run(self, picture: Picture) -> tuple[Grid, ...]:
        """Return all outputs as real numbers, in the file's order.

        `picture` is height x width x 3 bytes of exactly the model's size; ModelError otherwise.
        """
        self._check_loaded()
        if picture.shape != self._wanted or picture.dtype != np.uint8:
            raise ModelError(
                f"model {self._path.name}: got a picture {picture.dtype} {picture.shape}, "
                f"wants uint8 {self._wanted}"
            )
        try:
            self._runtime.set_tensor(self._input["index"], picture[None])
            self._runtime.invoke()
            return tuple(self._real(output) for output in self._outputs)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"model {self._path.name}: run failed ({error})") from error

    def _delegates(self) -> list[Any]:
        if self._edge_tpu is None:
            return []
        try:
            # The runtime's own attempt at a library that is not there, or another's, is noisy.
            library = ctypes.CDLL(self._edge_tpu)
            if not hasattr(library, "tflite_plugin_destroy_delegate"):
                raise ValueError("it is no delegate of TFLite")
            return [load_delegate(self._edge_tpu)]
        except (ValueError, OSError) as error:
            raise ModelError(
                f"the Edge TPU's library {self._edge_tpu} cannot be used ({error}); install "
                "libedgetpu1-std, plug the stick in, or remove edge_tpu from [models]"
            ) from error

    def _real(self, output: dict[str, Any]) -> Grid:
        """Undo the quantisation with the file's own scale and zero point; drop the batch axis."""
        raw = self._runtime.get_tensor(output["index"])[0]
        table = self._tables.get(output["index"])
        if table is not None:
            # A byte below zero counts from the table's end: there it stands.
            known: Grid = table[raw]
            return known
        scale, zero = output["quantization"]
        if not scale:
            return np.asarray(raw, np.float32)
        real: Grid = ((raw.astype(np.float32) - zero) * scale).astype(np.float32)
        return real

    def _check_loaded(self) -> None:
        if not self._input:
            raise ModelError(f"model {self._path.name}: load() was not called")


def _of_bytes(output: dict[str, Any]) -> bool:
    return bool(output["quantization"][0]) and np.dtype(output["dtype"]).itemsize == 1


def _table(output: dict[str, Any]) -> Grid:
    """What each of an output's 256 bytes means, by its unsigned value."""
    scale, zero = output["quantization"]
    values = np.arange(256, dtype=np.uint8).view(output["dtype"])
    table: Grid = (values.astype(np.float32) - np.float32(zero)) * np.float32(scale)
    return table


def verified_bytes(path: Path, sha256: str) -> bytes:
    """Return a model file's bytes; ModelError if it is missing or not exactly the released one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {path}: cannot be read ({error}); copy the models folder of the release there"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        part = "it is cut off" if len(content) < _LEAST_BYTES else "it is damaged or was exchanged"
        raise ModelError(
            f"model {path}: SHA-256 is {digest[:16]}..., the manifest says {sha256[:16]}...; "
            f"{part} ({len(content)} bytes): copy it again from the release"
        )
    return content
