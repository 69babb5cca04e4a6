"""`haidang-gateway levels`: sign, verify and install official flood levels."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from haidang_gateway.config import add_config, load
from haidang_gateway.errors import LevelsError
from haidang_gateway.installed_levels import SUFFIX, folder_of, trusted_keys
from haidang_gateway.official_levels import (
    Decision,
    key_id,
    read_private_key,
    read_public_key,
    signed,
    verified,
)
from haidang_gateway.text import printable


def add_arguments(parser: argparse.ArgumentParser, config: Path) -> None:
    """Its sub-commands and options."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def add(name: str, text: str, file: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        word = "KEY" if name == "keygen" else "FILE"
        sub.add_argument(word.lower(), type=Path, metavar=word, help=file)
        return sub

    keygen = add("keygen", "make the office's key pair KEY and KEY.pub", "the secret one")
    keygen.set_defaults(act=_keygen)
    sign = add("sign", "sign a file of levels", "JSON, as docs/alarms.md describes it")
    text = "the office's secret key"
    sign.add_argument("--key", type=Path, required=True, metavar="KEY", help=text)
    out = "where the signed file goes"
    sign.add_argument("--out", type=Path, required=True, metavar="FILE", help=out)
    sign.set_defaults(act=_sign)
    verify = add("verify", "show what a signed file says, if it is genuine", "the signed file")
    public = "an office's public key (those in [levels] keys)"
    verify.add_argument(
        "--key", type=Path, action="append", default=[], metavar="KEY.pub", help=public
    )
    add_config(verify, config)
    verify.set_defaults(act=_verify)
    install = add("install", "install a signed file; restart the service then", "the signed file")
    add_config(install, config)
    install.set_defaults(act=_install)


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; 0. LevelsError where it cannot be done."""
    act: Callable[[argparse.Namespace], int] = options.act
    return act(options)


def _keygen(options: argparse.Namespace) -> int:
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(options.key, secret, mode=0o600)
    _write(options.key.with_name(options.key.name + ".pub"), public, mode=0o644)
    _say(f"key {key_id(key.public_key())}; give the gateways {options.key}.pub, nobody the other")
    return 0


def _sign(options: argparse.Namespace) -> int:
    key, text = read_private_key(options.key), _read(options.file)
    try:
        data = signed(text, key)
    except LevelsError as error:
        raise LevelsError(f"{options.file}: {error}") from error
    _write(options.out, data, mode=0o644)
    _tell(verified(data, [key.public_key()]))
    return 0


def _verify(options: argparse.Namespace) -> int:
    if options.key:
        keys = tuple(read_public_key(path) for path in options.key)
    else:
        keys = trusted_keys(load(options.config))
    _tell(_checked(options.file, _read(options.file), keys))
    return 0


def _install(options: argparse.Namespace) -> int:
    settings = load(options.config)
    data = _read(options.file)
    decision = _checked(options.file, data, trusted_keys(settings))
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{decision.valid_from}-{decision.document}").strip("-")
    folder = folder_of(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LevelsError(f"{folder}: cannot be made: {error.strerror}; use sudo") from error
    path = folder / f"{name}{SUFFIX}"
    if path.exists() and path.read_bytes() != data:
        raise LevelsError(
            f"{path} holds other levels of the same decision and day; remove it if it is wrong"
        )
    if not path.exists():
        _write(path, data, mode=0o644)
    _tell(decision)
    _say(f"installed as {path}; `systemctl restart haidang-gateway` puts it into force")
    return 0


def _checked(path: Path, data: bytes, keys: tuple[Ed25519PublicKey, ...]) -> Decision:
    try:
        return verified(data, keys)
    except LevelsError as error:
        raise LevelsError(f"{path}: {error}") from error


def _tell(decision: Decision) -> None:
    _say(printable(f"{decision.document}, in force from {decision.valid_from}"))
    for station in decision.stations:
        levels = " / ".join(f"{mm / 1000:.2f}" for mm in station.levels_mm)
        _say(printable(f"  {station.id}: {station.name}, {levels} m ({station.datum})"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LevelsError(f"{path}: cannot be read: {error.strerror}; check the path") from error


def _write(path: Path, data: bytes, *, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise LevelsError(f"{path} exists already; choose another name") from error
    except OSError as error:
        raise LevelsError(
            f"{path}: cannot be written: {error.strerror}; check the disk and who may write there"
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
