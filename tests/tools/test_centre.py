"""The stand-in centre: checked, committed, acknowledged, in this order; nothing counted twice."""

import contextlib
import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from haidang_tools.brokers import Broker, certificates
from haidang_tools.fault_proxy import FaultProxy
from mqtt_peer import Peer
from running_centre import RunningCentre
from specimens import (
    ALARM_TOPIC,
    DATA_TOPIC,
    EPOCH,
    RECEIVED_MS,
    alarm_document,
    alarm_message,
    data_message,
    offline,
)
from waiting import DEADLINE_S, wait_until

ACK_TOPIC = "hd/1/g/gw-01/ack"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("centre") / "ca"
    certificates(path, "gw-01", "centre-01", "broker-centre")
    return path


@pytest.fixture(scope="module")
def broker(ca: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker("centre", ca, tmp_path_factory.mktemp("broker")) as running:
        yield running


def _acked(gateway: Peer, upto: int) -> list[int]:
    seqs: list[int] = []
    while len(seqs) < upto:
        ack = json.loads(gateway.next().payload)
        assert ack["epoch"] == EPOCH
        seqs += [seq for low, high in ack["s"] for seq in range(low, high + 1)]
    return sorted(seqs)


def test_what_is_acknowledged_is_in_the_ledger_and_a_duplicate_is_acknowledged_again(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    with RunningCentre(ca, broker.port, path) as centre, Peer(ca, "gw-01", broker.port) as gateway:
        gateway.subscribe(ACK_TOPIC)
        gateway.publish(ALARM_TOPIC, alarm_message(1, alarm_document()))
        gateway.publish(DATA_TOPIC, data_message(2))
        gateway.publish("hd/1/g/gw-01/status", offline())
        assert _acked(gateway, 2) == [1, 2]
        with sqlite3.connect(path) as connection:
            rows = connection.execute("SELECT seq, payload FROM message ORDER BY seq").fetchall()
        connection.close()
        assert rows[0] == (1, alarm_message(1, alarm_document()))
        assert len(rows) == 2
        gateway.publish(DATA_TOPIC, data_message(2))
        assert _acked(gateway, 1) == [2]
        wait_until(lambda: len(centre.messages) == 3, "three messages told")
        assert centre.numbers() == [1, 2]
        assert centre.centre.counts.duplicates == 1


def test_a_gateway_whose_record_lost_its_end_is_told(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    golden = Path(__file__).parents[1] / "golden" / "messages" / "gateway_status.online.json"
    status = golden.read_bytes()
    with (
        RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre,
        Peer(ca, "gw-01", broker.port) as gateway,
    ):
        for payload in (status, status, status.replace(b'"n":812', b'"n":800')):
            gateway.publish("hd/1/g/gw-01/status", payload)
        wait_until(lambda: centre.lost_ends, "a lost end")
        ((kept, told),) = centre.lost_ends
        assert (kept.n, told.n, told.gateway) == (812, 800, "gw-01")


def test_a_message_against_the_schema_is_acknowledged_and_reported(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    with (
        RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre,
        Peer(ca, "gw-01", broker.port) as gateway,
    ):
        gateway.subscribe(ACK_TOPIC)
        gateway.publish(ALARM_TOPIC, alarm_message(4, b'{"v":1}'))
        assert _acked(gateway, 1) == [4]
        wait_until(lambda: centre.refusals, "a refusal")
        assert "required" in centre.refusals[0].reason
        gateway.publish(DATA_TOPIC, b"no JSON at all")
        wait_until(lambda: len(centre.refusals) == 2, "two refusals")
        assert centre.numbers() == []


def test_a_ledger_that_cannot_be_written_acknowledges_nothing_until_it_can(
    ca: Path, broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ledger.db"
    with RunningCentre(ca, broker.port, path), Peer(ca, "gw-01", broker.port) as gateway:
        gateway.subscribe(ACK_TOPIC)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        gateway.publish(DATA_TOPIC, data_message(1))
        wait_until(lambda: "nothing was acknowledged" in caplog.text, "the failed commit")
        assert gateway.messages.empty()
        holder.execute("ROLLBACK")
        holder.close()
        assert _acked(gateway, 1) == [1]


def test_a_centre_with_a_full_queue_gives_the_broker_its_places_back(
    ca: Path,
    broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("haidang_tools.centre_server._RECEIVE_MAXIMUM", 4)
    path = tmp_path / "ledger.db"
    with RunningCentre(ca, broker.port, path) as centre, Peer(ca, "gw-01", broker.port) as gateway:
        gateway.subscribe(ACK_TOPIC)
        arrived = centre.centre._arrived
        monkeypatch.setattr(arrived, "maxsize", 0)
        monkeypatch.setattr(arrived, "put_nowait", _full)
        for seq in range(1, 10):
            gateway.publish(DATA_TOPIC, data_message(seq))
        wait_until(lambda: centre.centre.overrun == 9, "all are refused, none blocks the next")
        monkeypatch.undo()
        gateway.publish(DATA_TOPIC, data_message(1))
        assert _acked(gateway, 1) == [1]


def _full(_item: object) -> None:
    raise queue.Full


def test_a_puback_never_crosses_a_reconnect(
    ca: Path,
    broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acked: list[int] = []
    monkeypatch.setattr(paho.Client, "ack", lambda _client, mid, _qos: acked.append(mid))
    path = tmp_path / "ledger.db"
    with (
        FaultProxy(broker.port) as line,
        RunningCentre(ca, line.port, path) as centre,
        Peer(ca, "gw-01", broker.port) as gateway,
    ):
        gateway.subscribe(ACK_TOPIC)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            gateway.publish(DATA_TOPIC, data_message(1))
            wait_until(lambda: "nothing was acknowledged" in caplog.text, "it is in memory")
            line.set_up(False)
            wait_until(lambda: not centre.centre.subscribed.is_set(), "cut")
            line.set_up(True)
            wait_until(centre.centre.subscribed.is_set, "connected again")
            holder.execute("ROLLBACK")
        assert _acked(gateway, 1) == [1]
        gateway.publish(DATA_TOPIC, data_message(2))
        assert _acked(gateway, 1) == [2]
        wait_until(lambda: len(acked) == 1, "the second message's own PUBACK")


def test_the_centre_sends_a_command_to_one_gateway(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    with (
        RunningCentre(ca, broker.port, tmp_path / "ledger.db") as centre,
        Peer(ca, "gw-01", broker.port) as gateway,
    ):
        gateway.subscribe("hd/1/g/gw-01/cmd")
        command = {
            "id": "c-1",
            "do": "ack_alarm",
            "exp_ms": RECEIVED_MS,
            "args": {"alarm_id": f"gw-01-{EPOCH}-0001", "by": "Lan"},
        }
        centre.centre.send_command("gw-01", command)
        assert json.loads(gateway.next().payload) == command


def test_the_command_prints_json_lines_acknowledges_alarms_and_ends_with_its_sums(
    ca: Path, broker: Broker, tmp_path: Path
) -> None:
    confirmed = alarm_document(state="confirmed")
    with Peer(ca, "gw-01", broker.port) as gateway:
        gateway.subscribe("hd/1/g/gw-01/cmd")
        with subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *_arguments(ca, broker.port, tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            # Published again until the centre listens, as a gateway does.
            wait_until(
                lambda: gateway.publish(ALARM_TOPIC, alarm_message(1, confirmed)) == 0,
                "the centre's command listens",
            )
            line = json.loads(process.stdout.readline())
            command = json.loads(gateway.next().payload)
            process.send_signal(signal.SIGTERM)
            sums = json.loads(process.stdout.read().splitlines()[-1])
            assert process.wait(DEADLINE_S) == 0
    assert (line["kind"], line["alarm_id"], line["rev"]) == ("alarm", f"gw-01-{EPOCH}-0001", 1)
    assert line["delay_ms"] > 0
    assert command["args"] == {"alarm_id": line["alarm_id"], "by": "Lan"}
    assert (sums["kind"], sums["alarms"], sums["missing"]) == ("sums", 1, 0)


_PROGRAM = (
    "import argparse, sys; from haidang_tools import centre;"
    "p = argparse.ArgumentParser(); centre.add_arguments(p); sys.exit(centre.run(p.parse_args()))"
)


def _arguments(ca: Path, port: int, folder: Path) -> list[str]:
    return [
        f"--port={port}",
        f"--ca={ca / 'ca.pem'}",
        f"--cert={ca / 'centre-01.pem'}",
        f"--key={ca / 'centre-01.key'}",
        f"--ledger={folder / 'ledger.db'}",
        "--ack-alarms=Lan",
        "--json",
    ]
