"""The evidence folder: an alarm's pictures as files, their index, their seal.

Each event is a folder `<camera>/<time>-<digest>/` with the picture, the place of the fire cut out,
the seconds before and after, and `index.json` naming each file's SHA-256. With a key all are
AES-256-GCM. The seconds before are added as those after are: an alarm waits for no more than it
names.
"""

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from haidang_gateway.errors import EvidenceError
from haidang_gateway.model import Box

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SEALED = ".sealed"
_LEAST_FREE_BYTES = 64 * 1024 * 1024
INDEX = "index.json"
PICTURE = "picture.jpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was seen when a vote became an alarm; pictures are JPEGs with their masks."""

    camera: str
    kind: str
    score: float
    box: Box | None
    at_ms: int
    picture: bytes
    crop: bytes | None


class EvidenceFolder:
    """Writes events below one folder, sealed where there is a key."""

    def __init__(self, folder: Path, key: bytes | None = None) -> None:
        """Store only."""
        self._folder = folder
        self._key = key

    def keep(self, event: Event) -> str:
        """Write one event and return `sha256:...` of its picture; whole or not at all.

        EvidenceError where the disk is nearly full or fails.
        """
        target = self.where(event)
        part = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        try:
            part.mkdir(parents=True)
            self._check_room(part)
            for path, content in _files(event).items():
                self._write(part / path, content)
            if target.exists():
                shutil.rmtree(part)
            else:
                part.rename(target)
            _sync(target.parent)
        except OSError as error:
            raise EvidenceError(
                f"{self._folder}: evidence cannot be written ({error.strerror}); check the disk"
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return f"sha256:{_digest(event)}"

    def where(self, event: Event) -> Path:
        """The folder of an event."""
        return self._folder / event.camera / f"{event.at_ms}-{_digest(event)[:16]}"

    def follow(self, event: Path, at_ms: int, pictures: list[tuple[int, bytes]]) -> None:
        """Add pictures seen before or after the event of that folder began at `at_ms`.

        They count once the index names them. EvidenceError where the event was deleted meanwhile,
        or the disk is nearly full or fails.
        """
        files = {_name(seen_ms - at_ms): jpeg for seen_ms, jpeg in pictures}
        try:
            self._check_room(event)
            index = json.loads(_content(event / INDEX, self._key))
            for name, content in files.items():
                self._write(event / name, content)
            index["files"] |= _digests(files)
            self._write(event / INDEX, _text(index))
            _sync(event)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvidenceError(f"{event}: pictures cannot be added ({error})") from error

    def _check_room(self, folder: Path) -> None:
        if shutil.disk_usage(folder).free < _LEAST_FREE_BYTES:
            raise EvidenceError(f"{self._folder}: the disk is nearly full; no picture is kept")

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all."""
        if self._key is not None:
            content = seal(content, path.name, self._key)
            path = path.with_name(path.name + _SEALED)
        part = path.with_name(f".{path.name}")
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def seal(content: bytes, name: str, key: bytes) -> bytes:
    """Encrypt one file; its name is bound to it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, name.encode())


def unseal(content: bytes, name: str, key: bytes) -> bytes:
    """Decrypt one file; EvidenceError for another key, name or a changed byte."""
    try:
        return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise EvidenceError(f"{name}: the key does not fit, or the file was changed") from error


def read_event(folder: Path, key: bytes | None = None) -> dict[str, bytes]:
    """Return an event's index and the files that it names, unsealed.

    EvidenceError where one of them was changed or lost. What the index does not name is left out:
    a crash wrote it half, or somebody put it there.
    """
    sealed = (folder / (INDEX + _SEALED)).exists()
    if sealed and key is None:
        raise EvidenceError(f"{folder}: is sealed; give the key: `key` in [evidence]")
    key = key if sealed else None
    files = {INDEX: _kept(folder / INDEX, key)}
    for name, digest in _named(folder / INDEX, files[INDEX]).items():
        files[name] = _kept(folder / name, key)
        if sha256(files[name]).hexdigest() != digest:
            raise EvidenceError(
                f"{folder / name}: was changed after it was kept; it proves nothing"
            )
    return files


def read_key(path: Path) -> bytes:
    """Read a key of 64 hexadecimal digits (`openssl rand -hex 32`); EvidenceError otherwise."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{path}: cannot be read as a key; `openssl rand -hex 32`") from error
    if len(key) != _KEY_BYTES:
        raise EvidenceError(f"{path}: the key needs 64 hexadecimal digits; `openssl rand -hex 32`")
    return key


def _content(path: Path, key: bytes | None) -> bytes:
    if key is None:
        return path.read_bytes()
    return unseal(path.with_name(path.name + _SEALED).read_bytes(), path.name, key)


def _kept(path: Path, key: bytes | None) -> bytes:
    try:
        return _content(path, key)
    except FileNotFoundError as error:
        raise EvidenceError(f"{path}: is missing") from error


def _named(path: Path, index: bytes) -> dict[str, str]:
    """The digests of an index, by the plain names of files beside it."""
    try:
        named = json.loads(index)["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceError(f"{path}: was changed after it was kept; it proves nothing") from error
    if not isinstance(named, dict) or any(Path(name).name != name for name in named):
        raise EvidenceError(f"{path}: was changed after it was kept; it proves nothing")
    return named


def _name(since_ms: int) -> str:
    return f"{'after' if since_ms > 0 else 'before'}-{abs(since_ms):05d}-ms.jpg"


def _files(event: Event) -> dict[str, bytes]:
    files = {PICTURE: event.picture}
    if event.crop is not None:
        files["crop.jpg"] = event.crop
    index = {
        "camera": event.camera,
        "kind": event.kind,
        "score": event.score,
        "box": event.box,
        "at_ms": event.at_ms,
        "files": _digests(files),
    }
    return files | {INDEX: _text(index)}


def _digest(event: Event) -> str:
    return sha256(event.picture).hexdigest()


def _digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: sha256(content).hexdigest() for name, content in files.items()}


def _text(index: dict[str, object]) -> bytes:
    return json.dumps(index, indent=1).encode()


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
