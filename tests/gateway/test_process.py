"""The gateway as a process between real brokers: nothing lost, whenever it is killed."""

import contextlib
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from centre_peer import CentrePeer
from gateway_kit import STRANGER, World, next_ack, wait_online, wait_word
from haidang_gateway.quarantine_retry import WISH
from haidang_gateway.store import check, queries
from haidang_gateway.store.schema import reading
from mqtt_peer import Peer
from node_packs import NODE, pack, smoke, status
from waiting import wait_until

ALARM = f"hd/1/n/{NODE}/alarm"
DATA = f"hd/1/n/{NODE}/data"
STATUS = f"hd/1/n/{NODE}/status"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _fire(seq: int) -> bytes:
    return pack(seq, *smoke("alarm"), unix_ms=_now_ms())


def test_a_fire_goes_from_node_to_centre_and_is_acknowledged_after_the_commit(
    world: World,
) -> None:
    with world.gateway() as gateway, world.node() as node, world.centre() as centre:
        wait_online(node)
        assert node.publish(ALARM, _fire(1)) == 0
        assert next_ack(node) == {"he": "9f3c01aa", "hb": 7, "s": [[1, 1]]}
        with reading(world.database) as connection:
            (state,) = (k for k in queries.rule_states(connection) if k.startswith("fire:"))
        assert state == "fire:market-3"
        (alarm,) = centre.wait_alarms(1)
        assert (alarm["hazard"], alarm["state"], alarm["rev"]) == ("fire", "suspected", 1)
        assert alarm["headline"]["vi"].startswith("Nghi")
        ((record, *_),) = centre.wait_packs(1)
        assert record["hs"] == 1
        centre.command("ack_alarm", alarm_id=alarm["id"], by="Trực ban 2")
        (_, acknowledged) = centre.wait_alarms(2)
        assert acknowledged["ack"]["by"] == "Trực ban 2"
        listed = world.command("alarm", "list")
        assert "Trực ban 2" in listed
        assert "đã tiếp nhận lúc" in listed
        assert world.command("alarm", "dismiss", "1") == "done\n"
        assert centre.wait_alarms(3)[2]["state"] == "dismissed"
        status = centre.wait_status()
        assert status["nodes_up"] in {0, 1}
        assert set(status["audit"]) == {"n", "chain"}
        assert gateway.end(signal.SIGTERM) == 0
        wait_word(node, "offline")


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "before_puback"])
def test_a_kill_around_the_commit_loses_no_alarm_and_doubles_none(
    world: World, point: str
) -> None:
    fire = _fire(1)
    with world.node() as node, world.centre() as centre:
        with world.gateway(HAIDANG_CRASH_AT=point) as gateway:
            wait_online(node)
            node.publish(ALARM, fire)
            assert gateway.wait() == -signal.SIGKILL
            wait_word(node, "offline")
        with reading(world.database) as connection:
            committed = len(queries.revisions(connection))
        assert committed == (0 if point == "before_commit" else 1)
        with world.gateway():
            wait_word(node, "online")
            # What a node does with a pack that was not acknowledged.
            node.publish(ALARM, fire)
            assert next_ack(node)["s"] == [[1, 1]]
            (alarm,) = centre.wait_alarms(1)
            assert alarm["rev"] == 1
            centre.wait_packs(1)
        with reading(world.database) as connection:
            assert len(queries.revisions(connection)) == 1
        assert len(centre.alarms) == len(centre.packs) == 1


def test_a_kill_inside_the_verification_window_still_confirms_the_fire(
    tmp_path: Path, ca_dir: Path
) -> None:
    with (
        World.open(tmp_path, ca_dir, smoke_verify_s=2) as world,
        world.node() as node,
        world.centre() as centre,
    ):
        with world.gateway() as gateway:
            wait_online(node)
            node.publish(ALARM, _fire(1))
            (suspected,) = centre.wait_alarms(1)
            assert gateway.end(signal.SIGKILL) == -signal.SIGKILL
        with world.gateway():
            (_, confirmed) = centre.wait_alarms(2)
        assert confirmed["id"] == suspected["id"]
        assert (confirmed["state"], confirmed["certainty"]) == ("confirmed", "Likely")


def test_what_breaks_the_contract_is_kept_with_its_reason_and_blocks_nothing(
    world: World,
) -> None:
    with world.gateway(), world.node() as node, world.node(STRANGER) as stranger:
        wait_online(node)
        assert node.publish(DATA, b'[{"bver":26}]') == 0
        assert node.publish(DATA, pack(1, node_source="urn:dev:mac:240ac4fffe000099")) == 0
        other = pack(1, node_source="urn:dev:mac:240ac4fffe000099")
        assert stranger.publish(f"hd/1/n/{STRANGER}/data", other) == 0
        assert node.publish(STATUS, b"{}") == 0
        assert node.publish(DATA, pack(2)) == 0
        acked: set[int] = set()
        # What has a readable name lies in quarantine, so its node need not keep it.
        while acked != {1, 2}:
            acked |= {seq for low, high in next_ack(node)["s"] for seq in range(low, high + 1)}
        shown = world.command("ledger")
    assert f"hd/1/n/{NODE}/data: the pack names {STRANGER}" in shown
    assert f"node {STRANGER} is not configured" in shown
    assert shown.count("quarantined: ") == 4


