"""A node on a serial link, whole, on the virtual board: real MicroPython, a stand-in master."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_kit import World, issue_all
from haidang_board.rig import Board
from haidang_board.world_serial import Line
from haidang_wire import ranges
from stand_in_gateway import explained
from stand_in_master import StandInMaster
from waiting import wait_until

from node_bench import MAC, NODE, Boards

KEY = bytes(range(100, 132))
RX_PIN = 4

pytestmark = pytest.mark.usefixtures("told_console")


def serial_settings(baud: int = 115200, **sensors: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "serial": {"uart": 1, "rx_pin": RX_PIN, "tx_pin": 5, "de_pin": 18, "baud": baud},
        "sensors": sensors or {"smoke": {"warmup_s": 0, "burn_in_h": 0, "latch_s": 5}},
        "report_s": 1,
        "heartbeat_s": 5,
    }


class SerialBench(Boards):
    """Boards with a line each."""

    def board(
        self, line: Line, document: dict[str, Any], mac: str = MAC, key: bytes = KEY
    ) -> Board:
        """A flashed and provisioned board without power, its UART on the line."""
        own = {"/cert/serial.key": key, "/node.json": json.dumps(document).encode()}
        board = self.flashed(own, mac)
        board.world.lines[line.rx_pin] = line
        return board


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> SerialBench:
    return SerialBench(tmp_path_factory.mktemp("serial"))


@pytest.fixture
def line() -> Iterator[Line]:
    with Line(RX_PIN) as line:
        yield line


def test_a_smoke_alarm_goes_over_the_serial_link_and_is_freed(
    bench: SerialBench, line: Line
) -> None:
    board = bench.board(line, serial_settings())
    with board, StandInMaster([line.port], {NODE: KEY}, echo=True) as master:
        board.power_on()
        wait_until(lambda: master.seen("smoke/ratio"), "a reading")
        board.world.smoke_ppm = 2000
        wait_until(lambda: "alarm" in master.seen("smoke/state"), "the alarm")
        wait_until(lambda: board.pin(25) == 1, "the siren")
        alarms = {k for k in master.packs if master.lanes[k] == "alarm"}
        wait_until(lambda: _freed(master, alarms), "the alarm is no longer held")
        wait_until(lambda: any(p[0].unix_ms for p in master.packs.values()), "a pack with time")
        wait_until(lambda: master.seen("node/heap_min"), "the node's figures")
        print("least heap free:", min(master.seen("node/heap_min")))
        assert master.statuses[-1]["sensors"] == ["smoke"]
        assert master.bad == []
        assert master.sessions == 1
        assert master.peers[NODE].refused == 0


def _freed(master: StandInMaster, keys: set[tuple[str, int, int]]) -> bool:
    if not master.statuses:
        return False
    held = [lo_hi for row in master.statuses[-1]["boots"] for lo_hi in row["held"]]
    told = master.statuses[-1]["boots"][-1]["next"]
    return all(seq < told and not any(lo <= seq <= hi for lo, hi in held) for _, _, seq in keys)


def test_commands_are_taken_answered_and_executed_once(bench: SerialBench, line: Line) -> None:
    board = bench.board(line, serial_settings())
    with board, StandInMaster([line.port], {NODE: KEY}) as master:
        board.power_on()
        wait_until(lambda: any(p[0].unix_ms for p in master.packs.values()), "a pack with time")
        master.order("identify", "c-1")
        wait_until(lambda: master.replies, "the reply")
        assert master.taken == ["c-1"]
        assert master.replies[0]["ok"] is True, master.replies
        master.order("reboot", "c-2")
        wait_until(lambda: board.boots == 2, "the restart")
        wait_until(lambda: master.sessions == 2, "a session of the new boot")
        wait_until(lambda: "c-2" in [reply["id"] for reply in master.replies], "its reply")
        assert board.boots == 2


def test_an_alarm_goes_from_the_wire_through_the_gateway_to_the_centre_and_an_order_back(
    bench: SerialBench, line: Line, tmp_path: Path
) -> None:
    issue_all(tmp_path / "certificates")
    key = tmp_path / "keys" / f"{NODE}.serial.key"
    key.parent.mkdir()
    key.write_bytes(KEY)
    key.chmod(0o600)
    (tmp_path / "world").mkdir()
    board = bench.board(line, serial_settings())
    with World.open(tmp_path / "world", tmp_path / "certificates", 1.0) as world, board:
        with world.config.open("a", encoding="utf-8") as config:
            config.write(
                f'[[serial]]\ndevice = "{line.port}"\nnodes = ["{NODE}"]\nkeys = "{key.parent}"\n'
            )
        board.power_on()
        with world.gateway(), world.centre() as centre:
            centre.wait_packs(1)
            # Without its broker the gateway still hears who is wired to it.
            world.broker.stop()
            board.world.smoke_ppm = 2000
            alarm = centre.wait_alarms(1)[0]
            assert (alarm["hazard"], alarm["evidence"][0]["kind"]) == ("fire", "smoke")
            centre.order("o-1", NODE, "identify")
            assert centre.wait_replies(1)[0]["ok"] is True
    sums = json.loads(world.command("ledger", "--json"))
    assert sums["received"] > 0
    assert (sums["lost"], sums["quarantined"]) == (0, 0)


def test_a_new_configuration_is_tried_and_kept_over_the_serial_link(
    bench: SerialBench, line: Line
) -> None:
    board = bench.board(line, serial_settings())
    with board, StandInMaster([line.port], {NODE: KEY}) as master:
        board.power_on()
        wait_until(lambda: any(p[0].unix_ms for p in master.packs.values()), "a pack with time")
        master.order("config", "c-1", set={"serial": {"uart": 2, "rx_pin": 4, "baud": 5}})
        wait_until(lambda: master.replies, "the refusal")
        assert "baud is 5" in master.replies[0]["err"]
        master.order("config", "c-2", set={"report_s": 2})
        wait_until(lambda: _outcome(master, "c-2"), "the trial's end", 60)
        assert _outcome(master, "c-2")["ok"] is True, master.replies
        assert board.boots == 2


def _outcome(master: StandInMaster, order_id: str) -> dict[str, Any]:
    told = [r for r in master.replies if r["id"] == order_id]
    ends = [r for r in told if not (r["ok"] and "trial_s" in r.get("out", {}))]
    return ends[-1] if ends else {}


def test_safe_mode_is_reached_over_the_serial_link(bench: SerialBench, line: Line) -> None:
    board = bench.board(line, serial_settings())
    with board, StandInMaster([line.port], {NODE: KEY}) as master:
        board.power_on()
        wait_until(lambda: bool(master.packs), "the application")
        board.power_off()
        kept = json.loads(bench.nvs.read_text())
        kept["haidang"]["fails"] = "i3"
        bench.nvs.write_text(json.dumps(kept))
        master.packs.clear()
        board.power_on()
        wait_until(lambda: any(s.get("mode") == "safe" for s in master.statuses), "safe mode")
        master.order("log", "c-1")
        wait_until(lambda: master.replies, "the log")
        assert master.replies[0]["ok"] is True, master.replies
        assert master.packs == {}


def test_packs_wait_for_a_master_that_is_away(bench: SerialBench, line: Line) -> None:
    board = bench.board(line, serial_settings())
    with board:
        board.power_on()
        board.world.smoke_ppm = 2000
        wait_until(lambda: b"smoke: alarm" in board.console, "the alarm on the node")
        with StandInMaster([line.port], {NODE: KEY}, acknowledging=False) as master:
            wait_until(lambda: "alarm" in master.seen("smoke/state"), "the alarm")
            (epoch, boot, _) = next(iter(master.packs))
            earlier = set(master.packs)
        board.power_off()
        board.power_on()
        with StandInMaster([line.port], {NODE: KEY}) as later:
            wait_until(lambda: "alarm" in later.seen("smoke/state"), "the alarm once more")
            wait_until(lambda: explained(later, epoch, boot, earlier), "every number", 60)  # type: ignore[arg-type]


def test_a_master_with_another_key_hears_nothing(bench: SerialBench, line: Line) -> None:
    board = bench.board(line, serial_settings())
    with board, StandInMaster([line.port], {NODE: bytes(32)}) as master:
        board.power_on()
        wait_until(lambda: master.peers[NODE].lost >= 2, "polls without an answer")
        assert master.up_bytes == 0


def test_a_node_without_a_usable_key_still_watches_and_sounds(
    bench: SerialBench, line: Line
) -> None:
    board = bench.board(line, serial_settings(), key=b"too short")
    with board, StandInMaster([line.port], {NODE: KEY}) as master:
        board.power_on()
        wait_until(lambda: b"serial.key cannot be used" in board.console, "the reason")
        board.world.smoke_ppm = 2000
        wait_until(lambda: board.pin(25) == 1, "the siren")
        assert board.boots == 1
        assert master.up_bytes == 0


def test_a_wrong_baud_rate_gives_silence_and_the_right_one_packs(bench: SerialBench) -> None:
    with Line(RX_PIN, baud=9600) as line:
        board = bench.board(line, serial_settings(baud=9600))
        with board, StandInMaster([line.port], {NODE: KEY}, baud=9600, paced=True) as master:
            line.baud = 19200
            board.power_on()
            wait_until(lambda: master.peers[NODE].lost >= 2, "polls without an answer")
            line.baud = 9600
            wait_until(lambda: master.seen("smoke/ratio"), "a reading")
            assert board.world.pin(18) in (0, 1), "the bus driver's pin is driven"


def test_two_boards_share_a_bus_with_noise(bench: SerialBench, line: Line) -> None:
    second = "240ac4000002"
    dice = random.Random(3)
    with Line(RX_PIN) as other:
        first_board = bench.board(line, serial_settings())
        second_board = bench.board(other, serial_settings(), mac=second, key=bytes(32))
        keys = {NODE: KEY, f"n-{second}": bytes(32)}
        with first_board, second_board, StandInMaster([line.port, other.port], keys) as master:
            master.spoil = lambda data: _spoilt(data, dice)
            first_board.power_on()
            second_board.power_on()
            wait_until(lambda: {"ok"} <= set(master.seen("smoke/health")), "readings", 60)
            first_board.world.smoke_ppm = 2000
            second_board.world.smoke_ppm = 2000
            wait_until(lambda: _nodes_in_alarm(master) == set(keys), "both alarms", 60)
            # Power fails somewhere in a frame; what was promised comes from the next boot.
            earlier = _of(master, NODE)
            first_board.power_off()
            first_board.power_on()
            wait_until(lambda: 2 in {boot for _, boot, _ in _of(master, NODE)}, "boot 2", 60)
            wait_until(lambda: _lost(master, earlier) == [], "every number of boot 1", 60)
            assert master.bad == []
            assert master.bus.damaged + master.bus.strange > 0


def _of(master: StandInMaster, node: str) -> dict[tuple[str, int, int], str]:
    """A node's packs and their lanes."""
    packs = list(master.packs.items())
    return {key: master.lanes[key] for key, copies in packs if copies[0].node == node}


