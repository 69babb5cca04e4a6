"""The flash model under LittleFS in real MicroPython: cuts at every operation, wear, checks."""

import json
import os
import subprocess
from pathlib import Path

import haidang_board
from haidang_board import rig_process
from waiting import DEADLINE_S

BOARD = Path(haidang_board.__file__).parent

CUTS = """
import json, os, vfs
from flash_model import FlashModel

def step(device, text):
    fs = vfs.VfsLfs2(device)
    vfs.mount(fs, '/f')
    try:
        with open('/f/slot.new', 'w') as f:
            f.write(text * 40)
        os.rename('/f/slot.new', '/f/slot')
    finally:
        try:
            vfs.umount('/f')
        except OSError:
            pass

def read(device):
    vfs.mount(vfs.VfsLfs2(device), '/f')
    text = open('/f/slot').read()
    vfs.umount('/f')
    return text

result = {'old': 0, 'new': 0, 'broken': 0, 'bad': 0}
cut = 1
more = True
while more:
    for torn in (0, 1, 2, 4):
        try:
            os.remove(PATH)
        except OSError:
            pass
        device = FlashModel(PATH, 16)
        vfs.VfsLfs2.mkfs(device)
        step(device, 'old ')
        device.ops, device.cut_at, device.torn = 0, cut, torn
        try:
            step(device, 'new ')
            more = False
        except OSError:
            pass
        result['bad'] += device.bad
        text = read(FlashModel(PATH, 16))
        known = {'old ' * 40: 'old', 'new ' * 40: 'new'}
        result[known.get(text, 'broken')] += 1
    cut += 1
result['cuts'] = cut - 2
print(json.dumps(result))
"""

COUNTS = """
import json
from flash_model import FlashModel
device = FlashModel(PATH, 4)
device.writeblocks(1, b'a' * 32, 0)
device.writeblocks(1, b'b' * 32, 32)
before = device.bad
device.writeblocks(1, b'c' * 32, 0)
device.ioctl(6, 1)
device.writeblocks(1, b'd' * 32, 0)
device.cut_at, device.torn = device.ops + 1, 2
try:
    device.writeblocks(1, b'e' * 32, 32)
except OSError as e:
    refused = e.args[0]
back = bytearray(64)
try:
    device.readblocks(1, back)
except OSError:
    pass
FlashModel(PATH, 4).readblocks(1, back)
found = bytes(back[:48]).hex()
print(json.dumps([before, device.bad, device.wear, refused, device.dead, found]))
"""


def micropython(code: str, image: Path) -> str:
    done = subprocess.run(
        [rig_process.interpreter(), "-X", "heapsize=1M", "-c", f"PATH = {str(image)!r}\n{code}"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env={"PATH": os.environ["PATH"], "MICROPYPATH": f"{BOARD}:.frozen"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().rsplit("\n", maxsplit=1)[-1]  # before it: refused writes


def test_a_rename_cut_at_any_operation_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    result = json.loads(micropython(CUTS, tmp_path / "flash.img"))
    assert result["broken"] == 0
    assert result["bad"] == 0
    assert result["cuts"] >= 3
    assert result["old"] > 0
    assert result["new"] > 0


def test_programming_twice_is_noticed_and_wear_is_counted(tmp_path: Path) -> None:
    before, bad, wear, refused, dead, back = json.loads(
        micropython(COUNTS, tmp_path / "flash.img")
    )
    assert (before, bad) == (0, 1)
    assert wear == [0, 1, 0, 0]
    assert (refused, dead) == (5, True)
    assert bytes.fromhex(back) == b"d" * 32 + b"e" * 16