def test_a_duplicate_is_acknowledged_again_and_a_loss_is_booked(world: World) -> None:
    with world.gateway(), world.node() as node, world.centre() as centre:
        wait_online(node)
        for seq in (0, 1, 2, 2, 5):
            node.publish(DATA, pack(seq))
        got: set[int] = set()
        while got != {0, 1, 2, 5}:
            for low, high in next_ack(node)["s"]:
                got |= set(range(low, high + 1))
        node.publish(DATA, pack(5))
        assert next_ack(node)["s"] == [[5, 5]]
        boots = [{"hb": 7, "next": 7, "held": [[6, 6]], "dropped": [[3, 3, "full"]]}]
        node.publish(STATUS, status(boots=boots, up_ms=100), retain=True)
        wait_until(lambda: _sums(world).get("lost"), "the loss in the ledger")
        assert _sums(world) == {
            "received": 4,
            "duplicates": 2,
            "lost": 1,
            "dropped:full": 1,
        }
        assert len(centre.wait_packs(4)) == 4


def _sums(world: World) -> dict[str, int]:
    with reading(world.database) as connection:
        return queries.ledger_sums(connection)


def test_time_is_answered_before_anything_else(world: World) -> None:
    with world.gateway(), world.node() as node:
        wait_online(node)
        node.subscribe(f"hd/1/n/{NODE}/time")
        before_ms = _now_ms()
        node.publish(f"hd/1/n/{NODE}/time", b'{"nonce":17,"up_ms":400}')
        answer = _next_with(node, b"unix_ms")
        assert answer.startswith(b'{"nonce":17,"unix_ms":')
        unix_ms = int(answer.split(b":")[-1].rstrip(b"}"))
        assert before_ms - 5 <= unix_ms <= _now_ms() + 5


def _next_with(node: Peer, word: bytes) -> bytes:
    while True:
        payload = node.next().payload
        if word in payload:
            return bytes(payload)


def test_the_gateway_comes_back_after_its_broker_was_killed(world: World) -> None:
    with world.gateway():
        with world.node() as node:
            wait_online(node)
        world.broker.kill()
        world.broker.start()
        with world.node() as node, world.centre() as centre:
            wait_online(node)
            node.publish(ALARM, _fire(1))
            assert next_ack(node)["s"] == [[1, 1]]
            centre.wait_alarms(1)


def test_a_technician_has_the_quarantine_read_again_after_the_node_is_configured(
    world: World,
) -> None:
    wish = world.database.parent / WISH
    with world.node(STRANGER) as stranger, world.centre() as centre:
        with world.gateway() as gateway:
            wait_online(stranger)
            kept = pack(1, *smoke("alarm"), node_source="urn:dev:mac:240ac4fffe000099")
            stranger.publish(f"hd/1/n/{STRANGER}/alarm", kept)
            stranger.publish(f"hd/1/n/{STRANGER}/data", b"rubbish")
            wait_until(lambda: "2 messages" in world.command("quarantine", "list"), "quarantine")
            said = world.command("quarantine", "retry")
            assert said.startswith("0 of 2 messages were taken, 2 stay")
            assert not wish.exists()
            assert gateway.end(signal.SIGTERM) == 0
        with world.config.open("a", encoding="utf-8") as config:
            config.write(f'[[node]]\nid = "{STRANGER}"\nplace = "market-3"\n')
        # One that a stop cut short is served after the start.
        wish.touch(mode=0o600)
        with world.gateway():
            (record, *_) = centre.wait_packs(1)[0]
            assert (record["bn"], record["hs"]) == ("urn:dev:mac:240ac4fffe000099:", 1)
            wait_until(lambda: not wish.exists(), "the wish is served")
            assert world.command("quarantine", "list").endswith("1 messages\n")
            said = world.command("quarantine", "retry")
            assert said.startswith("0 of 1 messages were taken, 1 stay")
        assert len(centre.packs) == 1


def test_systemd_is_told_ready_alive_and_stopping(world: World) -> None:
    address = world.folder / "notify"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(10)
        with world.gateway(NOTIFY_SOCKET=str(address), WATCHDOG_USEC="200000") as gateway:
            assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            assert gateway.end(signal.SIGTERM) == 0
            words = {systemd.recv(100)}
            while b"STOPPING=1" not in words:
                words.add(systemd.recv(100))


def test_a_broken_database_is_rebuilt_and_the_centre_hears_of_it(world: World) -> None:
    def heard(centre: CentrePeer, hazard: str, rev: int) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            centre.read()
            return [a for a in centre.alarms if (a["hazard"], a["rev"]) == (hazard, rev)]

        return wait_until(found, f"revision {rev} of {hazard}")[0]

    with world.node() as node, world.centre() as centre:
        with world.gateway() as gateway:
            wait_online(node)
            node.publish(ALARM, _fire(1))
            fire = heard(centre, "fire", 1)
            assert gateway.end(signal.SIGKILL) == -signal.SIGKILL
        check.mark(world.database.parent, "told so by a test")
        with world.gateway():
            told = heard(centre, "device", 1)
            assert told["state"] == "confirmed"
            assert "dựng lại" in told["headline"]["vi"]
            centre.command("ack_alarm", alarm_id=fire["id"], by="Trực ban 2")
            assert heard(centre, "fire", 2)["id"] == fire["id"]


def test_a_wrong_configuration_ends_with_all_mistakes_and_status_2(world: World) -> None:
    text = world.config.read_text(encoding="utf-8").replace('place = "market-3"', 'place = "x"')
    world.config.write_text(text.replace("lat = 19", "lat = 119"), encoding="utf-8")
    with world.gateway() as gateway:
        assert gateway.wait() == 2
