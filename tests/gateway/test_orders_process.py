"""Commands through the running gateway: from the centre, and from a technician beside it."""

import contextlib
import json
import signal
import socket
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_kit import STRANGER, World, next_command, wait_online
from haidang_gateway.__main__ import main
from haidang_gateway.control import address
from haidang_gateway.store import queries
from haidang_gateway.store.schema import reading
from haidang_wire import messages
from mqtt_peer import Peer
from node_packs import NODE
from waiting import DEADLINE_S, wait_until

REPLY = f"hd/1/n/{NODE}/reply"
ACK = f"hd/1/n/{NODE}/ack"


@contextlib.contextmanager
def _listening(world: World) -> Iterator[Peer]:
    # Before the gateway: this peer has no session that would keep a command for it.
    with world.node() as node:
        node.subscribe(f"hd/1/n/{NODE}/cmd")
        yield node


def _reply(node: Peer, command: dict[str, object], **said: object) -> None:
    document = {"id": command["id"], "ok": True} | said
    assert node.publish(REPLY, messages.encode("reply", document)) == 0


def test_a_command_of_the_centre_survives_a_kill_and_both_replies_of_a_trial_come_back(
    world: World,
) -> None:
    with world.centre() as centre:
        with _listening(world) as node, world.gateway() as gateway:
            shown = centre.wait_status()
            assert shown["orders"] == {"waiting": 0, "taken": 0, "refused": 0, "expired": 0}
            assert shown["acks"] == {"late": 0, "foreign": 0, "unheard": 0}
            centre.order("o-1", NODE, "config", set={"log": "debug"})
            command = next_command(node)
            assert command["args"] == {"set": {"log": "debug"}}
            assert gateway.end(signal.SIGKILL) == -signal.SIGKILL
        with _listening(world) as node, world.gateway():
            assert next_command(node) == command, "the same id: executed once"
            _reply(node, command, out={"trial_s": 300})
            (first,) = centre.wait_replies(1)
            assert (first["cmd"], first["ok"], first["more"]) == ("o-1", True, True)
            _reply(node, command, ok=False, err="rolled back", hint="look at the broker")
            (_, second) = centre.wait_replies(2)
            assert (second["cmd"], second["err"]) == ("o-1", "rolled back")
            centre.order("o-2", STRANGER, "log")
            refused = centre.wait_replies(3)[2]
            assert f"{STRANGER} is not configured" in refused["err"]
    with reading(world.database) as connection:
        assert [row[2] for row in queries.audit_rows(connection)] == ["order"]
        assert queries.counters(connection) == {"orders": 1, "orders_refused": 1}


def _committed(node: Peer, payload: bytes) -> None:
    """Waits for the gateway's word that it has this reply on disk."""
    message = node.next()
    assert message.topic == ACK
    said = messages.decode("reply_ack", bytes(message.payload))
    assert said == {"reply": zlib.crc32(payload)}


def test_a_reply_that_a_killed_gateway_had_not_committed_reaches_the_centre_once(
    world: World,
) -> None:
    outcome = messages.encode("reply", {"id": "?", "ok": True, "out": {"kept": True}})
    with world.centre() as centre, world.node() as node:
        node.subscribe(f"hd/1/n/{NODE}/cmd")
        node.subscribe(ACK)
        with world.gateway(HAIDANG_CRASH_AT="reply_before_commit:2") as gateway:
            centre.wait_status()
            centre.order("o-1", NODE, "config", set={"log": "debug"})
            command = next_command(node)
            trial = messages.encode(
                "reply", {"id": command["id"], "ok": True, "out": {"trial_s": 300}}
            )
            assert node.publish(REPLY, trial) == 0
            _committed(node, trial)
            assert centre.wait_replies(1)[0]["more"] is True
            outcome = outcome.replace(b"?", str(command["id"]).encode())
            assert node.publish(REPLY, outcome) == 0, "the broker has taken it"
            assert gateway.wait() == -signal.SIGKILL
        with world.gateway():
            for _ in range(2):
                # As a node does it that was told nothing.
                wait_until(lambda: node.publish(REPLY, outcome) == 0, "the gateway is back")
                _committed(node, outcome)
            centre.order("o-2", NODE, "identify")
            _reply(node, next_command(node))
            said = centre.wait_replies(3)
    assert [(one["cmd"], one.get("out")) for one in said] == [
        ("o-1", {"trial_s": 300}),
        ("o-1", {"kept": True}),
        ("o-2", None),
    ]


