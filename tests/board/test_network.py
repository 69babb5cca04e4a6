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


STATION = """
import network, time
w = network.WLAN()
w.active(True)
def join(*words):
    w.disconnect()
    w.connect(*words)
    first = w.status()
    time.sleep_ms(300)
    return first, w.status()
"""


def test_joining_takes_a_moment_and_wants_the_right_key(
    fresh: Callable[..., Board],
) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            STATION + "w.config(reconnects=0)\n"
            "print(join('demo', 'wrong'), join('elsewhere', 'x'), join('demo', 'secret'))\n"
            "print(w.isconnected(), w.status('rssi'))"
        )
    assert printed.splitlines()[0] == "(1001, 202) (1001, 201) (1001, 1010)"
    assert "True -60" in printed


def test_the_driver_tries_for_ever_unless_it_is_told_otherwise(
    fresh: Callable[..., Board],
) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            STATION + "print(join('demo', 'wrong'))\n"
            "try:\n    w.connect('demo', 'secret')\nexcept OSError as e:\n    print(e)"
        )
    assert "(1001, 1001)" in printed
    assert "Wifi Internal Error" in printed


def test_a_scan_tells_strengths_and_hides_hidden_names(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    board.world.networks = {"near": "a", "far": "b", "secret": "c"}
    board.world.signals_dbm = {"near": -40, "far": -80}
    board.world.hidden = {"secret"}
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            STATION + "seen = w.scan()\n"
            "print(sorted([(s[0], s[3]) for s in seen]))\n"
            "far = [s[1] for s in seen if s[0] == b'far'][0]\n"
            "w.config(reconnects=0)\nw.connect('near', 'a', bssid=far)\ntime.sleep_ms(300)\n"
            "print(w.status())"
        )
    assert "[(b'', -60), (b'far', -80), (b'near', -40)]" in printed
    assert "201" in printed


def test_a_radio_that_hangs_is_cured_by_switching_it_off_and_on(
    fresh: Callable[..., Board],
) -> None:
    board = fresh()
    board.power_on()
    board.world.radio_fault = "error"
    with SerialBoard(board.port) as serial:
        printed = serial.execute(
            STATION + "try:\n    w.connect('demo', 'secret')\nexcept RuntimeError as e:\n"
            "    print(e)\nw.active(False)\nw.active(True)\nprint(join('demo', 'secret'))"
        )
    assert "Unknown Error 0x0102" in printed
    assert "1010" in printed


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