def _lost(master: StandInMaster, earlier: dict[tuple[str, int, int], str]) -> list[list[int]]:
    """Numbers of the first boot that neither came nor are told as held or dropped."""
    (epoch,) = {key[0] for key in earlier}
    rows = [
        row
        for status in master.statuses
        if status["he"] == epoch and status["hb"] == 2
        for row in status["boots"]
        if row["hb"] == 1
    ]
    received = sorted(key[2] for key in _of(master, NODE) if key[:2] == (epoch, 1))
    numbers = ranges.from_sorted(received)
    if not rows:
        # All of it was acknowledged before the cut.
        return ranges.gaps(numbers, 0, numbers[-1][1] + 1)
    for lo, hi in rows[-1]["held"] + [drop[:2] for drop in rows[-1]["dropped"]]:
        ranges.add_range(numbers, lo, hi)
    return ranges.gaps(numbers, 0, rows[-1]["next"])


def _spoilt(data: bytes, dice: random.Random) -> bytes:
    # A piece is 32 bytes: about every seventh full frame is spoilt.
    if dice.random() > 0.02:
        return data
    at = dice.randrange(len(data))
    return data[:at] + dice.randbytes(dice.randint(1, 3)) + data[at + dice.randint(0, 2) :]


def _nodes_in_alarm(master: StandInMaster) -> set[str]:
    return {
        pack.node
        for copies in list(master.packs.values())
        for pack in copies
        for record in pack.records
        if (record.name, record.value) == ("smoke/state", "alarm")
    }
