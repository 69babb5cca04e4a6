"""Who gets onto the real brokers, and what they may do there."""

import queue
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from haidang_tools.brokers import Broker, authority, certificates, render
from mqtt_peer import Peer
from waiting import wait_until

OWN, OTHER = "n-240ac4000001", "n-240ac4000002"
DENIED = 0x87
NOBODY = 0x10
OK = (0x00, NOBODY)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "ca"
    names = (OWN, OTHER, "gw-01", "gw-01-alarm", "gw-02", "centre-01", "broker-gateway")
    certificates(path, *names, "broker-centre")
    return path


@pytest.fixture(scope="module")
def gateway_broker(ca: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker("gateway", ca, tmp_path_factory.mktemp("gateway")) as broker:
        yield broker


@pytest.fixture(scope="module")
def centre_broker(ca: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker("centre", ca, tmp_path_factory.mktemp("centre")) as broker:
        yield broker


@pytest.mark.parametrize("kind", ["alarm", "data", "status", "reply", "time"])
def test_a_node_writes_its_own_topics_and_no_other_nodes(
    ca: Path, gateway_broker: Broker, kind: str
) -> None:
    with Peer(ca, OWN, gateway_broker.port) as node:
        assert node.publish(f"hd/1/n/{OWN}/{kind}") in OK
        assert node.publish(f"hd/1/n/{OTHER}/{kind}") == DENIED


@pytest.mark.parametrize(
    "topic", [f"hd/1/n/{OWN}/ack", f"hd/1/n/{OWN}/cmd", "hd/1/gw/status", "x"]
)
def test_a_node_may_not_write_what_the_gateway_says(
    ca: Path, gateway_broker: Broker, topic: str
) -> None:
    with Peer(ca, OWN, gateway_broker.port) as node:
        assert node.publish(topic) == DENIED


def test_a_node_hears_its_own_answers_and_nothing_of_its_neighbour(
    ca: Path, gateway_broker: Broker
) -> None:
    with (
        Peer(ca, OWN, gateway_broker.port) as node,
        Peer(ca, OTHER, gateway_broker.port) as neighbour,
        Peer(ca, "gw-01", gateway_broker.port) as gateway,
    ):
        node.subscribe("#")
        neighbour.publish(f"hd/1/n/{OTHER}/data", b"private")
        gateway.publish(f"hd/1/n/{OTHER}/cmd", b"not for you")
        assert gateway.publish(f"hd/1/n/{OWN}/ack", b"for you") == 0
        assert gateway.publish("hd/1/gw/status", b"for all") == 0
        assert [node.next().payload, node.next().payload] == [b"for you", b"for all"]
        with pytest.raises(queue.Empty):
            node.messages.get_nowait()


def test_a_message_that_nobody_hears_is_answered_so(ca: Path, gateway_broker: Broker) -> None:
    with Peer(ca, OWN, gateway_broker.port) as node:
        assert node.publish(f"hd/1/n/{OWN}/data") == NOBODY


def test_the_alarm_certificate_hears_alarms_and_status_alone(
    ca: Path, gateway_broker: Broker
) -> None:
    with (
        Peer(ca, OWN, gateway_broker.port) as node,
        Peer(ca, "gw-01-alarm", gateway_broker.port) as alarms,
    ):
        alarms.subscribe("hd/1/n/#")
        for kind in ("data", "reply", "time", "status", "alarm"):
            node.publish(f"hd/1/n/{OWN}/{kind}", kind.encode())
        assert [alarms.next().payload, alarms.next().payload] == [b"status", b"alarm"]
        assert alarms.publish(f"hd/1/n/{OWN}/ack") in OK
        assert alarms.publish(f"hd/1/n/{OWN}/cmd") == DENIED


def test_the_gateway_hears_data_and_cannot_speak_as_a_node(
    ca: Path, gateway_broker: Broker
) -> None:
    with (
        Peer(ca, OWN, gateway_broker.port) as node,
        Peer(ca, "gw-01", gateway_broker.port) as gateway,
    ):
        gateway.subscribe("hd/1/n/#")
        for kind in ("alarm", "status", "data", "reply", "time"):
            node.publish(f"hd/1/n/{OWN}/{kind}", kind.encode())
        assert [gateway.next().payload for _ in range(3)] == [b"data", b"reply", b"time"]
        for kind in ("alarm", "data", "status"):
            assert gateway.publish(f"hd/1/n/{OWN}/{kind}") == DENIED


def test_a_client_id_cannot_be_stolen(ca: Path, gateway_broker: Broker) -> None:
    with (
        Peer(ca, OWN, gateway_broker.port) as victim,
        Peer(ca, OTHER, gateway_broker.port, client_id=OWN) as thief,
    ):
        assert thief.publish(f"hd/1/n/{OWN}/alarm") == DENIED
        assert victim.publish(f"hd/1/n/{OWN}/alarm") in OK


def test_no_certificate_is_refused(ca: Path, gateway_broker: Broker) -> None:
    assert _refused(ca, None, gateway_broker)


def test_a_certificate_of_another_authority_is_refused(
    ca: Path, gateway_broker: Broker, tmp_path: Path
) -> None:
    certificates(tmp_path, OWN)
    assert _refused(tmp_path, OWN, gateway_broker, trust=ca)


def test_a_broker_of_another_authority_is_refused_by_the_client(
    ca: Path, gateway_broker: Broker, tmp_path: Path
) -> None:
    certificates(tmp_path)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    context.load_cert_chain(ca / f"{OWN}.pem", ca / f"{OWN}.key")
    with (
        socket.create_connection(("127.0.0.1", gateway_broker.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
        context.wrap_socket(plain, server_hostname="gateway.local"),
    ):
        pytest.fail("the client trusted a stranger's broker")


def test_a_servers_certificate_is_no_pass_for_a_client(ca: Path, gateway_broker: Broker) -> None:
    assert _refused(ca, "broker-centre", gateway_broker)


def test_a_revoked_certificate_is_refused_after_a_reload(tmp_path: Path) -> None:
    stolen = tmp_path / "stolen"
    certificates(tmp_path / "ca", OWN, OTHER, "broker-gateway")
    stolen.mkdir()
    for name in ("ca.pem", f"{OWN}.pem", f"{OWN}.key"):
        (stolen / name).write_bytes((tmp_path / "ca" / name).read_bytes())
    with Broker("gateway", tmp_path / "ca", tmp_path / "work") as broker:
        with Peer(stolen, OWN, broker.port):
            pass
        authority("revoke", tmp_path / "ca", OWN)
        broker.reload()
        wait_until(lambda: _refused(stolen, OWN, broker), "the revoked certificate is refused")
        assert "certificate revoked" in broker.log or "certificate verify failed" in broker.log
        with Peer(tmp_path / "ca", OTHER, broker.port):
            pass
        certificates(tmp_path / "ca", OWN)
        with Peer(tmp_path / "ca", OWN, broker.port) as replaced:
            assert replaced.publish(f"hd/1/n/{OWN}/data") == NOBODY


def test_a_gateway_writes_to_the_centre_in_its_own_name_only(
    ca: Path, centre_broker: Broker
) -> None:
    with Peer(ca, "gw-01", centre_broker.port) as gateway:
        for item in (
            "alarm/gw-01-00000000-0001",
            "cap/x",
            "data",
            "ngsi",
            "status",
            "reply",
            "reply/centre-1",
        ):
            assert gateway.publish(f"hd/1/g/gw-01/{item}") in OK
            assert gateway.publish(f"hd/1/g/gw-02/{item}") == DENIED
        for item in ("ack", "cmd"):
            assert gateway.publish(f"hd/1/g/gw-01/{item}") == DENIED


def test_the_centre_hears_all_gateways_and_answers_each_alone(
    ca: Path, centre_broker: Broker
) -> None:
    with (
        Peer(ca, "gw-01", centre_broker.port) as first,
        Peer(ca, "gw-02", centre_broker.port) as second,
        Peer(ca, "centre-01", centre_broker.port) as centre,
    ):
        centre.subscribe("hd/1/g/+/#")
        first.subscribe("#")
        second.subscribe("#")
        assert first.publish("hd/1/g/gw-01/alarm/a", b"1") == 0
        assert second.publish("hd/1/g/gw-02/data", b"2") == 0
        assert {centre.next().payload, centre.next().payload} == {b"1", b"2"}
        assert centre.publish("hd/1/g/gw-01/ack", b"ack 1") == 0
        assert centre.publish("hd/1/g/gw-02/cmd", b"cmd 2") == 0
        assert (first.next().payload, second.next().payload) == (b"ack 1", b"cmd 2")
        assert first.messages.empty()
        assert second.messages.empty()
        assert centre.publish("hd/1/g/gw-01/alarm/a") == DENIED


def test_a_node_has_no_rights_at_the_centre(ca: Path, centre_broker: Broker) -> None:
    with Peer(ca, OWN, centre_broker.port) as node:
        assert node.publish(f"hd/1/g/{OWN}/alarm/a") == DENIED
        assert node.publish("hd/1/g/gw-01/alarm/a") == DENIED


def test_rendering_refuses_a_directive_that_the_file_lacks() -> None:
    assert render("listener 1\nuser a\n", {"listener": "2 ::1"}) == "listener 2 ::1\nuser a\n"
    with pytest.raises(KeyError):
        render("listener 1\n", {"port": 2})


def _refused(ca: Path, name: str | None, broker: Broker, trust: Path | None = None) -> bool:
    """Whether the broker breaks the connection off."""
    peer = Peer(ca, name, broker.port, trust=trust)
    try:
        with peer:
            return False
    except OSError:
        return True
