"""The certificate authority: names, dates, renewal, revocation, and what lies in its folder."""

import argparse
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from haidang_gateway.errors import PkiError
from haidang_gateway.fleet import pki_cli
from haidang_gateway.fleet.access import access_list, role_of
from haidang_gateway.fleet.pki import Authority

NOW = datetime(2026, 11, 22, 20, 15, tzinfo=UTC)
NODE = "n-240ac4000001"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "ca")
    assert made.create("Test CA")
    return made


@pytest.mark.parametrize(
    ("name", "role"),
    [
        (NODE, "node"),
        ("gw-01", "gateway"),
        ("gw-01-alarm", "gateway-alarm"),
        ("gw-cau-han", "gateway"),
        ("centre-01", "centre"),
        ("broker-gateway", "broker"),
    ],
)
def test_the_name_gives_the_role(name: str, role: str) -> None:
    assert role_of(name) == role


@pytest.mark.parametrize(
    "name",
    ["", "gw-", "n-240AC4000001", "n-240ac400000", "root", "gw-01/x", "gw-+", "gw-#", "../gw-01",
     "centre-01\n", "gw-" + "a" * 62, "n-240ac4000001 "],
)  # fmt: skip
def test_a_name_without_a_role_is_refused_with_the_known_forms(name: str) -> None:
    with pytest.raises(PkiError, match="gw-<name>"):
        role_of(name)


def test_authority_and_broker_are_valid_for_a_node_whose_clock_was_never_set(
    authority: Authority,
) -> None:
    authority.issue("broker-gateway", NOW, days=1)
    for name in ("ca", "broker-gateway"):
        certificate = _certificate(authority, name)
        assert certificate.not_valid_before_utc == datetime(1999, 1, 1, tzinfo=UTC)
        assert certificate.not_valid_after_utc.year == 2049


def test_a_clients_certificate_ends_after_its_days(authority: Authority) -> None:
    issued = authority.issue(NODE, NOW, days=30)
    assert _certificate(authority, NODE).not_valid_after_utc == NOW + timedelta(days=30)
    assert issued.in_force(NOW)
    assert not issued.in_force(NOW + timedelta(days=31))


def test_a_certificate_is_signed_by_the_authority_for_its_purpose_alone(
    authority: Authority,
) -> None:
    authority.issue(NODE, NOW)
    authority.issue("broker-gateway", NOW, hosts=["gateway.local", "10.0.0.7"])
    root, node, broker = (_certificate(authority, n) for n in ("ca", NODE, "broker-gateway"))
    for leaf in (node, broker):
        leaf.verify_directly_issued_by(root)
        assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
        assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert _purposes(node) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert _purposes(broker) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert _hosts(broker) == ["gateway.local", "10.0.0.7"]


def test_a_brokers_renewal_keeps_its_hosts(authority: Authority) -> None:
    authority.issue("broker-gateway", NOW, hosts=["hac-thanh.lan"])
    authority.issue("broker-gateway", NOW)
    assert _hosts(_certificate(authority, "broker-gateway")) == ["hac-thanh.lan"]


def test_hosts_for_a_client_and_a_useless_life_are_refused(authority: Authority) -> None:
    with pytest.raises(PkiError, match="--host"):
        authority.issue(NODE, NOW, hosts=["gateway.local"])
    with pytest.raises(PkiError, match="0 days"):
        authority.issue(NODE, NOW, days=0)
    with pytest.raises(PkiError, match="host name"):
        authority.issue("broker-gateway", NOW, hosts=["hải-đăng"])
    assert authority.issued() == []


def test_a_node_gets_the_der_files_that_its_tls_can_read(authority: Authority) -> None:
    authority.issue(NODE, NOW)
    folder = authority.directory
    own = x509.load_der_x509_certificate((folder / f"{NODE}.der").read_bytes())
    ca = x509.load_der_x509_certificate((folder / "ca.der").read_bytes())
    key = (folder / f"{NODE}.key.der").read_bytes()
    assert own == _certificate(authority, NODE)
    own.verify_directly_issued_by(ca)
    loaded = serialization.load_der_private_key(key, password=None)
    assert loaded.public_key() == own.public_key()


def test_every_secret_is_readable_by_its_owner_alone(authority: Authority) -> None:
    for name in (NODE, "gw-01", "broker-gateway"):
        authority.issue(name, NOW)
    secrets = [p for p in authority.directory.iterdir() if ".key" in p.name]
    assert len(secrets) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert not list(authority.directory.glob("*.tmp*"))


def test_issuing_again_renews_with_the_same_key(authority: Authority) -> None:
    first = authority.issue(NODE, NOW)
    key = (authority.directory / f"{NODE}.key").read_bytes()
    second = authority.issue(NODE, NOW + timedelta(days=300))
    assert (authority.directory / f"{NODE}.key").read_bytes() == key
    assert first.serial != second.serial
    assert authority.in_force(NOW) == [NODE]


