"""A client of others beside ours: aiomqttc from PyPI, where it can be had."""

import subprocess
import sys
import zipfile
from pathlib import Path

from bench.parts import LOG

NAME = "aiomqttc"
_VERSION = "1.0.7"
_FETCH_S = 60


def source(folder: Path) -> bytes | None:
    """Its one file; None without a network."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    try:
        done = subprocess.run(
            [*command, f"{NAME}=={_VERSION}"],
            capture_output=True,
            text=True,
            timeout=_FETCH_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    wheels = sorted(folder.glob(f"{NAME}-*.whl"))
    if done.returncode != 0 or not wheels:
        LOG.info("traffic: %s %s cannot be had: %s", NAME, _VERSION, done.stderr.strip()[-200:])
        return None
    with zipfile.ZipFile(wheels[0]) as wheel:
        return wheel.read(f"{NAME}.py")
