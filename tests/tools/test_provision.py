"""`haidang provision` on a virtual board: identity, certificate, configuration."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from haidang_board.rig import Board
from haidang_tools.__main__ import main
from haidang_tools.board import SerialBoard
from haidang_tools.errors import InputRefused
from haidang_tools.flash import SOURCE
from haidang_tools.provision import provision
from waiting import DEADLINE_S

NODE = "n-240ac4000017"
CONFIG = {
    "v": 1,
    "wifi": [{"ssid": "demo", "key": "secret"}],
    "broker": {"host": "127.0.0.1", "port": 8883, "server_name": "gateway.local"},
    "sensors": {"flood": {}},
}
CHECKER = (
    "import json\ndef load(path):\n    document = json.load(open(path))\n"
    "    if 'sensors' not in document:\n        raise ValueError('sensors is missing')\n"
)
# What a node's trial of a configuration needs of the application.
TRIAL = "errors loading log orders refusals commands status trial trial_files"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    image = tmp_path_factory.mktemp("provision") / "flash.img"
    with Board(image, NODE.removeprefix("n-")) as board:
        board.power_on()
        yield board


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca") / "pki"
    command = [str(Path(sys.executable).parent / "haidang-gateway"), "ca", "init", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_the_board_gets_its_own_certificate_and_configuration(
    board: Board, ca: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["provision", "--port", board.port, "--ca", str(ca), "--node", "auto"]
    assert main([*words, "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert NODE in said.out
    assert "nobody has checked node.json" in said.err
    with SerialBoard(board.port) as serial:
        certificate = x509.load_der_x509_certificate(serial.get("/cert/node.der"))
        assert serial.get("/cert/ca.der") == (ca / "ca.der").read_bytes()
        assert serial.get("/cert/node.key") == (ca / f"{NODE}.key.der").read_bytes()
        assert json.loads(serial.get("/node.json")) == CONFIG
    assert certificate.subject.rfc4514_string() == f"CN={NODE}"


def test_a_serial_node_gets_a_key_that_only_its_owner_may_read(
    board: Board, ca: Path, tmp_path: Path
) -> None:
    config = tmp_path / "serial.json"
    serial_link = {"uart": 1, "rx_pin": 4, "tx_pin": 5}
    config.write_text(json.dumps({"v": 1, "serial": serial_link, "sensors": {"flood": {}}}))
    kept = ca / f"{NODE}.serial.key"
    with SerialBoard(board.port) as serial:
        provision(serial, ca, config)
        key = kept.read_bytes()
        assert serial.get("/cert/serial.key") == key
        assert len(key) == 32
        assert kept.stat().st_mode & 0o777 == 0o600
        provision(serial, ca, config)
        assert kept.read_bytes() == key
        provision(serial, ca, config, renew=True)
        assert serial.get("/cert/serial.key") == kept.read_bytes() != key
        kept.write_bytes(b"cut")
        with pytest.raises(InputRefused, match="no serial key"):
            provision(serial, ca, config)
    kept.unlink()


def test_doing_it_again_changes_nothing_and_renewing_changes_the_certificate(
    board: Board, ca: Path, config: Path
) -> None:
    with SerialBoard(board.port) as serial:
        provision(serial, ca, config)
        before = serial.digests(["/cert/node.der", "/cert/node.key", "/node.json"])
        assert provision(serial, ca, config) == NODE
        assert serial.digests(list(before)) == before
        provision(serial, ca, config, renew=True)
        assert serial.digests(["/cert/node.der"])["/cert/node.der"] != before["/cert/node.der"]


def test_another_board_than_expected_is_refused(board: Board, ca: Path, config: Path) -> None:
    with SerialBoard(board.port) as serial, pytest.raises(InputRefused, match=f"is {NODE}"):
        provision(serial, ca, config, "n-240ac4000099")


def test_what_cannot_work_is_refused_before_the_board_is_changed(
    board: Board, ca: Path, config: Path, tmp_path: Path
) -> None:
    with SerialBoard(board.port) as serial:
        with pytest.raises(InputRefused, match="ca init"):
            provision(serial, tmp_path, config)
        (tmp_path / "bad.json").write_text("{")
        with pytest.raises(InputRefused, match="is not JSON"):
            provision(serial, ca, tmp_path / "bad.json")
        with pytest.raises(InputRefused, match="cannot be read"):
            provision(serial, ca, tmp_path / "absent.json")


def test_the_application_on_the_board_judges_the_configuration(
    board: Board, ca: Path, config: Path
) -> None:
    with SerialBoard(board.port) as serial:
        provision(serial, ca, config)
        serial.put("/haidang_node/__init__.py", b"")
        serial.put("/haidang_node/config.py", CHECKER.encode())
        broken = {key: value for key, value in CONFIG.items() if key != "sensors"}
        config.write_text(json.dumps(broken))
        with pytest.raises(InputRefused, match="sensors is missing"):
            provision(serial, ca, config)
        assert json.loads(serial.get("/node.json")) == CONFIG
        serial.remove("/haidang_node/config.py")


def test_a_configuration_on_trial_does_not_take_the_place_of_the_one_given_by_hand(
    board: Board, ca: Path, config: Path
) -> None:
    with SerialBoard(board.port) as serial:
        for name in ("__init__", *TRIAL.split()):
            path = f"haidang_node/{name}.py"
            serial.put(f"/{path}", (SOURCE / path).read_bytes())
        serial.put("/node.trial", b"{}")
        serial.put("/node.trial.id", b"c-9")
        provision(serial, ca, config)
        assert json.loads(serial.get("/node.json")) == CONFIG
        left = serial.digests(["/node.trial", "/node.trial.id"])
        assert left == {"/node.trial": "", "/node.trial.id": ""}
        owed = json.loads(serial.get("/outbox/orders").splitlines()[0])
        assert [(reply["id"], reply["ok"]) for reply in owed] == [("c-9", False)]
        assert "rolled back: another one was written by USB" in owed[0]["err"]
        # Nothing is on trial any more: nothing is told.
        provision(serial, ca, config)
        assert json.loads(serial.get("/outbox/orders").splitlines()[0]) == owed