def test_making_an_authority_again_keeps_the_one_that_is_there(authority: Authority) -> None:
    before = (authority.directory / "ca.pem").read_bytes()
    assert authority.create("Another") is False
    assert (authority.directory / "ca.pem").read_bytes() == before


def test_revoking_covers_all_certificates_of_the_name_and_drops_its_key(
    authority: Authority,
) -> None:
    serials = {int(authority.issue(NODE, NOW).serial, 16) for _ in range(2)}
    authority.issue("gw-01", NOW)
    old_key = (authority.directory / f"{NODE}.key").read_bytes()
    assert authority.revoke(NODE, NOW) == 2
    assert {entry.serial_number for entry in _crl(authority)} == serials
    assert authority.in_force(NOW) == ["gw-01"]
    assert not list(authority.directory.glob(f"{NODE}*"))
    authority.issue(NODE, NOW)
    assert (authority.directory / f"{NODE}.key").read_bytes() != old_key
    assert authority.in_force(NOW) == ["gw-01", NODE]


def test_the_revocation_list_is_signed_grows_and_never_expires(authority: Authority) -> None:
    root = _certificate(authority, "ca")
    numbers = []
    for name in ("gw-01", "gw-02"):
        authority.issue(name, NOW)
        authority.revoke(name, NOW)
        crl = _crl(authority)
        assert crl.is_signature_valid(root.public_key())  # type: ignore[arg-type]
        assert crl.next_update_utc is not None
        assert crl.next_update_utc.year == 2049
        numbers.append(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
    assert numbers == sorted(set(numbers))


def test_revoking_a_stranger_is_refused(authority: Authority) -> None:
    with pytest.raises(PkiError, match="no certificate in force"):
        authority.revoke(NODE, NOW)


def test_a_damaged_index_is_named_and_nothing_is_issued_over_it(authority: Authority) -> None:
    authority.issue(NODE, NOW)
    index = authority.directory / "index"
    index.write_text(index.read_text()[:-20])
    with pytest.raises(PkiError, match=r"index.*backup"):
        authority.issue("gw-01", NOW)
    assert not (authority.directory / "gw-01.pem").exists()


def test_a_missing_authority_is_answered_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(PkiError, match="ca init"):
        Authority(tmp_path / "nowhere").issue(NODE, NOW)
    with pytest.raises(PkiError, match="ca init"):
        Authority(tmp_path).issue(NODE, NOW)


def test_two_technicians_at_once_lose_no_entry(authority: Authority) -> None:
    names = [f"n-24000000{number:04x}" for number in range(16)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: authority.issue(name, NOW), names))
    assert authority.in_force(NOW) == names


def test_the_access_list_names_gateways_and_leaves_nodes_to_their_certificate() -> None:
    text = access_list("gateway", [NODE, "gw-01", "gw-01-alarm", "centre-01", "broker-gateway"])
    users = [line.split()[1] for line in text.splitlines() if line.startswith("user ")]
    assert users == ["gw-01", "gw-01-alarm"]
    assert NODE not in text
    assert "pattern write hd/1/n/%u/alarm" in text


def test_the_centres_access_list_has_no_pattern_for_strangers() -> None:
    text = access_list("centre", [NODE, "gw-01", "gw-01-alarm", "centre-01"])
    users = [line.split()[1] for line in text.splitlines() if line.startswith("user ")]
    assert users == ["centre-01", "gw-01"]
    assert "pattern" not in text


def test_a_folder_without_an_authority_lists_nothing_and_gives_no_access(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("list", str(tmp_path)) == 1
    assert _run("acl", str(tmp_path), "--side", "gateway") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("holds no authority; `ca init` makes one") == 2


def test_the_command_line_makes_issues_revokes_and_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "ca")
    assert _run("init", folder, "--name", "Hac Thanh CA") == 0
    assert _run("init", folder) == 0
    assert _run("issue", folder, NODE, "gw-01") == 0
    assert _run("revoke", folder, NODE) == 0
    capsys.readouterr()
    assert _run("list", folder) == 0
    listed = capsys.readouterr().out.splitlines()
    assert "revoked" in listed[0]
    assert "in force" in listed[1]
    assert _run("acl", folder, "--side", "centre") == 0
    assert "user gw-01\n" in capsys.readouterr().out
    assert _run("crl", folder) == 0
    entries = [json.loads(line) for line in (tmp_path / "ca" / "index").read_text().splitlines()]
    assert [entry["name"] for entry in entries] == [NODE, "gw-01"]


def test_the_command_line_answers_a_mistake_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("issue", str(tmp_path / "none"), NODE) == 1
    assert "ca init" in capsys.readouterr().err


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    pki_cli.add_arguments(parser)
    return pki_cli.run(parser.parse_args(arguments))


def _certificate(authority: Authority, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((authority.directory / f"{name}.pem").read_bytes())


def _crl(authority: Authority) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((authority.directory / "crl.pem").read_bytes())


def _purposes(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def _hosts(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]