def test_a_technician_at_the_gateway_gets_a_nodes_log(world: World) -> None:
    with _listening(world) as node, world.gateway() as gateway:
        wait_online(node)
        path = world.folder / "data" / "control"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with world.start("node", NODE, "log") as asking:
            command = next_command(node)
            assert command["do"] == "log"
            _reply(node, command, out={"lines": ["7/ 61234 W link: joining failed"]})
            told, _ = asking.communicate(timeout=DEADLINE_S)
        assert (asking.returncode, told) == (0, "7/ 61234 W link: joining failed\n")
        wait_until(lambda: f"log of {NODE} (local t-" in gateway.log, "who ordered it")
        assert gateway.end(signal.SIGTERM) == 0


def test_a_technician_sees_a_trial_to_its_end(world: World, tmp_path: Path) -> None:
    (tmp_path / "wifi.json").write_text('{"wifi": [{"ssid": "a"}], "log": null}')
    (tmp_path / "more.json").write_text('{"log": "debug", "smoke": {"pin": 4}}')
    files = [str(tmp_path / name) for name in ("wifi.json", "more.json")]
    with _listening(world) as node, world.gateway():
        wait_online(node)
        with world.start("node", NODE, "config", *files) as asking:
            command = next_command(node)
            assert command["args"] == {
                "set": {"wifi": [{"ssid": "a"}], "log": "debug", "smoke": {"pin": 4}}
            }
            _reply(node, command, out={"trial_s": 300})
            _reply(node, command, ok=False, err="rolled back: no gateway", hint="look there")
            told, _ = asking.communicate(timeout=DEADLINE_S)
        assert asking.returncode == 1
        first, *rest = told.splitlines()
        assert first.startswith("on trial for 300 s")
        assert rest == ["not done: rolled back: no gateway", "  look there"]


def test_a_technician_is_told_why_nothing_comes(world: World) -> None:
    with world.gateway(), world.node() as node:
        wait_online(node)
        for arguments, word in (
            (("node", STRANGER, "log"), f"not done: node {STRANGER} is not configured"),
            (("node", NODE, "log", "--wait", "1"), "did not answer before the command expired"),
        ):
            with world.start(*arguments) as asking:
                told, _ = asking.communicate(timeout=DEADLINE_S)
            assert asking.returncode == 1, told
            assert word in told
    with world.start("node", NODE, "log") as asking:
        told, _ = asking.communicate(timeout=DEADLINE_S)
    assert "start it: systemctl start haidang-gateway" in told


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["calibrate"], "calibrate needs the sensor"),
        (["calibrate", "flood", "350"], "write it as NAME=NUMBER"),
        (["reboot", "now"], "reboot takes nothing more; remove now"),
        (["config"], "config needs a JSON file"),
        (["calibrate", "flood", "level_mm=deep"], "level_mm=deep: write it as NAME=NUMBER"),
        (["calibrate", "flood", "level_mm=NaN"], "write it as NAME=NUMBER"),
        (["config", "/absent.json"], "/absent.json: cannot be read: No such file"),
        (["config", __file__], "it must be JSON"),
    ],
)
def test_a_slip_in_the_arguments_is_told_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(["node", NODE, *arguments, "--config", "/absent.toml"]) == 1
    assert word in capsys.readouterr().err


def _visit(folder: Path, request: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as visitor, address(folder) as path:
        visitor.settimeout(DEADLINE_S)
        visitor.connect(path)
        visitor.sendall(request)
        visitor.shutdown(socket.SHUT_WR)
        with visitor.makefile("rb") as answers:
            answer: dict[str, object] = json.loads(answers.readline())
    return answer


def test_the_socket_refuses_what_is_no_request_and_serves_the_next_one(world: World) -> None:
    with _listening(world) as node, world.gateway():
        wait_online(node)
        for request in (b"rubbish\n", b"[]\n", b"{}\n", b"x" * 40_000, b""):
            answer = _visit(world.folder / "data", request)
            assert answer["ok"] is False
            assert "not a readable request" in str(answer["err"])
        with world.start("node", NODE, "identify", "--json") as asking:
            _reply(node, next_command(node))
            told, _ = asking.communicate(timeout=DEADLINE_S)
        assert json.loads(told)["ok"] is True


def test_a_path_too_long_for_a_socket_is_reached_through_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 90) / ("y" * 90)
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, address(folder) as path:
        listener.bind(path)
    assert (folder / "control").is_socket()
