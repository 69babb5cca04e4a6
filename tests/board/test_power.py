"""What survives a power cut, and what does not."""

from collections.abc import Callable

from haidang_board.rig import Board
from haidang_tools.board import SerialBoard


def on_board(board: Board, code: str) -> str:
    with SerialBoard(board.port) as serial:
        return serial.execute(code).strip()


def test_closed_files_survive_a_power_cut_and_open_ones_may_not(
    fresh: Callable[..., Board],
) -> None:
    board = fresh()
    board.power_on()
    with SerialBoard(board.port) as serial:
        serial.execute(
            "f = open('kept', 'w')\nf.write('x' * 5000)\nf.close()\n"
            "g = open('open', 'w')\ng.write('never flushed')"
        )
        board.power_off()
    board.power_on()
    printed = on_board(
        board,
        "import os\nprint(os.stat('kept')[6], 'open' in os.listdir() and os.stat('open')[6] > 0)",
    )
    assert printed == "5000 False"


def test_the_flash_serves_another_board_after_a_restart_of_the_rig(
    fresh: Callable[..., Board],
) -> None:
    first = fresh()
    first.power_on()
    on_board(first, "f = open('kept', 'w')\nf.write('v1')\nf.close()")
    first.close()
    second = fresh(mac="240ac4000002")
    second.power_on()
    assert on_board(second, "print(open('kept').read())") == "v1"


def test_nvs_keeps_what_was_committed_until_it_is_erased(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    on_board(
        board,
        "import esp32\nn = esp32.NVS('hd')\nn.set_i32('boot', -7)\n"
        "n.set_blob('epoch', b'\\x00ab ')\n"
        "n.commit()\nn.set_i32('boot', 8)",
    )
    board.power_off()
    board.power_on()
    read = (
        "import esp32\nn = esp32.NVS('hd')\nb = bytearray(8)\n"
        "try:\n    print(n.get_i32('boot'), bytes(b[:n.get_blob('epoch', b)]))\n"
        "except OSError as e:\n    print(e.args[0])"
    )
    assert on_board(board, read) == "-7 b'\\x00ab '"
    board.power_off()
    board.erase_nvs()
    board.power_on()
    assert on_board(board, read) == "-4354"


def test_firmware_sees_no_file_of_the_host(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    printed = on_board(
        board,
        "import os, vfs, sys\nprint(os.listdir('/'), sys.path)\n"
        "for path in ('/etc/hostname', '../etc/hostname', '/rom'):\n"
        "    try:\n        os.stat(path)\n        print('seen', path)\n"
        "    except OSError:\n        pass\n"
        "print([hasattr(m, 'VfsPosix') or hasattr(m, 'system') for m in (os, vfs)])",
    )
    assert printed.split("\n") == ["[] ['', '.frozen', '/lib']", "[False, False]"]


def test_the_rom_leaves_the_application_most_of_the_heap(fresh: Callable[..., Board]) -> None:
    board = fresh()
    board.power_on()
    assert board.rom_heap_bytes < 38_500
    free = int(on_board(board, "import gc\ngc.collect()\nprint(gc.mem_free() + gc.mem_alloc())"))
    assert 150_000 < free <= 160 * 1024
