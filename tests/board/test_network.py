"""Wi-Fi as firmware meets it: joining, loss, connections that stall, power cuts."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from haidang_board.rig import Board
from haidang_tools.board import SerialBoard
from haidang_tools.errors import BoardRefused
from waiting import wait_until

JOIN = """
import network, socket, time
w = network.WLAN(network.WLAN.IF_STA)
w.active(True)
w.connect('demo', 'secret')
for _ in range(200):
    if w.isconnected():
        break
    time.sleep_ms(20)
"""
OPEN = """
s = socket.socket()
s.connect(socket.getaddrinfo('127.0.0.1', {port})[0][-1])
s.setblocking(False)
def got():
    try:
        return s.recv(99)
    except OSError as e:
        return e.args[0]
"""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(5)
        yield listener


def connect(serial: SerialBoard, server: socket.socket) -> socket.socket:
    serial.execute(JOIN + OPEN.format(port=server.getsockname()[1]))
    peer, _ = server.accept()
    peer.settimeout(0.4)
    return peer


def test_joining_takes_a_moment_and_wants_the_right_key(board: Board) -> None:
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            "import network, time\nw = network.WLAN()\nw.active(True)\n"
            "w.connect('demo', 'wrong')\na = w.status()\ntime.sleep_ms(300)\nb = w.status()\n"
            "w.connect('elsewhere', 'x')\n"
            "time.sleep_ms(300)\nc = w.status()\nw.connect('demo', 'secret')\ntime.sleep_ms(300)\n"
            "print(a, b, c, w.status(), w.isconnected(), w.status('rssi'))"
        )
    assert printed.split() == ["1001", "202", "201", "1010", "True", "-60"]


def test_without_wifi_no_name_is_found(board: Board) -> None:
    with SerialBoard(board.port) as serial, pytest.raises(BoardRefused, match="-202"):
        serial.execute(
            "import network, socket\nnetwork.WLAN().active(False)\n"
            "socket.getaddrinfo('127.0.0.1', 80)"
        )


def test_bytes_go_both_ways(board: Board, server: socket.socket) -> None:
    with SerialBoard(board.port) as serial, closing(connect(serial, server)) as peer:
        serial.execute("s.send(b'up')")
        assert peer.recv(9) == b"up"
        peer.sendall(b"down")
        assert serial.execute("time.sleep_ms(100)\nprint(got())").strip() == "b'down'"


def test_a_connection_stalls_without_wifi_and_goes_on_with_it(
    board: Board, server: socket.socket
) -> None:
    with SerialBoard(board.port) as serial, closing(connect(serial, server)) as peer:
        board.world.wifi_up = False
        assert serial.execute("time.sleep_ms(400)\nprint(w.isconnected())").strip() == "False"
        serial.execute("s.send(b'late')")
        with pytest.raises(TimeoutError):
            peer.recv(9)
        board.world.wifi_up = True
        peer.settimeout(5)
        assert peer.recv(9) == b"late"
        assert serial.execute("print(w.isconnected())").strip() == "True"


def test_a_peer_that_hangs_up_ends_the_connection(board: Board, server: socket.socket) -> None:
    with SerialBoard(board.port) as serial:
        connect(serial, server).close()
        assert serial.execute("time.sleep_ms(200)\nprint(got())").strip() == "b''"


def test_a_port_where_nobody_listens_ends_the_connection(board: Board) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with SerialBoard(board.port) as serial:
        serial.execute(JOIN + OPEN.format(port=port))
        assert serial.execute("time.sleep_ms(200)\nprint(got())").strip() in ("b''", "104")


def test_a_power_cut_leaves_the_peer_half_open_until_the_board_is_back(
    fresh: Callable[..., Board], server: socket.socket
) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        peer = connect(serial, server)
        board.power_off()
    with pytest.raises(TimeoutError):
        peer.recv(9)
    board.power_on()
    with SerialBoard(board.port) as serial:
        connect(serial, server).close()
    peer.settimeout(5)
    assert peer.recv(9) == b""
    peer.close()


def test_a_soft_reset_hangs_up(board: Board, server: socket.socket) -> None:
    with SerialBoard(board.port) as serial:
        peer = connect(serial, server)
    boots = board.boots
    with SerialBoard(board.port):
        wait_until(lambda: board.boots > boots, "the soft reset")
    peer.settimeout(5)
    assert peer.recv(9) == b""
    peer.close()


def test_what_was_sent_just_before_a_reset_arrives(board: Board, server: socket.socket) -> None:
    with SerialBoard(board.port) as serial:
        peer = connect(serial, server)
        serial._transport.exec_raw_no_follow(
            "import machine\ns.send(b'last')\ns.send(b' words')\nmachine.reset()"
        )
        peer.settimeout(5)
        assert peer.recv(4) == b"last"
        assert peer.recv(9) == b" words"
        peer.close()
