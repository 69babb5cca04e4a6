"""Looks into the files that the configuration names; only `check` does, the service goes on."""

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from haidang_gateway.destination import DestinationSettings
from haidang_gateway.errors import EvidenceError, ModelError
from haidang_gateway.ingest.serial_keys import read_key
from haidang_gateway.installed_levels import editions_by_source
from haidang_gateway.settings import Settings
from haidang_gateway.vision import evidence
from haidang_gateway.vision.interpreter import verified_bytes
from haidang_gateway.vision.manifest import notices, read_manifest

_REMEDY = "issue it anew with `haidang-gateway ca issue`"
_SOON = timedelta(days=30)


def problems(settings: Settings, now_ms: int) -> tuple[str, ...]:
    """One sentence for each certificate, model or levels file that will not work.

    `now_ms` is Unix time. A missing camera is none: it may be switched off, and the gateway
    waits for it.
    """
    broker = settings.broker
    found = [
        _authority("broker", broker.ca, now_ms),
        _identity("broker", broker.cert, broker.key, now_ms, settings.id),
        _identity("broker", broker.cert_alarm, broker.key_alarm, now_ms, f"{settings.id}-alarm"),
        _issued(broker.ca, broker.cert),
        _issued(broker.ca, broker.cert_alarm),
        *_of_destinations(settings, now_ms),
        _models(settings.models_dir, settings.vision.fire) if settings.cameras else "",
        _evidence_key(settings),
    ]
    _, levels = editions_by_source(settings)
    keys = (
        f"[[serial]] {node}: {problem}"
        for serial in settings.serial
        for node in serial.nodes
        if (problem := read_key(serial, node)[1])
    )
    return (*(problem for problem in found if problem), *levels, *keys)


def about_models(settings: Settings) -> tuple[str, ...]:
    """One sentence for each model that may not be used for everything."""
    if not settings.cameras:
        return ()
    return notices(read_manifest(settings.models_dir, settings.vision.fire))


def _evidence_key(settings: Settings) -> str:
    if settings.evidence.key is None:
        return ""
    try:
        evidence.read_key(settings.evidence.key)
    except EvidenceError as error:
        return str(error)
    return ""


def expiring(settings: Settings, now_ms: int) -> tuple[str, ...]:
    """One sentence for each certificate that ends within 30 days."""
    limit = _moment(now_ms) + _SOON
    paths = (
        settings.broker.ca,
        settings.broker.cert,
        settings.broker.cert_alarm,
        *(path for _, one in _destinations(settings) for path in (one.ca, one.cert)),
    )
    found = []
    for path in dict.fromkeys(paths):
        end = min((c.not_valid_after_utc for c in _certificates(path)), default=limit)
        if _moment(now_ms) < end < limit:
            found.append(f"{path} is valid until {end.date()}; {_REMEDY} before")
    return tuple(found)


def _destinations(settings: Settings) -> list[tuple[str, DestinationSettings]]:
    """Each with the words that a technician finds it by."""
    others = [(f"destination {one.name}", one) for one in settings.destinations]
    return [("centre", settings.centre), *others]


def _of_destinations(settings: Settings, now_ms: int) -> Iterator[str]:
    for table, one in _destinations(settings):
        yield _authority(table, one.ca, now_ms)
        yield _identity(table, one.cert, one.key, now_ms, "")


def _authority(table: str, path: Path, now_ms: int) -> str:
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError):
        return f"[{table}] ca: {path} is not a certificate in PEM; copy the authority's ca.pem"
    present = _certificates(path)
    if early := _too_early(table, path, present, now_ms):
        return early
    ends = [certificate.not_valid_after_utc for certificate in present]
    if ends and max(ends) <= _moment(now_ms):
        return f"[{table}] ca: {path} was valid until {max(ends).date()}; take the present one"
    return ""


def _too_early(table: str, path: Path, present: Sequence[x509.Certificate], now_ms: int) -> str:
    """Most often it is the clock: a Raspberry Pi without a battery wakes up in the past."""
    begin = min((one.not_valid_before_utc for one in present), default=_moment(now_ms))
    if begin <= _moment(now_ms):
        return ""
    return (
        f"[{table}] {path} is valid from {begin.date()} on, and this machine's clock says "
        f"{_moment(now_ms).date()}: set the clock (`timedatectl`), else {_REMEDY}"
    )


def _issued(authority: Path, cert: Path) -> str:
    """The broker lets in only who has a certificate of its own authority."""
    authorities, ours = _certificates(authority), _certificates(cert)[:1]
    for certificate in ours if authorities else ():
        if not any(_has_issued(one, certificate) for one in authorities):
            return f"[broker] {cert} was not issued by the authority of {authority}; {_REMEDY}"
    return ""


def _has_issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _certificates(path: Path) -> list[x509.Certificate]:
    """Those of a PEM file; none where it cannot be read, which is told elsewhere."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return []


def _moment(now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms / 1000, UTC)


def _identity(table: str, cert: Path, key: Path, now_ms: int, name: str) -> str:
    """`name` is whom the certificate must name; empty where the centre may choose it."""
    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    except (OSError, ValueError):
        return f"[{table}] {cert} is not a certificate in PEM; {_REMEDY}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password="")
    except (OSError, ssl.SSLError):
        return f"[{table}] {key} is not the key of {cert}; {_REMEDY}"
    if early := _too_early(table, cert, [certificate], now_ms):
        return early
    if certificate.not_valid_after_utc <= _moment(now_ms):
        day = certificate.not_valid_after_utc.date()
        return f"[{table}] {cert} was valid until {day}; {_REMEDY}"
    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if name and (not named or named[0].value != name):
        given = str(named[0].value) if named else "nobody"
        return f"[{table}] {cert} is the certificate of {given}, not of {name}; {_REMEDY}"
    return ""


def _models(folder: Path, fire: str) -> str:
    try:
        manifest = read_manifest(folder, fire)
        for model in (manifest.fire, manifest.crowd):
            verified_bytes(model.path, model.sha256)
    except ModelError as error:
        return f"[models] {error}"
    return ""
