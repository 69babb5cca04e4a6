"""Certificates and revocation lists as values: EC P-256, made and signed, no files."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from haidang_gateway.errors import PkiError
from haidang_gateway.fleet.access import Role

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
DEFAULT_HOSTS = ("gateway.local", "localhost", "127.0.0.1", "::1")

# RFC 1123, as TLS clients compare it; no wildcards: a broker has a name.
_HOST_NAME = r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*"
# A node or a gateway without a battery clock starts in the past: nothing may be "not yet valid".
_NOT_BEFORE = datetime(1999, 1, 1, tzinfo=UTC)
_NOT_AFTER = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """The authority's key and certificate."""

    key: Key
    certificate: x509.Certificate


def new_key() -> Key:
    """A fresh EC P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def root_certificate(key: Key, title: str) -> x509.Certificate:
    """Self-signed certificate of the authority, valid 1999 to 2049."""
    builder = _builder(title, _name(title), key).not_valid_after(_NOT_AFTER)
    builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
    builder = builder.add_extension(_key_usage(certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def leaf_certificate(
    signer: Signer, *, name: str, role: Role, key: Key, not_after: datetime, hosts: Sequence[str]
) -> x509.Certificate:
    """Certificate of `name`: a broker's is for servers and lives until 2049, all else for clients.

    Raises PkiError when a host is neither an address nor a host name.
    """
    server = role == "broker"
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(name, signer.certificate.subject, key)
    builder = builder.not_valid_after(_NOT_AFTER if server else min(not_after, _NOT_AFTER))
    builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
    builder = builder.add_extension(_key_usage(certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
        critical=False,
    )
    if server:
        builder = builder.add_extension(_alternative_names(hosts), critical=False)
    return builder.sign(signer.key, hashes.SHA256())


def revocation_list(
    revoked: Sequence[tuple[int, datetime]], number: int, signer: Signer
) -> x509.CertificateRevocationList:
    """Signed list of (serial, time of revocation); `number` grows with every change.

    It never expires: an expired list would make the broker refuse every node.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(_NOT_BEFORE)
        .next_update(_NOT_AFTER)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, at in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(signer.key, hashes.SHA256())


def key_pem(key: Key) -> bytes:
    """PKCS #8 PEM without a password."""
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def key_der(key: Key) -> bytes:
    """SEC 1 DER: MicroPython's Mbed TLS reads no PEM."""
    return key.private_bytes(
        DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(name: str, issuer: x509.Name, key: Key) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = []
    for host in hosts or DEFAULT_HOSTS:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            if not re.fullmatch(_HOST_NAME, host):
                message = f"{host!r} is neither an address nor a host name in plain letters"
                raise PkiError(message) from None
            names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)
