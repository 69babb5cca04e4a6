"""The gateway's private certificate authority: EC P-256 certificates in a plain folder."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from haidang_gateway.errors import PkiError
from haidang_gateway.fleet.access import Role, role_of
from haidang_gateway.fleet.certificates import (
    DER,
    PEM,
    Key,
    Signer,
    key_der,
    key_pem,
    leaf_certificate,
    new_key,
    revocation_list,
    root_certificate,
)

DEFAULT_DAYS = 1825
_LONGEST_DAYS = 36500
_PUBLIC, _SECRET = 0o644, 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One certificate of the index; `serial` is hexadecimal, times are ISO 8601 in UTC."""

    name: str
    role: Role
    serial: str
    not_after: str
    hosts: tuple[str, ...] = ()
    revoked: str | None = None

    def in_force(self, now: datetime) -> bool:
        """Neither revoked nor expired at `now`."""
        return self.revoked is None and datetime.fromisoformat(self.not_after) > now


class Authority:
    """A certificate authority in `directory`; every change is whole or not there at all."""

    def __init__(self, directory: Path) -> None:
        """Keep the folder's path; nothing is read or written yet."""
        self.directory = directory

    def create(self, title: str) -> bool:
        """Make the authority's key, certificate and empty revocation list; False if it exists."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if self._path("ca.key").exists():
                return False
            key = new_key()
            certificate = root_certificate(key, title)
            self._write("ca.pem", certificate.public_bytes(PEM))
            self._write("ca.der", certificate.public_bytes(DER))
            self._write("ca.key", key_pem(key), _SECRET)
            self._write_crl()
            return True

    def issue(
        self, name: str, now: datetime, days: int = DEFAULT_DAYS, hosts: Sequence[str] = ()
    ) -> Issued:
        """Issue or renew the certificate of `name`, with the key that it already has.

        `hosts` are DNS names or addresses of a broker (a renewal keeps those it has); brokers
        are always valid until 2049.
        Raises PkiError for a name of no role, hosts for a client, or a missing authority.
        """
        role = role_of(name)
        if hosts and role != "broker":
            message = f"{name}: only a broker's certificate names hosts; leave --host out"
            raise PkiError(message)
        if not 1 <= days <= _LONGEST_DAYS:
            message = f"{name}: {days} days is not a useful life; give 1 to {_LONGEST_DAYS}"
            raise PkiError(message)
        with self._locked():
            key = self._key_of(name)
            before = [entry for entry in self.issued() if entry.name == name]
            hosts = tuple(hosts) or (before[-1].hosts if before else ())
            certificate = leaf_certificate(
                self._signer(),
                name=name,
                role=role,
                key=key,
                not_after=now + timedelta(days=days),
                hosts=hosts,
            )
            issued = Issued(
                name=name,
                role=role,
                serial=f"{certificate.serial_number:x}",
                not_after=certificate.not_valid_after_utc.isoformat(),
                hosts=hosts,
            )
            # The index first: a certificate that is out there must be known, to be revocable.
            self._write_index([*self.issued(), issued])
            self._write(f"{name}.key", key_pem(key), _SECRET)
            self._write(f"{name}.pem", certificate.public_bytes(PEM))
            if role == "node":
                self._write(f"{name}.der", certificate.public_bytes(DER))
                self._write(f"{name}.key.der", key_der(key), _SECRET)
            return issued

    def revoke(self, name: str, now: datetime) -> int:
        """Revoke all certificates of `name` and renew the list; returns how many there were.

        The key is removed: a new certificate of the same name gets a new one.
        Raises PkiError when no certificate of that name is in force.
        """
        with self._locked():
            entries = self.issued()
            hit = [e for e in entries if e.name == name and e.in_force(now)]
            if not hit:
                message = f"{name} has no certificate in force; `ca list` shows all"
                raise PkiError(message)
            revoked = now.isoformat()
            self._write_index(
                [replace(entry, revoked=revoked) if entry in hit else entry for entry in entries]
            )
            self._write_crl()
            for suffix in ("key", "key.der", "pem", "der"):
                self._path(f"{name}.{suffix}").unlink(missing_ok=True)
            return len(hit)

    def renew_crl(self) -> Path:
        """Write the revocation list anew and return its path."""
        with self._locked():
            self._write_crl()
        return self._path("crl.pem")

    def issued(self) -> list[Issued]:
        """Every certificate ever issued, oldest first."""
        path = self._path("index")
        if not path.exists():
            if not self._path("ca.key").exists():
                message = f"{self.directory} holds no authority; `ca init` makes one"
                raise PkiError(message)
            return []
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return [_entry(json.loads(line)) for line in lines]
        except (ValueError, TypeError, KeyError) as error:
            what = "copy it anew from the authority, or from its backup"
            message = f"{path} is damaged ({error}); {what}"
            raise PkiError(message) from error

    def in_force(self, now: datetime) -> list[str]:
        """Names that have a certificate in force, sorted."""
        return sorted({entry.name for entry in self.issued() if entry.in_force(now)})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._path(".lock"), os.O_CREAT | os.O_RDWR, _SECRET)
        except FileNotFoundError as error:
            message = f"{self.directory} does not exist; `ca init {self.directory}` makes it"
            raise PkiError(message) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _path(self, name: str) -> Path:
        return self.directory / name

    def _write(self, name: str, data: bytes, mode: int = _PUBLIC) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self.directory, prefix=f".{name}.")
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(self._path(name))

    def _write_index(self, entries: list[Issued]) -> None:
        text = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
        self._write("index", text.encode())

    def _write_crl(self) -> None:
        entries = self.issued()
        revoked = [
            (int(entry.serial, 16), datetime.fromisoformat(entry.revoked))
            for entry in entries
            if entry.revoked is not None
        ]
        # The index only grows and nothing is ever un-revoked, so this number only grows.
        number = len(entries) + len(revoked)
        crl = revocation_list(revoked, number, self._signer())
        self._write("crl.pem", crl.public_bytes(PEM))

    def _signer(self) -> Signer:
        key = self._load_key(self._path("ca.key"))
        return Signer(key, x509.load_pem_x509_certificate(self._path("ca.pem").read_bytes()))

    def _key_of(self, name: str) -> Key:
        path = self._path(f"{name}.key")
        return self._load_key(path) if path.exists() else new_key()

    def _load_key(self, path: Path) -> Key:
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except FileNotFoundError as error:
            message = f"{path} is missing; `ca init {self.directory}` makes an authority"
            raise PkiError(message) from error
        except ValueError as error:
            message = f"{path} is not a private key ({error}); bring it back from the backup"
            raise PkiError(message) from error
        if not isinstance(key, Key):
            message = f"{path} is not an elliptic-curve key"
            raise PkiError(message)
        return key


def _entry(fields: dict[str, Any]) -> Issued:
    entry = Issued(**{**fields, "hosts": tuple(fields["hosts"])})
    for moment in (entry.not_after, *([entry.revoked] if entry.revoked is not None else [])):
        if datetime.fromisoformat(moment).tzinfo is None:
            raise ValueError(f"{moment} has no offset")
    return entry
