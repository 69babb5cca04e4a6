"""`haidang provision`: gives a node its name, its certificate and its configuration."""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from haidang_wire import topics
from haidang_wire.serial_frames import KEY_BYTES

from haidang_tools.board import SerialBoard
from haidang_tools.errors import InputRefused, ToolError

_ISSUE_S = 60
_RENEW_BEFORE = timedelta(days=30)
# The certificate before the configuration: a node with a configuration can always connect.
_FILES = (
    ("/cert/ca.der", "ca.der"),
    ("/cert/node.der", "{node}.der"),
    ("/cert/node.key", "{node}.key.der"),
)
# A node on a serial link has no certificate: one key that it shares with the gateway.
_SERIAL_FILES = (("/cert/serial.key", "{node}.serial.key"),)
_CHECK = """
try:
 from haidang_node.config import load
except ImportError:
 print('absent')
else:
 try:
  load('/node.json.given')
  print('good')
 except Exception as e:
  print(e)
"""
# A configuration that is still on trial would take the new one's place. It ends in the node's
# own words, so that whoever sent it hears what became of it.
_END_TRIAL = """
try:
 from haidang_node import trial
 from haidang_node.orders import PATH, Orders
 from haidang_node.trial_files import is_on
except ImportError:
 pass
else:
 if is_on(''):
  orders = Orders(PATH, None, None)
  orders.open()
  trial.roll_back('', orders, 'another one was written by USB')
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--port", required=True, help="serial port, for example /dev/ttyUSB0")
    parser.add_argument("--ca", required=True, type=Path, help="folder of `haidang-gateway ca`")
    parser.add_argument("--config", required=True, type=Path, help="the node's node.json")
    parser.add_argument(
        "--node", default="auto", help="the name this board must have; auto: whatever it has"
    )
    parser.add_argument(
        "--renew", action="store_true", help="issue a new certificate or serial key"
    )


def run(args: argparse.Namespace) -> int:
    """Provision one board."""
    with SerialBoard(args.port) as board:
        node = provision(board, args.ca, args.config, args.node, renew=args.renew)
        board.reset()
    print(f"{args.port}: this board is {node}; identity and node.json written, restarted")
    return 0


def provision(
    board: SerialBoard, ca: Path, config: Path, expected: str = "auto", *, renew: bool = False
) -> str:
    """Write identity and configuration of one board and return the node's name.

    Doing it again changes nothing; a certificate with less than 30 days left is renewed. A node
    with a serial link gets a key instead, kept beside the certificates of the authority.
    Raises InputRefused or another ToolError, before anything is written where possible.
    """
    document = _document(config)
    if not (ca / "ca.der").is_file():
        raise InputRefused(f"{ca} holds no certificate authority: haidang-gateway ca init {ca}")
    node = topics.node_id(board.facts().mac)
    if expected not in ("auto", node):
        raise InputRefused(f"{board.port}: this board is {node}, not {expected}; wrong board?")
    check_on_board(board, document)
    serial = "serial" in json.loads(document)
    if serial:
        _draw_key(ca / f"{node}.serial.key", renew)
    elif renew or not _in_force(ca, node):
        _issue(ca, node)
    for path, name in _SERIAL_FILES if serial else _FILES:
        _put_if_changed(board, path, (ca / name.format(node=node)).read_bytes())
    board.execute(_END_TRIAL)
    _put_if_changed(board, "/node.json", document)
    return node


def _document(config: Path) -> bytes:
    try:
        document = json.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused(f"{config} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputRefused(f"{config} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputRefused(f"{config} must hold one object in {{ }}")
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def check_on_board(board: SerialBoard, document: bytes) -> None:
    """Let the application itself judge a node.json, where it is on the board already.

    InputRefused with all that it says.
    """
    board.put("/node.json.given", document)
    verdict = board.execute(_CHECK).strip()
    board.remove("/node.json.given")
    if verdict == "absent":
        sys.stderr.write(
            f"{board.port}: the application is not on the board yet, so nobody has checked "
            f"node.json: run `haidang flash --port {board.port}`, then this once more\n"
        )
    elif verdict != "good":
        raise InputRefused(f"{board.port}: the node refuses this configuration: {verdict}")


def _in_force(ca: Path, node: str) -> bool:
    path = ca / f"{node}.der"
    if not path.is_file() or not (ca / f"{node}.key.der").is_file():
        return False
    certificate = x509.load_der_x509_certificate(path.read_bytes())
    return certificate.not_valid_after_utc > datetime.now(UTC) + _RENEW_BEFORE


def _draw_key(path: Path, renew: bool) -> None:
    """A serial key on disk, readable by its owner alone; whole or not there at all."""
    if path.is_file() and not renew:
        if path.stat().st_size != KEY_BYTES:
            raise InputRefused(
                f"{path} is no serial key: bring it back from the backup, or --renew"
            )
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".serial-")  # has mode 0600
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def _issue(ca: Path, node: str) -> None:
    authority = str(Path(sys.executable).parent / "haidang-gateway")
    try:
        done = subprocess.run(
            [authority, "ca", "issue", str(ca), node],
            capture_output=True,
            text=True,
            timeout=_ISSUE_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(f"{authority} is not installed here; run make setup") from error
    if done.returncode != 0:
        raise InputRefused(f"no certificate for {node}: {done.stderr.strip()}")


def _put_if_changed(board: SerialBoard, path: str, data: bytes) -> None:
    if board.digests([path])[path] and board.get(path) == data:
        return
    board.put(path, data)
